//! Who the customers are.

use crate::calendar::unix_day;
use crate::cell::{Cell, Column, Kind, column};
use crate::dice::{Dice, Part};
use crate::error::Error;
use crate::table::Table;

pub(crate) const COLUMNS: [Column; 9] = [
    column("customer_id", Kind::Whole),
    column("customer_name", Kind::Text),
    column("email", Kind::Text),
    column("segment", Kind::Text),
    column("region", Kind::Text),
    column("country", Kind::Text),
    column("city", Kind::Text),
    column("birth_date", Kind::Date),
    column("signup_date", Kind::Date),
];

pub(crate) const REGIONS: [&str; 5] = ["North", "South", "East", "West", "Central"];

/// Percent of the customers.
const SEGMENTS: [(&str, u32); 4] = [("Consumer", 60), ("Small Business", 25), ("Enterprise", 10), ("Nonprofit", 5)];

const PLACES: [(&str, &str, &str); 20] = [
    ("North", "Sweden", "Malmö"),
    ("North", "Denmark", "Aarhus"),
    ("North", "Norway", "Tromsø"),
    ("North", "Finland", "Jyväskylä"),
    ("South", "Spain", "Valencia"),
    ("South", "Spain", "A Coruña"),
    ("South", "Italy", "Bologna"),
    ("South", "Portugal", "Setúbal"),
    ("East", "Poland", "Kraków"),
    ("East", "Poland", "Gdynia"),
    ("East", "Hungary", "Győr"),
    ("East", "Czechia", "Brno"),
    ("West", "France", "Angers"),
    ("West", "Ireland", "Cork"),
    ("West", "Netherlands", "'s-Hertogenbosch"),
    ("West", "Belgium", "Liège"),
    ("Central", "Germany", "Nürnberg"),
    ("Central", "Germany", "Kassel"),
    ("Central", "Austria", "Graz"),
    ("Central", "Switzerland", "Zürich"),
];

const FIRST_NAMES: [&str; 24] = [
    "Ada",
    "Agnieszka",
    "Björn",
    "Carmen",
    "Chloé",
    "David",
    "Elena",
    "Émile",
    "Femke",
    "Giulia",
    "Hugo",
    "Ingrid",
    "Jan",
    "José",
    "Katarina",
    "Lars",
    "Łukasz",
    "Maria",
    "Niamh",
    "Oskar",
    "Petra",
    "Samuel",
    "Sofia",
    "Zoë",
];

/// A family name and how it is written in an address.
const LAST_NAMES: [(&str, &str); 24] = [
    ("Andersen", "andersen"),
    ("Bakker", "bakker"),
    ("Becker", "becker"),
    ("Costa", "costa"),
    ("Dubois", "dubois"),
    ("Fernández", "fernandez"),
    ("Fischer", "fischer"),
    ("García", "garcia"),
    ("Horváth", "horvath"),
    ("Jansen", "jansen"),
    ("Kovács", "kovacs"),
    ("Kowalska", "kowalska"),
    ("Lefèvre", "lefevre"),
    ("Lindqvist", "lindqvist"),
    ("Müller", "mueller"),
    ("Murphy", "murphy"),
    ("Novák", "novak"),
    ("O'Brien", "obrien"),
    ("Øster", "oester"),
    ("Rossi", "rossi"),
    ("Silva", "silva"),
    ("Virtanen", "virtanen"),
    ("Weber", "weber"),
    ("Wójcik", "wojcik"),
];

/// The youngest and the oldest consumer, in days before the first day of the shop.
const YOUNGEST: i32 = 18 * 365;
const AGE_SPREAD: u16 = 65 * 365;

/// Percent of the consumers who did not tell when they were born.
const NO_BIRTH_DATE: u32 = 12;

/// Writes the customer and returns the region. Customers count from 0, their ids from 1.
pub(crate) fn write(table: &mut Table, seed: u64, customer: u32, signup_day: i32) -> Result<&'static str, Error> {
    let mut dice = Dice::new(seed, Part::Customer, u64::from(customer));
    let segment = dice.weighted(&SEGMENTS);
    let (region, country, city) = dice.pick(&PLACES);
    let id = i64::from(customer) + 1;
    let (last_name, address) = dice.pick(&LAST_NAMES);
    let name = name(segment, last_name, city, &mut dice);
    let birth_day = -YOUNGEST - dice.upto(AGE_SPREAD);
    // Organizations have no birthday.
    let has_birth_day = !dice.percent(NO_BIRTH_DATE) && segment == "Consumer";
    table.row(&[
        Cell::Whole(id),
        Cell::Text(&name),
        Cell::Text(&format!("{address}.{id}@example.com")),
        Cell::Text(segment),
        Cell::Text(region),
        Cell::Text(country),
        Cell::Text(city),
        Cell::date_or_null(has_birth_day.then(|| unix_day(birth_day))),
        Cell::Date(unix_day(signup_day)),
    ])?;
    Ok(region)
}

fn name(segment: &str, last_name: &str, city: &str, dice: &mut Dice) -> String {
    match segment {
        "Small Business" => format!("{last_name}, {} & Co", dice.pick(&LAST_NAMES).0),
        "Enterprise" => format!("{last_name} {}", dice.pick(&["Group", "Holding", "Industries", "Logistics"])),
        "Nonprofit" => format!("\"{}\" {city}", dice.pick(&["Open Door", "Good Neighbours", "Second Chance"])),
        _ => format!("{} {last_name}", dice.pick(&FIRST_NAMES)),
    }
}
