//! Which column of a view is which of ours: by name first, and only if its values can be that.

use std::collections::{BTreeMap, BTreeSet};

use crate::target::{Target, Wants, listed};
use crate::view::{Seen, View};
use crate::words::{squeezed, words};

/// From here on a name leaves no doubt worth a word.
pub(crate) const SURE: i32 = 700;
/// From here on a name was one of those we know.
pub(crate) const KNOWN: i32 = 450;
/// Names that say too little to be looked for inside longer ones.
const GENERIC: [&str; 22] = [
    "date",
    "name",
    "total",
    "amount",
    "type",
    "number",
    "datum",
    "title",
    "price",
    "value",
    "order",
    "line",
    "item",
    "product",
    "customer",
    "status",
    "store",
    "label",
    "description",
    "source",
    "state",
    "land",
];
/// Names that say nothing without that of their table.
const EMPTY_WORDS: [&str; 12] =
    ["id", "name", "title", "label", "description", "code", "key", "nr", "bezeichnung", "nom", "nombre", "nome"];

/// A column that was found for one of ours.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    /// Place in the view.
    pub place: usize,
    pub score: i32,
    /// The next best column, if it has no other use.
    pub or_else: Option<usize>,
}

/// Our columns that were found. The best pair of all goes first, and each column is used once.
pub(crate) fn matches(view: &View<'_>, targets: &'static [Target], fits: &dyn Fn(&Target, &Seen<'_>) -> bool) -> Found {
    let mut pairs = Vec::new();
    for (order, target) in targets.iter().enumerate() {
        for (place, seen) in view.columns.iter().enumerate() {
            if let Some(score) = score(target, seen).filter(|_| fits(target, seen)) {
                pairs.push((std::cmp::Reverse(score), order, place, target.column));
            }
        }
    }
    pairs.sort();
    let mut used = BTreeSet::new();
    let mut found: BTreeMap<&'static str, Match> = BTreeMap::new();
    for (score, _, place, column) in &pairs {
        if !found.contains_key(column) && used.insert(*place) {
            found.insert(column, Match { place: *place, score: score.0, or_else: None });
        }
    }
    for (score, _, place, column) in &pairs {
        if let Some(found) = found.get_mut(column)
            && found.or_else.is_none()
            && score.0 >= KNOWN
            && !used.contains(place)
        {
            found.or_else = Some(*place);
        }
    }
    Found(found)
}

#[derive(Debug, Clone)]
pub(crate) struct Found(pub BTreeMap<&'static str, Match>);

impl Found {
    pub fn get(&self, column: &str) -> Option<&Match> {
        self.0.get(column)
    }

    pub fn seen<'v, 'a>(&self, view: &'v View<'a>, column: &str) -> Option<&'v Seen<'a>> {
        self.get(column).and_then(|m| view.get(m.place))
    }
}

/// How well a column's name fits, if its values do.
fn score(target: &Target, seen: &Seen<'_>) -> Option<i32> {
    let [own, long, short] = &seen.names;
    if listed(target.never).any(|never| own.iter().any(|w| w == never)) || !can_be(target, seen) {
        return None;
    }
    // A shop system numbers orders as names: `#1001`. What else is called so is of a person or a thing.
    if target.column == "order_id" && own.iter().any(|w| w == "name") && !is_numbered(seen) {
        return None;
    }
    let says_nothing = own.iter().all(|w| EMPTY_WORDS.contains(&w.as_str()));
    let variants: Vec<(&Vec<String>, i32)> = if seen.speaks_for_itself && (seen.hops == 0 || !says_nothing) {
        vec![(own, 0), (long, 5), (short, 15)]
    } else if short.is_empty() {
        vec![(long, 0)]
    } else {
        // `CategoryName` of a table of categories already says whose name it is.
        vec![(long, 0), (own, 5)]
    };
    let hops = 100 * i32::try_from(seen.hops).unwrap_or(9);
    let mut best: Option<i32> = None;
    let mut better = |score: i32| best = Some(best.map_or(score, |b| b.max(score)));
    let strong = listed(target.names.split(';').next().unwrap_or_default()).count();
    for (rank, name) in (0_i32..).zip(listed(target.names)) {
        let weak = usize::try_from(rank).is_ok_and(|rank| rank >= strong);
        let name_words = words(name);
        let whole = squeezed(&name_words);
        for (variant, less) in &variants {
            if squeezed(variant) == whole {
                better(if weak { 690 - rank.min(50) } else { 1_000 - 4 * rank.min(50) } - less - hops);
            } else if name_words.len() > 1 && sorted(variant) == sorted(&name_words) {
                // `amount_net`, `no_invoice`
                better(if weak { 600 } else { 900 } - 3 * rank.min(50) - less - hops);
            }
        }
        if seen.speaks_for_itself && whole.len() >= 4 && !GENERIC.contains(&name) && own.len() > name_words.len() {
            if own.ends_with(&name_words) {
                better(440 - 4 * rank.min(40) - hops);
            } else if own.starts_with(&name_words) {
                better(400 - 4 * rank.min(40) - hops);
            }
        }
    }
    best
}

fn is_numbered(seen: &Seen<'_>) -> bool {
    let mut values = seen.column.values.iter().flatten().peekable();
    values.peek().is_some() && values.all(|value| value.strip_prefix('#').is_some_and(|number| !number.is_empty()))
}

fn sorted(words: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = words.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted
}

/// Whether the values can be what is wanted. Of a table without rows names have to be enough.
fn can_be(target: &Target, seen: &Seen<'_>) -> bool {
    let profile = &seen.profile;
    if seen.column.values.is_empty() {
        return true;
    }
    if profile.seen == 0 {
        return false;
    }
    let numbers = profile.numbers.is_some();
    match target.wants {
        Wants::Id => profile.dates.is_none() && (!numbers || profile.all_whole),
        Wants::Text => profile.dates.is_none() && !numbers,
        Wants::Number => numbers,
        Wants::Whole => numbers && profile.all_whole && profile.least >= 0.0 && profile.most < 2_147_483_648.0,
        Wants::Date => dates(seen).is_some(),
    }
}

/// How the values of a column are written as days.
pub(crate) fn dates(seen: &Seen<'_>) -> Option<crate::date::Dates> {
    seen.profile.dates.clone().or_else(|| {
        let values: Vec<&str> = seen.column.values.iter().flatten().map(String::as_str).collect();
        crate::date::Dates::epoch(&values)
    })
}
