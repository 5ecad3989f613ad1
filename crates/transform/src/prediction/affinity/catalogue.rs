//! The products as the miner sees them: numbers in the order of their keys, with names and groups.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::Int64Type;
use config::BasketItems;
use extract::KeyMap;
use futures::StreamExt;

use super::TABLE;
use crate::build::{Builder, Error};

pub(super) struct Catalogue {
    /// By number.
    pub keys: Vec<i64>,
    pub numbers: KeyMap<u32>,
    /// The category of each product, numbered.
    pub groups: Vec<Option<u32>>,
    names: Vec<String>,
    categories: Vec<Option<String>>,
    subcategories: Vec<Option<String>>,
}

/// What the items of rules are.
pub(super) struct Level {
    pub names: Vec<String>,
    /// The item of each product; none where products are the items.
    pub of_product: Option<Vec<Option<u32>>>,
}

impl Catalogue {
    pub async fn read(builder: &Builder) -> Result<Self, Error> {
        let mut rows = builder.input(TABLE, "items").await?;
        let (mut keys, mut ids, mut titles) = (Vec::new(), Vec::new(), Vec::new());
        let (mut categories, mut subcategories) = (Vec::new(), Vec::new());
        while let Some(rows) = rows.next().await {
            let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
            keys.extend(rows.column(0).as_primitive::<Int64Type>().values().iter().copied());
            let texts = |place: usize| owned(rows.column(place).as_string::<i32>());
            ids.extend(texts(1));
            titles.extend(texts(2));
            categories.extend(texts(3));
            subcategories.extend(texts(4));
        }
        let numbers = (0_u32..).zip(&keys).map(|(number, key)| (*key, number)).collect();
        let groups = numbered(&categories).0;
        Ok(Self { keys, numbers, groups, names: names(&titles, &ids), categories, subcategories })
    }

    pub fn level(&self, items: BasketItems) -> Level {
        let of = |values: &[Option<String>]| {
            let (of_product, names) = numbered(values);
            Level { names, of_product: Some(of_product) }
        };
        match items {
            BasketItems::Product => Level { names: self.names.clone(), of_product: None },
            BasketItems::Subcategory => of(&self.subcategories),
            BasketItems::Category => of(&self.categories),
        }
    }
}

fn owned(texts: &StringArray) -> Vec<Option<String>> {
    (0..texts.len()).map(|row| texts.is_valid(row).then(|| texts.value(row).to_owned())).collect()
}

/// Each product's name, or its id where it has none or shares it with another.
fn names(titles: &[Option<String>], ids: &[Option<String>]) -> Vec<String> {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for title in titles.iter().flatten() {
        *uses.entry(title).or_default() += 1;
    }
    let name = |(title, id): (&Option<String>, &Option<String>)| {
        let id = id.as_deref().unwrap_or_default();
        match title.as_deref() {
            None => id.to_owned(),
            Some(title) if uses.get(title).is_some_and(|uses| *uses > 1) => format!("{title} ({id})"),
            Some(title) => title.to_owned(),
        }
    };
    titles.iter().zip(ids).map(name).collect()
}

/// Numbers for texts, in the order of the texts, and the texts by number.
fn numbered(values: &[Option<String>]) -> (Vec<Option<u32>>, Vec<String>) {
    let mut known: BTreeMap<&str, u32> = values.iter().flatten().map(|text| (text.as_str(), 0)).collect();
    (0_u32..).zip(known.values_mut()).for_each(|(number, slot)| *slot = number);
    let numbers = values.iter().map(|text| known.get(text.as_deref()?).copied()).collect();
    (numbers, known.into_keys().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_two_products_share_carry_their_ids() {
        let some = |text: &str| Some(text.to_owned());
        let titles = [some("Pen"), some("Ink"), some("Pen"), None];
        let ids = [some("p1"), some("p2"), some("p3"), some("p4")];
        assert_eq!(names(&titles, &ids), ["Pen (p1)", "Ink", "Pen (p3)", "p4"]);
        assert_eq!(numbered(&titles), (vec![Some(1), Some(0), Some(1), None], vec!["Ink".to_owned(), "Pen".to_owned()]));
    }
}
