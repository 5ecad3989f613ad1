//! Customers, products, payments and tickets: the tables that hold them, and what their columns are.

use schema::Entity;

use crate::mapped::{Mapping, Remark, Value};
use crate::matching::{Found, KNOWN, matches};
use crate::sales::{SPARSE, Sales};
use crate::source::Source;
use crate::target::{is_called, targets};
use crate::view::{Looked, Seen, View, share_found};

/// A table of one entity.
#[derive(Debug)]
pub(crate) struct Other<'a> {
    pub entity: Entity,
    pub view: View<'a>,
    pub found: Found,
    /// The column that sales refer to; absent where it goes by its name.
    key: Option<String>,
}

/// What a row of the entity cannot do without.
fn required(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::Payments => &["payment_id", "customer_id", "due_on", "amount"],
        Entity::Tickets => &["ticket_id", "customer_id", "opened_at"],
        Entity::Sales | Entity::Customers | Entity::Products | Entity::Users => &[],
    }
}

/// The table that sales refer to by customer or product, or the one that is called so and has the numbers.
pub(crate) fn dimension<'a>(source: &Source, tables: &[Looked<'a>], sales: &Sales<'a>, entity: Entity) -> Option<Other<'a>> {
    let id = own_id(entity);
    let seen = sales.found.seen(&sales.view, id)?;
    let follow = source.connection.is_database();
    if let Some(join) = sales.view.join_of(seen) {
        let view = View::of(tables, join.table, follow)?;
        let found = matches(&view, targets(entity), &|_, _| true);
        return Some(Other { entity, view, found, key: Some(join.references.to_owned()) });
    }
    let mut best: Option<(i32, Other<'a>)> = None;
    for (place, table) in tables.iter().enumerate().filter(|(place, _)| *place != sales.view.base) {
        let Some(view) = View::of(tables, place, follow) else { continue };
        let found = matches(&view, targets(entity), &|_, _| true);
        let Some(key) = own_key(&view, &found, id) else { continue };
        let share = share_found(seen.column, table, &key.column.name);
        let named = is_called(&table.one, entity);
        let attributes = i32::try_from(found.0.len()).unwrap_or(0);
        let score = attributes + if named { 20 } else { 0 };
        let fits = key.profile.is_unique && share.is_none_or(|s| s >= 0.5) && attributes > 1;
        if fits && (named || share.is_some()) && best.as_ref().is_none_or(|(other, _)| score > *other) {
            let key = Some(key.column.name.clone());
            best = Some((score, Other { entity, view, found, key }));
        }
    }
    best.map(|(_, other)| other)
}

fn own_id(entity: Entity) -> &'static str {
    if entity == Entity::Customers { "customer_id" } else { "product_id" }
}

fn own_key<'v, 'a>(view: &'v View<'a>, found: &Found, id: &str) -> Option<&'v Seen<'a>> {
    [id, "own_key"].into_iter().filter_map(|name| found.seen(view, name)).find(|seen| seen.hops == 0)
}

/// Payments or tickets: a table that is called so, or has a column that nothing else has, with all that they need.
pub(crate) fn events<'a>(source: &Source, tables: &[Looked<'a>], taken: &[usize], entity: Entity) -> Option<Other<'a>> {
    let mut best: Option<(i32, Other<'a>)> = None;
    for (place, table) in tables.iter().enumerate().filter(|(place, _)| !taken.contains(place)) {
        let Some(view) = View::of(tables, place, source.connection.is_database()) else { continue };
        let found = matches(&view, targets(entity), &|_, _| true);
        let whole = required(entity).iter().all(|c| found.get(c).is_some_and(|m| m.score >= KNOWN));
        let named = is_called(&table.one, entity);
        let score = i32::try_from(found.0.len()).unwrap_or(0) + if named { 20 } else { 0 };
        // A due day makes payments whatever the table is called; a day and a customer make no ticket.
        let fits = whole && (named || entity == Entity::Payments);
        if fits && best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, Other { entity, view, found, key: None }));
        }
    }
    best.map(|(_, other)| other)
}

/// A table that is called so and lacks something: what it lacks.
pub(crate) fn nearly(tables: &[Looked<'_>], taken: &[usize], entity: Entity) -> Option<Remark> {
    let (place, table) = tables.iter().enumerate().find(|(p, t)| !taken.contains(p) && is_called(&t.one, entity))?;
    let view = View::of(tables, place, false)?;
    let found = matches(&view, targets(entity), &|_, _| true);
    let missing: Vec<&str> = required(entity).iter().copied().filter(|c| found.get(c).is_none()).collect();
    let text = format!("{entity}: `{}` looks like them and has no {}", table.sample.name, missing.join(", no "));
    (!missing.is_empty()).then(|| Remark::likely(text))
}

/// A table that is called so and has several rows of one number, so that none of them can stand for it.
pub(crate) fn repeated(tables: &[Looked<'_>], taken: &[usize], entity: Entity) -> Option<Remark> {
    let id = own_id(entity);
    let mut called = tables.iter().enumerate().filter(|(place, table)| !taken.contains(place) && is_called(&table.one, entity));
    let (table, key) = called.find_map(|(place, table)| {
        let view = View::of(tables, place, false)?;
        let found = matches(&view, targets(entity), &|_, _| true);
        let key = own_key(&view, &found, id)?;
        (key.profile.seen > 1 && !key.profile.is_unique).then(|| (&table.sample.name, key.out.clone()))
    })?;
    Some(Remark::guess(format!(
        "{entity}: `{table}` looks like them and is not read, for it has several rows with the same `{key}`: export it with one \
         row each, or map it here with `deduplicate: {{keys: [{id}], …}}`"
    )))
}

/// Every column that something was found for.
pub(crate) fn map<'v, 'a>(other: &'v Other<'a>) -> Mapping<'v, 'a> {
    let mut mapping = Mapping::new(&other.view, &other.found);
    match other.entity {
        Entity::Customers => customers(&mut mapping, other),
        Entity::Products => products(&mut mapping, other),
        Entity::Payments => {
            mapping.plain(&["payment_id", "customer_id", "order_id"]);
            mapping.date(&["due_on", "paid_on"]);
            mapping.number("amount", None);
            mapping.plain(&["status"]);
        }
        Entity::Tickets => {
            mapping.plain(&["ticket_id", "customer_id"]);
            mapping.date(&["opened_at", "resolved_at"]);
            mapping.plain(&["category", "priority"]);
            mapping.number("satisfaction", None);
        }
        Entity::Sales | Entity::Users => {}
    }
    mapping
}

fn key(mapping: &mut Mapping<'_, '_>, other: &Other<'_>, ours: &'static str) {
    let Some(key) = &other.key else { return };
    let place = mapping.view.columns.iter().position(|c| c.hops == 0 && c.column.name == *key);
    let Some((place, seen)) = place.and_then(|place| Some((place, mapping.view.get(place)?))) else { return };
    mapping.push(ours, Value::of(seen), None);
    mapping.used.insert(place);
}

fn customers(mapping: &mut Mapping<'_, '_>, other: &Other<'_>) {
    key(mapping, other, "customer_id");
    name(mapping);
    mapping.plain(&["email", "business_segment"]);
    if !mapping.has("business_segment") {
        company(mapping);
    }
    place(mapping);
    mapping.plain(&["country", "city"]);
    mapping.date(&["birth_on"]);
    mapping.number("age", None);
    mapping.date(&["signup_on"]);
}

fn name(mapping: &mut Mapping<'_, '_>) {
    let whole = mapping.seen("customer_name");
    let first = mapping.seen("first_name");
    // Beside first names, a column that is called `name` holds the last.
    let last = mapping.seen("last_name").map(|seen| ("last_name", seen)).or_else(|| {
        let alone = |seen: &&Seen<'_>| seen.names.first().is_some_and(|own| own.len() == 1);
        whole.filter(alone).map(|seen| ("customer_name", seen))
    });
    if let (Some(first), Some((used, last))) = (first, last) {
        let sql = format!("concat_ws(' ', {}, {})", first.sql(), last.sql());
        mapping.push("customer_name", Value::Sql(sql), None);
        mapping.reads("first_name");
        mapping.reads(used);
    } else if let Some(company) = mapping.seen("company").filter(|s| s.profile.seen > 0 && s.profile.empty == 0) {
        // Where every customer is a company, a name beside it is that of somebody there.
        let remark = whole.map(|person| Remark::likely(format!("every row has one; or `{}`", person.out)));
        mapping.push("customer_name", Value::of(company), remark);
        mapping.reads("company");
    } else if whole.is_some() {
        mapping.plain(&["customer_name"]);
    } else if let Some((name, seen)) = ["last_name", "company"].into_iter().find_map(|c| Some((c, mapping.seen(c)?))) {
        mapping.push("customer_name", Value::of(seen), mapping.doubt(name));
        mapping.reads(name);
    }
}

/// Customers with a company and customers without one are two segments.
fn company(mapping: &mut Mapping<'_, '_>) {
    let Some(seen) = mapping.seen("company").filter(|s| s.profile.seen > 0 && s.profile.empty > 0) else { return };
    let sql = format!("CASE WHEN {} IS NULL THEN 'Private' ELSE 'Company' END", seen.sql());
    let why = "the source has no segments; some customers have a company and some have not";
    mapping.push("business_segment", Value::Sql(sql), Some(Remark::guess(why)));
    mapping.reads("company");
}

/// The region, or the largest place below it that varies.
fn place(mapping: &mut Mapping<'_, '_>) {
    let region = mapping.seen("region");
    let varies = |name: &str| mapping.seen(name).is_some_and(|seen| seen.profile.distinct > 1);
    if region.is_some_and(|seen| seen.profile.share_empty() <= SPARSE || !varies("country")) {
        mapping.plain(&["region"]);
        return;
    }
    for name in ["country", "state"] {
        if let Some(seen) = mapping.seen(name).filter(|s| s.profile.distinct > 1) {
            let why = match region {
                Some(region) => format!("`{}` is mostly empty, so `{}` stands for it", region.out, seen.out),
                None => format!("the source has no regions, so `{}` stands for them", seen.out),
            };
            mapping.push("region", Value::of(seen), Some(Remark::likely(why)));
            mapping.reads(name);
            return;
        }
    }
}

fn products(mapping: &mut Mapping<'_, '_>, other: &Other<'_>) {
    key(mapping, other, "product_id");
    mapping.plain(&["product_name", "category", "subcategory", "brand"]);
    mapping.number("list_price", None);
    mapping.number("unit_cost", None);
}
