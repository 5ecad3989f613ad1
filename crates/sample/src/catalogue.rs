//! The products: what they cost, how popular each is, and which one each drags along.

use crate::cell::{Cell, Column, Kind, column};
use crate::dice::{Dice, Part};
use crate::error::Error;
use crate::summary::Affinity;
use crate::table::Table;

pub(crate) const COLUMNS: [Column; 7] = [
    column("product_id", Kind::Whole),
    column("product_name", Kind::Text),
    column("category", Kind::Text),
    column("subcategory", Kind::Text),
    column("brand", Kind::Text),
    column("list_price", Kind::Cents(10)),
    column("unit_cost", Kind::Cents(10)),
];

/// The chance, in percent, that a line's product drags its partner into the next line.
pub(crate) const DRAG_PERCENT: u32 = 35;

/// Popularity falls as 1 / (rank + offset): near Zipf's law, in whole numbers, and with no product in every basket.
const RANK_OFFSET: u64 = 10;

const BRANDS: [&str; 14] = [
    "Alder", "Birkholm", "Corvo", "Dunmore", "Élan", "Fjord", "Halcyon", "Kestrel", "Lumen", "Møller", "Norda", "Orchard",
    "Tindra", "Vale",
];

const KINDS: [(&str, &str); 36] = [
    ("Bakery", "Bread"),
    ("Bakery", "Cakes"),
    ("Bakery", "Biscuits"),
    ("Beverages", "Coffee"),
    ("Beverages", "Juice"),
    ("Beverages", "Tea"),
    ("Books", "Children's Books"),
    ("Books", "Cookbooks"),
    ("Books", "Fiction"),
    ("Clothing", "Coats"),
    ("Clothing", "Shirts"),
    ("Clothing", "Shoes"),
    ("Electronics", "Audio"),
    ("Electronics", "Cables"),
    ("Electronics", "Lamps"),
    ("Garden", "Plants"),
    ("Garden", "Seeds"),
    ("Garden", "Tools"),
    ("Household", "Cleaning"),
    ("Household", "Laundry"),
    ("Household", "Storage"),
    ("Kitchen", "Cookware"),
    ("Kitchen", "Cutlery"),
    ("Kitchen", "Tableware"),
    ("Office", "Paper"),
    ("Office", "Pens"),
    ("Office", "Printer Ink"),
    ("Personal Care", "Hair Care"),
    ("Personal Care", "Skin Care"),
    ("Personal Care", "Soap"),
    ("Sports", "Cycling"),
    ("Sports", "Fitness"),
    ("Sports", "Swimming"),
    ("Toys", "Board Games"),
    ("Toys", "Building Blocks"),
    ("Toys", "Puzzles"),
];

pub(crate) struct Catalogue {
    seed: u64,
    products: Vec<Product>,
    /// Products by popularity, most popular first.
    ranked: Vec<u32>,
    /// For each rank, the weight of it and of all ranks before it.
    weights: Vec<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Product {
    list_price: i64,
    partner: u32,
}

impl Catalogue {
    /// The number of products grows with the fourth root of the number of lines: 126 for one, 4,000 for a million.
    pub(crate) fn new(seed: u64, lines: u32) -> Self {
        let count = (u64::from(lines) * 256_000_000).isqrt().isqrt();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut dice = Dice::new(seed, Part::Catalogue, 0);
        let mut ranked: Vec<u32> = (0..count).collect();
        dice.cycle(&mut ranked);
        let mut partners: Vec<u32> = (0..count).collect();
        dice.cycle(&mut partners);
        let products = partners.into_iter().zip(0..).map(|(partner, product)| {
            let list_price = list_price(&mut Dice::new(seed, Part::Product, product));
            Product { list_price, partner }
        });
        let weights = (0..u64::from(count)).scan(0, |sum, rank| {
            *sum += (1 << 32) / (rank + RANK_OFFSET);
            Some(*sum)
        });
        Self { seed, products: products.collect(), ranked, weights: weights.collect() }
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.products.len()).unwrap_or(u32::MAX)
    }

    /// A product by its popularity. Products count from 0, their ids from 1.
    pub(crate) fn draw(&self, dice: &mut Dice) -> u32 {
        let at = dice.below_wide(self.weights.last().copied().unwrap_or_default());
        let rank = self.weights.partition_point(|&weight| weight <= at);
        self.ranked.get(rank).copied().unwrap_or_default()
    }

    /// The product that this one drags along, never itself.
    pub(crate) fn partner(&self, product: u32) -> u32 {
        self.product(product).partner
    }

    /// Cents.
    pub(crate) fn list_price(&self, product: u32) -> i64 {
        self.product(product).list_price
    }

    pub(crate) fn top_affinities(&self, count: usize) -> Vec<Affinity> {
        let pairs = self.ranked.iter().take(count).map(|&product| Affinity {
            product_id: u64::from(product) + 1,
            partner_id: u64::from(self.partner(product)) + 1,
            probability: f64::from(DRAG_PERCENT) / 100.0,
        });
        pairs.collect()
    }

    pub(crate) fn write(&self, table: &mut Table) -> Result<(), Error> {
        for index in 0..self.len() {
            let mut dice = Dice::new(self.seed, Part::Product, u64::from(index));
            let list_price = list_price(&mut dice);
            let (category, subcategory) = dice.pick(&KINDS);
            let brand = dice.pick(&BRANDS);
            let id = i64::from(index) + 1;
            table.row(&[
                Cell::Whole(id),
                Cell::Text(&format!("{brand} {subcategory} {id}")),
                Cell::Text(category),
                Cell::Text(subcategory),
                Cell::Text(brand),
                Cell::Cents(list_price),
                Cell::Cents(list_price * i64::from(45 + dice.upto(31)) / 100),
            ])?;
        }
        Ok(())
    }

    fn product(&self, product: u32) -> Product {
        self.products.get(product as usize).copied().unwrap_or_default()
    }
}

/// A price in cents that ends in 9. Steps of a quarter, as many as 64 coins show heads, give the skewed spread of real
/// prices around 10.00 without a logarithm, which might round differently from machine to machine.
fn list_price(dice: &mut Dice) -> i64 {
    let heads = dice.coins();
    let mut price = 1_000_i64;
    for _ in 32..heads {
        price = price * 5 / 4;
    }
    for _ in heads..32 {
        price = price * 4 / 5;
    }
    price += price * i64::from(dice.upto(100)) / 400;
    (price / 10).max(2) * 10 + 9
}
