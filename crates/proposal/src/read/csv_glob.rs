//! The glob that a person would write for files of one kind.

/// A path in which one folder or the file may have any of several names.
pub(super) struct Glob(Vec<Part>);

/// A folder, or the file itself.
enum Part {
    One(String),
    /// What the names begin and end with.
    Any {
        before: String,
        after: String,
    },
}

impl Glob {
    /// None where the names differ in more than one place, for such files need not belong together.
    pub fn of(names: &[&str]) -> Option<Self> {
        let paths: Vec<Vec<&str>> = names.iter().map(|name| name.split('/').collect()).collect();
        let depth = paths.first()?.len();
        if paths.iter().any(|path| path.len() != depth) {
            return None;
        }
        let mut parts = Vec::new();
        for place in 0..depth {
            let alike: Vec<&str> = paths.iter().filter_map(|path| path.get(place).copied()).collect();
            parts.push(Part::of(&alike, place + 1 == depth)?);
        }
        let open = parts.iter().filter(|part| matches!(part, Part::Any { .. })).count();
        (open == 1).then_some(Self(parts))
    }

    pub fn matches(&self, name: &str) -> bool {
        let path: Vec<&str> = name.split('/').collect();
        path.len() == self.0.len() && self.0.iter().zip(path).all(|(part, text)| part.matches(text))
    }

    /// Nothing but their ending is common to the names of the files, so it does not say that they belong together.
    pub fn is_any_file(&self) -> bool {
        self.0.last().is_some_and(|part| matches!(part, Part::Any { before, .. } if before.is_empty()))
    }

    pub fn written(&self) -> String {
        self.0.iter().map(Part::written).collect::<Vec<_>>().join("/")
    }
}

impl Part {
    fn of(names: &[&str], is_file: bool) -> Option<Self> {
        let first = names.first()?;
        if names.iter().all(|name| name == first) {
            return Some(Self::One((*first).to_owned()));
        }
        let (before, after) = ends(first, names)?;
        // Files of several kinds are packed or written otherwise.
        (!is_file || after.contains('.')).then_some(Self::Any { before, after })
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::One(own) => own == name,
            Self::Any { before, after } => {
                name.len() >= before.len() + after.len() && name.starts_with(before.as_str()) && name.ends_with(after.as_str())
            }
        }
    }

    fn written(&self) -> String {
        match self {
            Self::One(name) => literal(name),
            Self::Any { before, after } => format!("{}*{}", literal(before), literal(after)),
        }
    }
}

/// What all names begin and end with, in whole words and without the digits that change from one to the next.
fn ends(first: &str, names: &[&str]) -> Option<(String, String)> {
    let shared = |name: &str| first.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    let shared_end = |name: &str| first.chars().rev().zip(name.chars().rev()).take_while(|(a, b)| a == b).count();
    let before = names.iter().map(|name| shared(name)).min()?;
    let shortest = names.iter().map(|name| name.chars().count()).min()?;
    let after = names.iter().map(|name| shared_end(name)).min()?.min(shortest.saturating_sub(before));
    let prefix: String = first.chars().take(before).collect();
    // `products` and `promotions` share no word.
    let within_a_word = names.iter().any(|name| name.chars().nth(before).is_some_and(char::is_lowercase));
    let prefix = if within_a_word { prefix.trim_end_matches(char::is_alphabetic) } else { prefix.as_str() };
    let suffix: String = first.chars().skip(first.chars().count() - after).collect();
    let prefix = prefix.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    Some((prefix, suffix.trim_start_matches(char::is_alphanumeric).to_owned()))
}

/// A name in which nothing is read as a wildcard.
pub(super) fn literal(name: &str) -> String {
    name.chars().map(|c| if "*?[".contains(c) { format!("[{c}]") } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_kind_make_a_glob() {
        let glob = |names: &[&str]| Glob::of(names).map(|glob| glob.written());
        assert_eq!(glob(&["orders_2023.csv", "orders_2024.csv"]).as_deref(), Some("orders_*.csv"));
        assert_eq!(glob(&["a/orders-1.csv.gz", "a/orders-22.csv.gz"]).as_deref(), Some("a/orders-*.csv.gz"));
        assert_eq!(glob(&["2023/orders.csv", "2024/orders.csv"]).as_deref(), Some("*/orders.csv"));
        assert_eq!(glob(&["ns/north.csv", "ns/south.csv"]).as_deref(), Some("ns/*.csv"));
        assert_eq!(glob(&["products.csv", "promotions.csv"]).as_deref(), Some("*.csv"));
        assert_eq!(glob(&["[1].csv", "[12].csv"]).as_deref(), Some("[[]*].csv"));
        assert_eq!(glob(&["2023/north.csv", "2024/south.csv"]), None);
        assert_eq!(glob(&["a/orders.csv", "orders.csv"]), None);
        assert_eq!(glob(&["orders.csv"]), None);
        assert_eq!(glob(&["orders.csv", "orders.tsv"]), None);
    }

    #[test]
    fn a_glob_matches_its_files_and_no_longer_path() {
        let glob = Glob::of(&["orders.csv", "orders_orders.csv"]);
        let matches = |name: &str| glob.as_ref().is_some_and(|glob| glob.matches(name));
        assert!(matches("orders.csv") && matches("orders_orders.csv"));
        assert!(!matches("a/orders.csv") && !matches("order.csv"));
    }
}
