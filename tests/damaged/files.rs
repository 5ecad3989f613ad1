//! Files that are cut, packed wrong, encoded wrong or of another kind than they are called.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use parquet::basic::Compression;

use super::bytes::{cut, flipped, gzip, orders, parquet, prices, quantities, zstd};
use super::{Case, Ends, HEADER, LINES, ends, publishes, says};
use crate::sources::csv_text::{cp1252, utf16};

const CSV: &str = "orders.csv";

fn good() -> String {
    HEADER.to_owned() + &LINES.concat()
}

/// The good lines with one of them replaced.
fn with_line(place: usize, line: &str) -> String {
    let mut lines = LINES.map(str::to_owned);
    line.clone_into(&mut lines[place]);
    HEADER.to_owned() + &lines.concat()
}

/// Cases of CSV.
pub fn text() -> Vec<Case> {
    [encodings(), quotes(), headers(), shapes(), super::values::cases()].into_iter().flatten().collect()
}

fn encodings() -> Vec<Case> {
    let bad = |line: &[u8]| [HEADER.as_bytes(), LINES[0].as_bytes(), line, LINES[3].as_bytes()].concat();
    vec![
        publishes("the good file", CSV, good(), 0, 15),
        publishes("a byte order mark", CSV, format!("\u{FEFF}{}", good()), 0, 15),
        publishes("utf-16 with its mark", CSV, utf16(&good()), 0, 15).published(),
        says("utf-16 without its mark", CSV, &utf16(&good())[2..], &["data/orders.csv", "has no column `order_id`"]),
        publishes("utf-16 cut in the middle of a character", CSV, cut(&utf16(&good()), 1), 1, 7),
        publishes("a byte that is not utf-8", CSV, bad(b"A2,2024-01-03,C\xFF2,P1,1,2.00,web\n"), 1, 9),
        publishes("half a character", CSV, bad(b"A2,2024-01-03,Kov\xC3,P1,1,2.00,web\n"), 1, 9),
        publishes("a longer form of a character", CSV, bad(b"A2,2024-01-03,\xC0\xAF,P1,1,2.00,web\n"), 1, 9),
        publishes("half of a pair in utf-8", CSV, bad(b"A2,2024-01-03,\xED\xA0\x80,P1,1,2.00,web\n"), 1, 9),
        publishes("windows-1252 taken for utf-8", CSV, cp1252(&with_line(1, "A2,2024-01-03,Käse,P1,1,2.00,web\n")), 1, 13),
        publishes("a NUL in a value", CSV, with_line(1, "A2,2024-01-03,C\u{0}2,P1,1,2.00,web\n"), 1, 13),
        publishes("a block of NULs", CSV, good() + &"\0".repeat(4096) + "\n", 1, 15),
        says("NULs alone", CSV, vec![0; 4096], &["data/orders.csv", "has no column `order_id`"]),
        says("a NUL byte alone on a line", CSV, good() + "\0\n" + LINES[0], &["record 5 is a NUL byte alone"]),
        publishes("line ends of Windows", CSV, good().replace('\n', "\r\n"), 0, 15),
        publishes("line ends of old Macs", CSV, good().replace('\n', "\r"), 0, 15),
        publishes("mixed line ends", CSV, format!("{HEADER}{}\r{}\r\n{}", LINES[0].trim(), LINES[1].trim(), LINES[2]), 0, 7),
        publishes("blank lines between", CSV, good().replace('\n', "\n\n\r\n"), 0, 15),
        publishes("no line end at the end", CSV, good().trim_end(), 0, 15),
    ]
}

fn quotes() -> Vec<Case> {
    let astray =
        [HEADER, LINES[0], "A2,2024-01-03,C2,P1,1,2.00,\"web\n", LINES[2], "A4,2024-01-05,C3,P2,4,2.00,\"shop\n"].concat();
    let side_by_side =
        [HEADER, LINES[0], "A2,2024-01-03,C2,P1,\"1,2.00,web\n", "A3,2024-01-04,\"C1,P2,2,2.00,shop\n", LINES[3]].concat();
    vec![
        says(
            "a quote that is never closed",
            CSV,
            with_line(2, "A3,2024-01-04,C1,P2,2,2.00,\"shop\n"),
            &["record 3", "never closed"],
        ),
        says(
            "a quote in the header that is never closed",
            CSV,
            good().replacen("channel", "\"channel", 1),
            &["the header", "closed"],
        ),
        publishes("two quotes astray, two lines apart", CSV, astray.as_str(), 3, 1).published(),
        publishes("two quotes astray, with line ends of Windows", CSV, astray.replace('\n', "\r\n"), 3, 1),
        publishes("two quotes astray in two columns", CSV, astray.replacen("2.00,\"shop", "\"2.00,shop", 1), 3, 1),
        publishes("two quotes astray in lines side by side", CSV, side_by_side, 2, 9),
        publishes("a quote in the middle of a value", CSV, with_line(1, "A2,2024-01-03,C\"2,P1,1,2.00,web\n"), 0, 15),
        publishes("a value of two lines", CSV, with_line(1, "A2,2024-01-03,C2,P1,1,2.00,\"web\nshop\"\n"), 0, 15),
        publishes("single quotes", CSV, with_line(1, "'A2','2024-01-03','C2','P1','1','2.00','web'\n"), 1, 13),
        publishes("typographic quotes around a number", CSV, with_line(1, "A2,2024-01-03,C2,P1,“1”,2.00,web\n"), 1, 13),
    ]
}

fn headers() -> Vec<Case> {
    let twice = good().replace(",channel\n", ",quantity\n");
    vec![
        says(
            "a name that comes twice",
            CSV,
            twice.clone(),
            &["has no column `quantity`", "map the one you mean", "`quantity (1)`"],
        ),
        publishes(
            "a name that comes twice and is not read",
            CSV,
            good().replace("channel\n", "note,note\n").replace("b\n", "b,x\n").replace("p\n", "p,x\n"),
            0,
            15,
        ),
        publishes(
            "names that are empty",
            CSV,
            good().replace("channel\n", "channel,,\n").replace("b\n", "b,,\n").replace("p\n", "p,,\n"),
            0,
            15,
        ),
        says(
            "a column that is missing",
            CSV,
            good().replace(",unit_price", ",price"),
            &["has no column `unit_price`", "its columns are"],
        ),
        says(
            "a column by another case",
            CSV,
            good().replace("order_id", "Order_ID"),
            &["has no column `order_id`", "did you mean `Order_ID`?"],
        ),
        says("a header alone", CSV, HEADER, &["no sales line was accepted", "0 read"]),
        says("an empty file", CSV, "", &["the file is empty"]),
        says("white space alone", CSV, " \n \n", &["has no column `order_id`"]),
        says("a file without a header", CSV, LINES.concat(), &["has no column `order_id`", "its columns are: A1"]),
        says("a wrong delimiter", CSV, good().replace(',', ";"), &["csv: {delimiter: \";\"}"]),
        says("tabs for commas", CSV, good().replace(',', "\t"), &["csv: {delimiter: tab}"]),
        says(
            "a page of a server that failed",
            CSV,
            "<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n",
            &["has no column `order_id`", "<!DOCTYPE html>"],
        ),
        publishes("the header once more in the middle", CSV, good() + HEADER, 1, 15),
    ]
}

fn shapes() -> Vec<Case> {
    let long = |size: usize| with_line(1, &format!("A2,2024-01-03,{},P1,1,2.00,web\n", "C".repeat(size)));
    vec![
        publishes("a line that ends early", CSV, good() + "A5,2024-01-06,C1\n", 1, 15),
        publishes("a file that ends in the middle of a line", CSV, cut(good().as_bytes(), 12), 1, 7),
        publishes("a line with too many fields", CSV, good() + "A5,2024-01-06,C1,P1,1,1,000.00,web\n", 1, 15),
        publishes("a sum at the end", CSV, good() + "Total,,,,8,15.00,\n", 1, 15),
        publishes("notes at the end", CSV, good() + "-- 4 rows exported --\n", 1, 15),
        publishes("marks of a merge", CSV, good() + "<<<<<<< HEAD\n", 1, 15),
        publishes("a field of 10 MB in a column that is read", CSV, long(10_000_000), 1, 13),
        publishes(
            "a field of 10 MB in a column that nothing reads",
            CSV,
            {
                let note = |line: &str, note: &str| line.replace('\n', &format!(",{note}\n"));
                note(HEADER, "note") + &note(LINES[0], &"x".repeat(10_000_000)) + &note(LINES[1], "")
            },
            0,
            3,
        ),
        says("a field of 20 MB", CSV, long(20_000_000), &["record 2 is longer than 16777216 bytes", "limits.record_bytes"]),
        says("more columns than the limit", CSV, ",x".repeat(2100) + "\n", &["2101 columns, the limit is 2000"]),
        publishes("an id longer than a report holds", CSV, long(32_767), 1, 13),
        publishes("a thousand times the same bad line", CSV, good() + &"A9,x\n".repeat(1000), 1000, 15),
    ]
}

/// Cases of packed files, NDJSON and Parquet.
pub fn others() -> Vec<Case> {
    [packed(), objects(), columns()].into_iter().flatten().collect()
}

fn packed() -> Vec<Case> {
    let (gz, zst) = ("orders.csv.gz", "orders.csv.zst");
    let (small, smaller) = (gzip(good().as_bytes()), zstd(good().as_bytes()));
    let bomb = HEADER.to_owned() + &LINES[0].repeat(1_000_000);
    let (head, tail) = (HEADER.to_owned() + LINES[0], LINES[1..].concat());
    vec![
        publishes("gzip in two members", gz, [gzip(head.as_bytes()), gzip(tail.as_bytes())].concat(), 0, 15).published(),
        publishes("zstd in two frames", zst, [zstd(head.as_bytes()), zstd(tail.as_bytes())].concat(), 0, 15),
        says("gzip cut in its data", gz, cut(&small, small.len() / 2), &["data/orders.csv.gz", "cut off or damaged"]),
        says("gzip cut in its checksum", gz, cut(&small, 3), &["data/orders.csv.gz", "cut off or damaged"]),
        says("gzip cut in its header", gz, cut(&small, small.len() - 5), &["data/orders.csv.gz", "cut off or damaged"]),
        says("gzip with a wrong checksum", gz, flipped(&small, small.len() - 6), &["data/orders.csv.gz", "cut off or damaged"]),
        says("gzip with a byte turned over", gz, flipped(&small, small.len() / 2), &["data/orders.csv.gz"]),
        says("gzip with bytes behind it", gz, [small.clone(), b"and more".to_vec()].concat(), &["data/orders.csv.gz"]),
        says("a second member that is cut", gz, [gzip(head.as_bytes()), cut(&gzip(tail.as_bytes()), 9)].concat(), &["cut off"]),
        says("gzip packed twice", gz, gzip(&small), &["begins as a gzip file does", "packed twice"]),
        says("an empty gzip file", gz, "", &["data/orders.csv.gz"]),
        says("a gzip file of nothing", gz, gzip(b""), &["the file is empty"]),
        says("a gzip bomb", gz, gzip(bomb.as_bytes()), &["exceeds a limit", "unpack to more than", "limits.expansion"]),
        says("a zstd bomb", zst, zstd(bomb.as_bytes()), &["exceeds a limit", "unpack to more than", "limits.expansion"]),
        says("zstd cut off", zst, cut(&smaller, 7), &["data/orders.csv.zst", "cut off or damaged"]),
        says(
            "zstd with a wrong checksum",
            zst,
            flipped(&smaller, smaller.len() - 2),
            &["data/orders.csv.zst", "cut off or damaged"],
        ),
        says("gzip called zstd", zst, small.clone(), &["data/orders.csv.zst"]),
        says("plain text called gzip", gz, good(), &["data/orders.csv.gz", "is not gzip"]),
        says("gzip called plain", CSV, small, &["begins as a gzip file does", "compression: gzip"]),
        says("zstd called plain", CSV, smaller, &["begins as a zstd file does", "compression: zstd"]),
        says(
            "Parquet called CSV",
            CSV,
            parquet(&orders(quantities(), prices()), Compression::SNAPPY),
            &["begins as a Parquet file does"],
        ),
        says("a database called CSV", CSV, "SQLite format 3\0 and more", &["begins as a SQLite database does"]),
    ]
}

fn object(line: &str) -> String {
    let values: Vec<&str> = line.trim().split(',').collect();
    let pairs = HEADER.trim().split(',').zip(values).map(|(name, value)| match name {
        "quantity" | "unit_price" => format!("\"{name}\": {value}"),
        _ => format!("\"{name}\": \"{value}\""),
    });
    format!("{{{}}}\n", pairs.collect::<Vec<_>>().join(", "))
}

fn objects() -> Vec<Case> {
    const FILE: &str = "orders.ndjson";
    let good = LINES.map(object).concat();
    let second = |from: &str, to: &str| {
        assert!(object(LINES[1]).contains(from));
        [object(LINES[0]), object(LINES[1]).replace(from, to), object(LINES[3])].concat()
    };
    vec![
        publishes("objects, a line each", FILE, good.clone(), 0, 15),
        publishes("objects behind a byte order mark", FILE, format!("\u{FEFF}{good}"), 0, 15),
        publishes("half a line at the end", FILE, cut(good.as_bytes(), 20), 1, 7),
        publishes("an array in the place of an object", FILE, good.clone() + "[1, 2]\n", 1, 15),
        publishes("an array in the place of a value", FILE, second("\"quantity\": 1", "\"quantity\": [1]"), 1, 9),
        publishes("an object in the place of a value", FILE, second("\"quantity\": 1", "\"quantity\": {\"n\": 1}"), 1, 9),
        publishes("a name twice", FILE, second("\"quantity\": 1", "\"quantity\": 1, \"quantity\": 5"), 1, 9).published(),
        publishes(
            "the same name in two spellings",
            FILE,
            second("\"quantity\": 1", "\"quantity\": 1, \"quantit\\u0079\": 5"),
            1,
            9,
        ),
        publishes("a number that JSON has not", FILE, second("\"quantity\": 1", "\"quantity\": NaN"), 1, 9),
        publishes("a truth value in the place of a number", FILE, second("\"quantity\": 1", "\"quantity\": true"), 1, 9),
        publishes("a number as text", FILE, second("\"quantity\": 1", "\"quantity\": \"1\""), 0, 11),
        publishes("half of a pair of surrogates", FILE, second("\"C2\"", "\"C\\ud800\""), 1, 9),
        publishes("a NUL in a string", FILE, second("\"C2\"", "\"C\\u0000\""), 1, 9),
        publishes("a comma at the end", FILE, second("\"web\"}", "\"web\",}"), 1, 9),
        publishes("ten thousand brackets", FILE, good.clone() + &"[".repeat(10_000) + "\n", 1, 15),
        publishes(
            "a value nested ten thousand deep",
            FILE,
            second("\"web\"", &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
            0,
            11,
        ),
        says(
            "one array of all objects",
            FILE,
            format!("[{}]", good.trim().replace('\n', ", ")),
            &["no line of it is a JSON object"],
        ),
        says("null alone", FILE, "null\nnull\n", &["no line of it is a JSON object"]),
        publishes("bytes that are not utf-8", FILE, [good.as_bytes(), b"{\"order_id\": \"\xFF\"}\n"].concat(), 1, 15),
    ]
}

/// A Parquet file whose metadata begins with NULs.
fn emptied(parquet: &[u8]) -> Vec<u8> {
    let mut bytes = parquet.to_vec();
    let end = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) as usize;
    bytes[end - length..end - length + 30].fill(0);
    bytes
}

/// The four lines as another program writes them: uncompressed, each page with its checksum.
const WITH_CHECKSUMS: &[u8] = include_bytes!("checksums.parquet");

/// One letter of a value turned into another, which nothing but a checksum tells.
fn misread(parquet: &[u8]) -> Vec<u8> {
    let at = parquet.windows(2).position(|bytes| bytes == b"A3").unwrap();
    let mut bytes = parquet.to_vec();
    bytes[at + 1] = b'9';
    bytes
}

fn columns() -> Vec<Case> {
    const FILE: &str = "orders.parquet";
    let good = parquet(&orders(quantities(), prices()), Compression::SNAPPY);
    let of = |quantity: ArrayRef| parquet(&orders(quantity, prices()), Compression::SNAPPY);
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1", "one", "2", "4"]));
    let missing: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(2), Some(4)]));
    let floats = |value: f64| {
        let values: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![1.0, value, 2.0, 4.0]));
        parquet(&orders(values, prices()), Compression::ZSTD(parquet::basic::ZstdLevel::default()))
    };
    // Twenty megabytes of one letter in a page of a few hundred bytes.
    let long: ArrayRef = Arc::new(StringArray::from(vec!["7".repeat(20 << 20), "1".into(), "2".into(), "4".into()]));
    let bomb = parquet(&orders(long, prices()), Compression::ZSTD(parquet::basic::ZstdLevel::default()));
    // The pages lie behind the first four bytes, the metadata before the last eight.
    vec![
        publishes("a Parquet file", FILE, good.clone(), 0, 15),
        publishes("Parquet with checksums", FILE, WITH_CHECKSUMS, 0, 15),
        says("a page that is not what its checksum says", FILE, misread(WITH_CHECKSUMS), &["data/orders.parquet", "hecksum"]),
        says("Parquet with its footer cut", FILE, cut(&good, 10), &["data/orders.parquet", "cut off, or is not Parquet"]),
        says(
            "Parquet cut in the middle",
            FILE,
            cut(&good, good.len() / 2),
            &["data/orders.parquet", "cut off, or is not Parquet"],
        ),
        says("Parquet cut to its first bytes", FILE, &good[..6], &["data/orders.parquet", "cut off, or is not Parquet"]),
        says("Parquet with a footer of a wrong length", FILE, flipped(&good, good.len() - 7), &["data/orders.parquet"]),
        says("Parquet with damaged metadata", FILE, emptied(&good), &["data/orders.parquet"]),
        says("Parquet with a damaged page header", FILE, flipped(&good, 4), &["data/orders.parquet"]),
        ends("Parquet with a damaged page", FILE, flipped(&good, 40), Ends::Says(1, vec!["data/orders.parquet"])),
        says("an empty Parquet file", FILE, "", &["data/orders.parquet", "cut off, or is not Parquet"]),
        says("a Parquet bomb", FILE, bomb, &["exceeds a limit", "unpack to", "limits.expansion"]),
        publishes("a column of numbers as text", FILE, of(texts), 1, 13),
        publishes("a number that is missing", FILE, of(missing), 1, 13),
        publishes("a float that is no number", FILE, floats(f64::NAN), 1, 13),
        publishes("a float without end", FILE, floats(f64::INFINITY), 1, 13),
        publishes("a float too large for money", FILE, floats(1e300), 1, 13),
        publishes("a negative zero", FILE, floats(-0.0), 0, 13),
    ]
}
