//! Values that people and programs write where a number or a day is meant, all in one file: each bad line is set aside by itself.

use super::{Case, HEADER, LINES, publishes};

/// Quantities and prices that are none. Whatever they were meant as, no figure may come of them.
const NO_NUMBERS: [&str; 40] = [
    "two",
    "1,5",
    "1.234,50",
    "1 000",
    "1'000",
    "1_000",
    "1\u{A0}000",
    "$1",
    "1 EUR",
    "€1",
    "1%",
    "(1)",
    "1-",
    "−1",
    "--1",
    "+-1",
    "1.2.3",
    "1..2",
    "1e",
    "e1",
    "1e+",
    "1e99",
    "1e400",
    "0x10",
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    "INF",
    "#REF!",
    "#DIV/0!",
    "N/A",
    "null",
    "None",
    "१",
    "１",
    "1/2",
    "½",
    "99999999999999999999",
    "1;",
];

/// Days that are none, and days that a shop has not.
const NO_DAYS: [&str; 33] = [
    "02/01/2024",
    "2/1/2024",
    "01-02-2024",
    "2.1.2024",
    "02.01.2024",
    "2024/01/02",
    "20240102",
    "2024-1-2",
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-01-00",
    "0000-00-00",
    "0001-01-01",
    "1899-12-31",
    "2200-01-01",
    "9999-12-31",
    "45293",
    "1704153600",
    "Jan 2, 2024",
    "2024-01-02T25:00:00",
    "2024-01-02T10:60:00",
    "2024-01-02T24:00:00",
    "2024-01-02T10:00:00+99:00",
    "2024-01-02T10:00:00ZZ",
    "2024-01-02 10am",
    "yesterday",
    "2024-W01-2",
    "-2024-01-02",
    "+2024-01-02",
    "2024-01-02x",
    "٢٠٢٤-٠١-٠٢",
];

/// Numbers in forms that a program writes, with the quantity they are.
const NUMBERS: [(&str, u32); 9] = [
    ("1.0", 1),
    ("+1", 1),
    ("1e0", 1),
    ("10E-1", 1),
    (" 1 ", 1),
    ("01", 1),
    ("1.", 1),
    ("1.00000000000000000000", 1),
    ("0.1e1", 1),
];

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

pub fn cases() -> Vec<Case> {
    let line = |id: usize, day: &str, quantity: &str| format!("B{id},{},C9,P1,{},16.00,web\n", quoted(day), quoted(quantity));
    let file = |lines: String| HEADER.to_owned() + &LINES.concat() + &lines;
    let one_by_one = |kind: &str, values: &[&str], lines: &dyn Fn(usize, &str) -> String| {
        let all = values.iter().enumerate().map(|(id, value)| lines(id, value)).collect();
        publishes(&format!("{} {kind}", values.len()), "orders.csv", file(all), values.len() as u64, 15).published()
    };
    let written: String = NUMBERS.iter().enumerate().map(|(id, (value, _))| line(id, "2024-01-05", value)).collect();
    let amount: u32 = NUMBERS.iter().map(|(_, quantity)| quantity * 16).sum();
    let mut cases = vec![
        one_by_one("quantities that are none", &NO_NUMBERS, &|id, value| line(id, "2024-01-05", value)),
        one_by_one("days that are none", &NO_DAYS, &|id, value| line(id, value, "1")),
        publishes("numbers in other forms", "orders.csv", file(written), 0, 15 + amount).published(),
        publishes("negative zeros", "orders.csv", file(line(1, "2024-01-05", "-0") + &line(2, "2024-01-05", "-0.000")), 0, 15),
        publishes("amounts that overflow", "orders.csv", file(line(1, "2024-01-05", "99999999999999")), 1, 15),
        publishes("values of nothing", "orders.csv", file(line(1, "", "1") + &line(2, "2024-01-05", "")), 2, 15),
    ];
    // Of a file whose days are all written day first, those that could be either are the danger.
    let day_first = HEADER.to_owned() + &LINES.concat().replace("2024-01-0", "0").replace(",C", "/01/2024,C");
    cases.push(
        publishes("days written day first", "orders.csv", day_first.clone() + "A5,13/01/2024,C1,P1,1,16.00,web\n", 5, 0)
            .leaving_nothing(),
    );
    let commas = HEADER.replace(',', ";") + &LINES.concat().replace(',', ";").replace(".00", ",00");
    cases.push(publishes("decimal commas", "orders.csv", commas, 4, 0).leaving_nothing().with("csv: {delimiter: \";\"}"));
    cases
}

impl Case {
    /// The same, where no line is left to publish.
    fn leaving_nothing(mut self) -> Self {
        self.ends =
            super::Ends::Says(1, vec!["no sales line was accepted", "set aside, the first because data/orders.csv record 1"]);
        self
    }
}
