//! RFM against references that were reached by another road: tests/golden/rfm/reference.py, in exact fractions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use chrono::{NaiveDate, TimeDelta};

use crate::support::{Rows, Workspace, published_bytes, root, ten_thousandths};

pub const CDNOW: &str = "
version: 1
name: cdnow
as_of: 1998-06-30
connections: {drop: {type: files, url: drop}}
extract:
  sales:
    from: drop
    path: transactions.csv
    columns:
      order_id: concat(id, '-', date)
      customer_id: id
      product_id: {sql: \"'cd'\"}
      ordered_at: date
      quantity: n
      net_amount: amt
transform: {rfm: {frequency: purchase_days, price_sensitive: off}}
publish: {to: out}
";

pub fn golden(name: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(root().join("tests/golden").join(name)).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines.map(|line| names.iter().map(|n| (*n).to_owned()).zip(line.split(',').map(str::to_owned)).collect()).collect()
}

/// Rows of `customer_rfm` under the customers' own ids.
fn by_id(space: &Workspace, to: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    by_id_of(space, to, "customer_rfm")
}

/// Rows of a table of customers under the customers' own ids.
pub fn by_id_of(space: &Workspace, to: &str, table: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let ids = space.table(to, "dim_customer").map("customer_key", "customer_id");
    space.table(to, table).named().into_iter().map(|row| (ids[&row["customer_key"]].clone(), row)).collect()
}

pub fn cdnow(transactions: &str) -> Workspace {
    let space = Workspace::new();
    space.write("drop/transactions.csv", transactions);
    space.write("cdnow.yaml", CDNOW);
    space.run(&["run", "cdnow.yaml", "--quiet"]).ok();
    space
}

pub fn transactions() -> String {
    fs::read_to_string(root().join("tests/golden/cdnow/transactions.csv")).unwrap()
}

#[test]
fn cdnow_equals_the_reference_row_for_row() {
    let space = cdnow(&transactions());
    let scored = by_id(&space, "out");
    let reference = golden("cdnow/rfm_ntile_tied.csv");
    assert_eq!((scored.len(), reference.len()), (2357, 2357));
    for row in reference {
        let ours = &scored[&row["id"]];
        for (theirs, name) in [
            ("R", "days_since_last_order"),
            ("F", "orders"),
            ("r", "r_score"),
            ("f", "f_score"),
            ("m", "m_score"),
            ("fm", "fm_score"),
            ("segment", "segment"),
        ] {
            assert_eq!(ours[name], row[theirs], "{name} of customer {}", row["id"]);
        }
        assert_eq!(ten_thousandths(&ours["monetary"]), ten_thousandths(&row["M"]), "money of customer {}", row["id"]);
    }
}

#[test]
fn cdnow_segments_have_the_published_sizes_and_shares() {
    let space = cdnow(&transactions());
    let summary = space.table("out", "rfm_segment_summary").only("region_key", "0");
    let customers = summary.map("segment", "customers");
    let shares = summary.map("segment", "revenue_share");
    for (segment, count, share) in [
        ("Champions", 455, 0.5045),
        ("Loyal Customers", 527, 0.3047),
        ("Can't Lose Them", 72, 0.0292),
        ("Needs Attention", 91, 0.0305),
        ("Potential Loyalist", 55, 0.0059),
        ("Hibernating", 415, 0.0562),
        ("Lost", 410, 0.0389),
        ("About To Sleep", 332, 0.0302),
    ] {
        assert_eq!(customers[segment], count.to_string(), "{segment}");
        assert!((shares[segment].parse::<f64>().unwrap() - share).abs() < 5.1e-5, "{segment}: {}", shares[segment]);
    }
    let validation = space.table("out", "rfm_validation").map("check", "value");
    assert_eq!(validation["champions_rank_by_mean_spend"], "1.0");
    assert!((validation["champions_revenue_to_customer_share"].parse::<f64>().unwrap() - 2.61).abs() < 0.005);
    // Champions' mean spend against the next segment's, as published: 270.63 and 141.11.
    let means = summary.map("segment", "average_monetary");
    assert_eq!((means["Champions"].as_str(), means["Loyal Customers"].as_str()), ("270.6288", "141.1095"));
}

#[test]
fn the_order_of_the_source_changes_no_byte() {
    let given = transactions();
    let (header, body) = given.split_once('\n').unwrap();
    let mut lines: Vec<&str> = body.lines().collect();
    // A shuffle without chance: by the digits of a multiplicative hash of the place.
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|place| (place * 7919 + 13) % 6007);
    lines = order.into_iter().map(|place| lines[place]).collect();
    let shuffled = cdnow(&format!("{header}\n{}\n", lines.join("\n")));
    let straight = cdnow(&given);
    assert_eq!(published_bytes(&straight.path("out")), published_bytes(&shuffled.path("out")));
    assert_eq!(straight.snapshot("out"), shuffled.snapshot("out"));
}

/// Every vector is a region of its own, scored by itself: spend is the measure where higher is better, days since the
/// order that where lower is. One is added to the spend, because who spent nothing has the lowest score whatever the mode.
#[test]
fn score_vectors_of_every_mode() {
    let text = fs::read_to_string(root().join("tests/golden/rfm/score_vectors.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 56);
    let as_of = NaiveDate::from_ymd_opt(2024, 12, 31).unwrap();
    let mut csv = "order_id,customer_id,day,amount,region\n".to_owned();
    for (case, vector) in cases.iter().enumerate() {
        for (place, value) in vector["values"].as_array().unwrap().iter().enumerate() {
            let value = value.as_i64().unwrap();
            let day = as_of - TimeDelta::days(value);
            writeln!(csv, "o{case:03}-{place:03},c{case:03}-{place:03},{day},{},v{case:03}", value + 1).unwrap();
        }
    }
    for mode in ["ntile_tied", "ntile", "quantile", "pandas_first"] {
        let space = Workspace::new();
        space.write("drop/lines.csv", &csv);
        space.write("vectors.yaml", lines_pipeline(&format!("{{scoring: {mode}, universe: region}}")));
        space.run(&["run", "vectors.yaml", "--quiet"]).ok();
        let scored = by_id(&space, "out");
        for (case, vector) in cases.iter().enumerate() {
            for place in 0..vector["values"].as_array().unwrap().len() {
                let row = &scored[&format!("c{case:03}-{place:03}")];
                let expected = |side: &str| vector[mode][side][place].to_string();
                let context = format!("{mode} of {}, place {place}", vector["values"]);
                assert_eq!(row["m_score"], expected("higher"), "higher is better: {context}");
                assert_eq!(row["r_score"], expected("lower"), "lower is better: {context}");
            }
        }
    }
}

fn lines_pipeline(rfm: &str) -> String {
    format!(
        "
version: 1
name: lines
as_of: 2024-12-31
connections: {{drop: {{type: files, url: drop}}}}
extract:
  sales:
    from: drop
    path: lines.csv
    columns: {{order_id: order_id, customer_id: customer_id, product_id: {{sql: \"'p'\"}}, ordered_at: day, quantity: {{sql: '1'}}, net_amount: amount, region: region}}
transform: {{rfm: {rfm}}}
publish: {{to: out}}
"
    )
}

/// A customer for each of the 125 score triples, made so by fixed thresholds.
#[test]
fn all_125_cells_of_both_grids() {
    let as_of = NaiveDate::from_ymd_opt(2024, 12, 31).unwrap();
    let mut csv = "order_id,customer_id,day,amount,region\n".to_owned();
    let reference = golden("rfm/grid_125.csv");
    for row in &reference {
        let [r, f, m] = ["r", "f", "m"].map(|n| row[n].parse::<i64>().unwrap());
        for order in 0..f {
            // The first order carries the spend; all stand on the day that gives the recency score.
            let amount = if order == 0 { 100 * (m - 1) + 50 } else { 0 };
            let day = as_of - TimeDelta::days((5 - r) * 10 + 5);
            writeln!(csv, "{r}{f}{m}-{order},{r}{f}{m},{day},{amount},here").unwrap();
        }
    }
    let thresholds =
        "scoring: fixed, thresholds: {recency: [10, 20, 30, 40], frequency: [2, 3, 4, 5], monetary: [100, 200, 300, 400]}";
    for (preset, column) in [("standard", "segment_no_discount_data"), ("workshop12", "workshop12_segment")] {
        let space = Workspace::new();
        space.write("drop/lines.csv", &csv);
        space.write("grid.yaml", lines_pipeline(&format!("{{{thresholds}, segments: {preset}}}")));
        space.run(&["run", "grid.yaml", "--quiet"]).ok();
        let scored = by_id(&space, "out");
        assert_eq!(scored.len(), 125);
        for row in &reference {
            let code = format!("{}{}{}", row["r"], row["f"], row["m"]);
            assert_eq!(scored[&code]["rfm_code"], code);
            assert_eq!(scored[&code]["segment"], row[column], "{preset} {code}");
            if preset == "standard" {
                assert_eq!(scored[&code]["base_segment"], row["base_segment"], "{code}");
                assert_eq!(scored[&code]["fm_score"], row["fm"], "{code}");
            }
        }
    }
}

/// Price Sensitive by discounts: one customer always buys at a discount well above the store's, one at the store's
/// usual one, one never.
#[test]
fn discounts_make_price_sensitive_only_above_the_stores_own() {
    let mut csv = "order_id,customer_id,day,amount,region,discount\n".to_owned();
    for customer in 0..10 {
        for order in 0..3 {
            let discount = match customer {
                4 => 0.4,
                5 => 0.1,
                _ => f64::from(u8::from(order == 0)) * 0.1,
            };
            writeln!(
                csv,
                "{customer}-{order},{customer},2024-12-{:02},{},here,{discount}",
                20 + order - customer,
                100 - customer
            )
            .unwrap();
        }
    }
    let space = Workspace::new();
    space.write("drop/lines.csv", &csv);
    let pipeline = lines_pipeline(
        "{segments: {R1: &row [Promising, Promising, Promising, Promising, Promising], R2: *row, R3: *row, R4: *row, R5: *row}}",
    );
    space.write("discounts.yaml", pipeline.replace("region: region}", "region: region, discount_rate: discount}"));
    space.run(&["run", "discounts.yaml", "--quiet"]).ok();
    let sensitive: Vec<String> =
        by_id(&space, "out").into_iter().filter(|(_, row)| row["is_price_sensitive"] == "true").map(|(id, _)| id).collect();
    assert_eq!(sensitive, ["4"]);
    let row = &by_id(&space, "out")["4"];
    assert_eq!((row["price_sensitive_basis"].as_str(), row["base_segment"].as_str()), ("discount", "Promising"));
    assert!(row["segment_reason"].contains("100 % of orders discounted"), "{}", row["segment_reason"]);
}

/// Who gave everything back is not scored, and who is anonymous neither; the book says so.
#[test]
fn returns_and_anonymous_sales_are_not_scored() {
    let csv = "order_id,customer_id,day,amount,region\n1,kept,2024-12-01,10,a\n2,,2024-12-02,20,a\n3,back,2024-12-03,30,a\n";
    let space = Workspace::new();
    space.write("drop/lines.csv", csv.to_owned() + "3,back,2024-12-04,-30,a\n");
    let pipeline =
        lines_pipeline("{}").replace("quantity: {sql: '1'}", "quantity: CASE WHEN CAST(amount AS INT) < 0 THEN -1 ELSE 1 END");
    space.write("returns.yaml", pipeline);
    space.run(&["run", "returns.yaml", "--quiet"]).ok();
    assert_eq!(by_id(&space, "out").into_keys().collect::<Vec<_>>(), ["kept"]);
    let book: Rows = space.table("out", "meta_reconciliation").only("entity", "customer_rfm");
    assert_eq!(book.column("rows_filtered"), ["2"]);
    assert_eq!(book.column("amount_filtered"), ["20.0000"]);
    assert_eq!(book.column("balanced"), ["true"]);
}
