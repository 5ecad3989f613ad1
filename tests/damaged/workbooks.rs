//! Workbooks, written part by part, so that what is wrong with one is plain to see.

use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::bytes::{cut, flipped};
use super::{Case, publishes, says};

const FILE: &str = "orders.xlsx";
const HEADER: [&str; 6] = ["order_id", "ordered_at", "customer_id", "product_id", "quantity", "unit_price"];
/// The style of cells that are days.
const DAY: &str = " s=\"1\"";

/// A cell: text, a number, a day as Excel counts it, or its own XML with `@` for its place.
enum Cell {
    Text(&'static str),
    Number(&'static str),
    Day(&'static str),
    Xml(&'static str),
    Nothing,
}
use Cell::{Day, Nothing, Number, Text, Xml};

fn xml(cell: &Cell, row: usize, column: usize) -> String {
    let place = format!("{}{row}", char::from(b'A' + u8::try_from(column).unwrap()));
    match cell {
        Text(text) => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        Number(number) => format!("<c r=\"{place}\"><v>{number}</v></c>"),
        Day(days) => format!("<c r=\"{place}\"{DAY}><v>{days}</v></c>"),
        Xml(xml) => xml.replace('@', &place),
        Nothing => String::new(),
    }
}

fn sheet(rows: &[Vec<Cell>]) -> String {
    let row = |(place, cells): (usize, &Vec<Cell>)| {
        let cells: String = cells.iter().enumerate().map(|(column, cell)| xml(cell, place + 1, column)).collect();
        format!("<row r=\"{}\">{cells}</row>", place + 1)
    };
    let rows: String = rows.iter().enumerate().map(row).collect();
    format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    )
}

/// A workbook of sheets: name, attributes, and what it holds.
fn workbook(sheets: &[(&str, &str, String)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let numbered = || sheets.iter().enumerate().map(|(place, sheet)| (place + 1, sheet));
    let listed: String = numbered()
        .map(|(n, (name, state, _))| format!("<sheet name=\"{name}\" sheetId=\"{n}\" r:id=\"rId{n}\"{state}/>"))
        .collect();
    let related: String = numbered()
        .map(|(n, _)| format!("<Relationship Id=\"rId{n}\" Type=\"{RELATION}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"))
        .collect();
    let styles = format!(
        "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\" applyNumberFormat=\"1\"/></cellXfs></styleSheet>"
    );
    let mut parts = vec![
        (
            "[Content_Types].xml".to_owned(),
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".to_owned(),
        ),
        (
            "_rels/.rels".to_owned(),
            format!(
                "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELATION}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATION}\"><sheets>{listed}</sheets></workbook>"),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(
                "<Relationships xmlns=\"{PACKAGE}\">{related}<Relationship Id=\"rId99\" Type=\"{RELATION}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        ("xl/styles.xml".to_owned(), styles),
    ];
    parts.extend(numbered().map(|(n, (_, _, xml))| (format!("xl/worksheets/sheet{n}.xml"), xml.clone())));
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, xml) in parts {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(xml.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn header() -> Vec<Cell> {
    HEADER.map(Text).into()
}

/// A line of `quantity` pieces at `unit_price`.
fn line(id: &'static str, day: Cell, quantity: Cell, unit_price: Cell) -> Vec<Cell> {
    vec![Text(id), day, Text("C1"), Text("P1"), quantity, unit_price]
}

fn lines() -> Vec<Vec<Cell>> {
    vec![
        header(),
        line("A1", Day("45293"), Number("1"), Number("1")),
        line("A2", Day("45294"), Number("1"), Number("2")),
        line("A3", Day("45295"), Number("2"), Number("2")),
        line("A4", Day("45296"), Number("4"), Number("2")),
    ]
}

fn one(rows: &[Vec<Cell>]) -> Vec<u8> {
    workbook(&[("Orders", "", sheet(rows))])
}

/// The good lines and one more.
fn and(line: Vec<Cell>) -> Vec<u8> {
    let mut rows = lines();
    rows.push(line);
    one(&rows)
}

pub fn cases() -> Vec<Case> {
    [sound(), cells(), broken()].into_iter().flatten().collect()
}

fn sound() -> Vec<Case> {
    let notes = || sheet(&[vec![Text("Orders of January")]]);
    let (mut gap, mut empty) = (lines(), lines());
    gap.insert(2, vec![]);
    empty.insert(3, vec![Xml("<c r=\"@\"/>"), Xml("<c r=\"@\" t=\"inlineStr\"><is><t></t></is></c>")]);
    let mut titled = lines();
    titled.insert(0, vec![Text("Orders of January")]);
    let hidden = [("Old", " state=\"hidden\"", notes()), ("Orders", "", sheet(&lines()))];
    let second = [("Notes", "", notes()), ("Orders", "", sheet(&lines()))];
    vec![
        publishes("a workbook", FILE, one(&lines()), 0, 15),
        publishes("a workbook with empty rows", FILE, one(&gap), 0, 15),
        publishes("a workbook with a row of empty cells", FILE, one(&empty), 0, 15),
        publishes("a hidden sheet before the one", FILE, workbook(&hidden), 0, 15),
        publishes("a title above the header", FILE, one(&titled), 0, 15).with("skip_rows: 1"),
        publishes("the second sheet by its name", FILE, workbook(&second), 0, 15).with("sheet: Orders"),
        publishes(
            "money as Excel holds it",
            FILE,
            and(line("A5", Day("45296"), Number("100"), Number("0.16000000000000003"))),
            0,
            31,
        )
        .published(),
        publishes("a day with a time", FILE, and(line("A5", Day("45296.999"), Number("1"), Number("16"))), 0, 31),
        publishes("a number as text", FILE, and(line("A5", Text("2024-01-05"), Text("1"), Text("16"))), 0, 31),
        publishes(
            "a formula with its value",
            FILE,
            and(line("A5", Day("45296"), Xml("<c r=\"@\"><f>2-1</f><v>1</v></c>"), Number("16"))),
            0,
            31,
        ),
    ]
}

fn cells() -> Vec<Case> {
    let bad = |name: &str, day: Cell, quantity: Cell| publishes(name, FILE, and(line("A5", day, quantity, Number("16"))), 1, 15);
    vec![
        bad("a formula without a value", Day("45296"), Xml("<c r=\"@\"><f>2-1</f></c>")),
        bad("a formula that failed", Day("45296"), Xml("<c r=\"@\" t=\"e\"><f>1/0</f><v>#DIV/0!</v></c>")),
        bad("a value that is not there", Day("45296"), Xml("<c r=\"@\" t=\"e\"><v>#N/A</v></c>")),
        bad("a truth value for a number", Day("45296"), Xml("<c r=\"@\" t=\"b\"><v>1</v></c>")),
        bad("a day for a number", Day("45296"), Day("45296")),
        bad("a number for a day", Number("45296"), Number("1")),
        bad("a time without a day", Day("0.5"), Number("1")),
        bad("the day that never was", Day("60"), Number("1")),
        bad("a day behind all days", Day("9999999"), Number("1")),
        bad("a merged cell", Nothing, Number("1")),
        bad("a cell twice", Day("45296"), Xml("<c r=\"@\"><v>1</v></c><c r=\"@\"><v>2</v></c>")),
        publishes("a sum at the end of a sheet", FILE, and(vec![Text("Total"), Nothing, Nothing, Nothing, Number("8")]), 1, 15),
    ]
}

fn broken() -> Vec<Case> {
    let good = one(&lines());
    let bomb: String = sheet(&lines()).replace("</sheetData>", &format!("{}</sheetData>", " ".repeat(24 << 20)));
    let unordered = sheet(&lines()).replace("<row r=\"5\">", "<row r=\"2\">").replace("A5", "A2");
    let far = sheet(&lines()).replace("r=\"A5\"", "r=\"ZZZZZZ5\"");
    let endless = sheet(&lines()).replace("</sheetData></worksheet>", "");
    vec![
        says("a workbook cut off", FILE, cut(&good, 100), &["data/orders.xlsx", "cut off or damaged"]),
        says("a workbook with a byte turned over", FILE, flipped(&good, good.len() / 2), &["data/orders.xlsx"]),
        says("an empty workbook", FILE, "", &["data/orders.xlsx", "cut off or damaged"]),
        says("text called a workbook", FILE, "order_id,quantity\nA1,1\n", &["data/orders.xlsx", "is no workbook"]),
        says(
            "an archive that is no workbook",
            FILE,
            {
                let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
                writer.start_file("orders.csv", SimpleFileOptions::default()).unwrap();
                writer.finish().unwrap().into_inner()
            },
            &["data/orders.xlsx", "is no workbook"],
        ),
        says("a sheet that is not there", FILE, good.clone(), &["has no sheet `Sales`", "its sheets are `Orders`"])
            .with("sheet: Sales"),
        says("a sheet that is empty", FILE, one(&[]), &["sheet `Orders` is empty"]),
        says("a title above the header", FILE, one(&[vec![Text("Orders of January")], header()]), &["has no column `order_id`"]),
        says("rows out of order", FILE, workbook(&[("Orders", "", unordered)]), &["row 2 of sheet `Orders` comes behind row 4"]),
        says("a cell beyond all columns", FILE, workbook(&[("Orders", "", far)]), &["row 5 of sheet `Orders` has a cell beyond"]),
        says("a sheet without its end", FILE, workbook(&[("Orders", "", endless)]), &["data/orders.xlsx"]),
        says("a workbook that is a bomb", FILE, workbook(&[("Orders", "", bomb)]), &["unpack to more than", "limits.expansion"]),
        says("a workbook called CSV", "orders.csv", good, &["begins as a zip archive or a workbook does", "format: xlsx"]),
    ]
}
