//! Itemsets as text.

/// Stands between the names of items.
const BETWEEN: &str = " + ";

fn name(item: u32, names: &[String]) -> &str {
    names.get(item as usize).map_or("", String::as_str)
}

/// The names of items, joined by ` + `.
pub fn text(items: impl IntoIterator<Item = u32>, names: &[String]) -> String {
    items.into_iter().map(|item| name(item, names)).collect::<Vec<_>>().join(BETWEEN)
}

/// The bytes of [`text`], which order as the text does.
pub(crate) fn bytes(items: impl Iterator<Item = u32>, names: &[String]) -> impl Iterator<Item = u8> {
    let parts = items.enumerate().flat_map(|(place, item)| [if place == 0 { "" } else { BETWEEN }, name(item, names)]);
    parts.flat_map(str::bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_text() {
        let names = ["tea", "bread", "crème"].map(str::to_owned);
        for items in [vec![], vec![1], vec![2, 0], vec![0, 1, 2], vec![0, 7]] {
            assert!(bytes(items.iter().copied(), &names).eq(text(items.clone(), &names).bytes()), "{items:?}");
        }
        assert_eq!(text([1, 0], &names), "bread + tea");
    }
}
