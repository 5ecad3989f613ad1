//! Value tiers, targets, concentration and risk: published cases, and plain loops over the published facts.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::rfm::{by_id_of, cdnow, golden, transactions};
use crate::support::{Workspace, ten_thousandths};

fn shipped(pipeline: &str) -> Workspace {
    let space = Workspace::new();
    space.link("data");
    space.link("pipelines");
    space.run(&["run", &format!("pipelines/{pipeline}.yaml"), "--quiet"]).ok();
    space
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn close(found: &str, expected: f64, by: f64) {
    assert!((number(found) - expected).abs() <= by, "{found} is not {expected}");
}

#[test]
fn chinook_tiers_are_those_of_the_published_case() {
    let space = shipped("chinook");
    let summary = space.table("out/chinook", "value_tier_summary").only("tier_kind", "value_tier");
    let (customers, amounts) = (summary.map("tier", "customers"), summary.map("tier", "net_amount"));
    let shares = summary.map("tier", "revenue_share");
    for (tier, count, amount, share) in [
        ("VIP", "15", 6_543_000, 0.280_98),
        ("Core", "15", 5_843_000, 0.250_92),
        ("Occasional", "15", 5_643_000, 0.242_33),
        ("Low", "14", 5_257_000, 0.225_76),
    ] {
        assert_eq!((customers[tier].as_str(), ten_thousandths(&amounts[tier])), (count, amount), "{tier}");
        close(&shares[tier], share, 5e-6);
    }
    let all = space.table("out/chinook", "value_concentration").only("group", "all");
    close(&all.column("gini")[0], 0.034_448_87, 5e-9);
    close(&all.column("top_20_share")[0], 0.229_08, 5e-6);
}

/// Customer by customer against the reference. Its tiers follow sums of floats; see golden/chinook/PROVENANCE.md.
#[test]
fn chinook_customers_equal_the_reference() {
    let space = shipped("chinook");
    let ours = by_id_of(&space, "out/chinook", "customer_value");
    let recency = by_id_of(&space, "out/chinook", "customer_rfm");
    let reference = golden("chinook/chinook_customer_tiers.csv");
    assert_eq!((ours.len(), reference.len()), (59, 59));
    let mut by_decimals: Vec<(i128, i64)> = Vec::new();
    for row in &reference {
        let (id, mine) = (&row["CustomerId"], &ours[&row["CustomerId"]]);
        assert_eq!(ten_thousandths(&mine["lifetime_value"]), (number(&row["spend"]) * 1e4).round() as i128, "spend of {id}");
        assert_eq!(mine["orders"], row["n"], "orders of {id}");
        assert_eq!(mine["comebacks"], row["returns"], "comebacks of {id}");
        assert_eq!(recency[id]["days_since_last_order"], row["days"], "days of {id}");
        by_decimals.push((-ten_thousandths(&mine["lifetime_value"]), id.parse().unwrap()));
    }
    // Our tier is NTILE(4) over decimals, the reference's over its own floats: same rule, other ties.
    by_decimals.sort_unstable();
    let tiers = ["VIP", "Core", "Occasional", "Low"];
    for (place, (_, id)) in by_decimals.iter().enumerate() {
        assert_eq!(ours[&id.to_string()]["value_tier"], tiers[quarter(place, 59)], "tier of {id}");
    }
    let mut by_floats: Vec<_> = reference.iter().collect();
    by_floats.sort_by(|a, b| {
        number(&b["spend"]).total_cmp(&number(&a["spend"])).then(number(&a["CustomerId"]).total_cmp(&number(&b["CustomerId"])))
    });
    for (place, row) in by_floats.iter().enumerate() {
        assert_eq!(row["tile"], (quarter(place, 59) + 1).to_string(), "the reference's own tier of {}", row["CustomerId"]);
    }
}

/// NTILE(4) of a place: the first (n mod 4) quarters hold one more.
fn quarter(place: usize, n: usize) -> usize {
    let (size, more) = (n / 4, n % 4);
    if place < more * (size + 1) { place / (size + 1) } else { more + (place - more * (size + 1)) / size }
}

#[test]
fn chinook_targets_are_those_of_the_published_case() {
    let space = shipped("chinook");
    let targets = by_id_of(&space, "out/chinook", "winback_targets");
    let value = by_id_of(&space, "out/chinook", "customer_value");
    for row in golden("chinook/chinook_targets.csv") {
        let id = &row["CustomerId"];
        assert_eq!(value[id]["is_at_risk"], (row["rq"] == "4").to_string(), "at risk: {id}");
        assert_eq!(targets.get(id).map_or("", |t| &t["priority"]), row["priority"], "priority of {id}");
    }
    let of = |priority: &str| targets.values().filter(|t| t["priority"] == priority).collect::<Vec<_>>();
    let (first, second) = (of("P0"), of("P1"));
    assert_eq!((first.len(), second.len(), of("P2").len()), (1, 13, 0));
    assert_eq!((first[0]["days_since_last_order"].as_str(), ten_thousandths(&first[0]["lifetime_value"])), ("434", 466_200));
    let names = space.table("out/chinook", "dim_customer").map("customer_key", "customer_name");
    assert_eq!(names[&first[0]["customer_key"]], "Luis Rojas");
    let days: i64 = second.iter().map(|t| t["days_since_last_order"].parse::<i64>().unwrap()).sum();
    assert_eq!(second.iter().map(|t| ten_thousandths(&t["lifetime_value"])).sum::<i128>(), 4_960_800);
    assert!((days as f64 / 13.0 - 458.69).abs() < 0.005, "{days} days in all");
}

#[test]
fn cdnow_concentration_and_percentiles() {
    let space = cdnow(&transactions());
    let all = space.table("out", "value_concentration").only("group", "all");
    let figure = |name: &str| all.column(name)[0].clone();
    close(&figure("gini"), 0.630_917_117_0, 5e-11);
    for (name, expected) in [("top_1_share", 0.145_540), ("top_10_share", 0.508_070), ("top_20_share", 0.674_550)] {
        close(&figure(name), expected, 5e-7);
    }
    assert_eq!(figure("customers_for_80_percent"), "777");
    close(&figure("hhi"), 0.002_285_80, 5e-9);
    let segments = space.table("out", "value_tier_summary").only("tier_kind", "ltv_segment").map("tier", "customers");
    assert_eq!(["Low", "Mid", "High"].map(|t| segments[t].as_str()), ["587", "1181", "589"]);
}

/// Gini, shares and index again, by their definitions, in floats.
#[test]
fn concentration_by_plain_loops() {
    let space = shipped("superstore");
    let mut spent: Vec<f64> =
        space.table("out/superstore", "customer_rfm").column("monetary").iter().map(|m| number(m)).collect();
    for value in &mut spent {
        *value = value.max(0.0);
    }
    spent.sort_by(f64::total_cmp);
    let (n, total) = (spent.len() as f64, spent.iter().sum::<f64>());
    let gini = 2.0 * spent.iter().enumerate().map(|(i, v)| (i + 1) as f64 * v).sum::<f64>() / (n * total) - (n + 1.0) / n;
    let all = space.table("out/superstore", "value_concentration").only("group", "all");
    close(&all.column("gini")[0], gini, 1e-9);
    close(&all.column("hhi")[0], spent.iter().map(|v| (v / total).powi(2)).sum(), 1e-12);
    let best = (n * 0.1).ceil() as usize;
    close(&all.column("top_10_share")[0], spent.iter().rev().take(best).sum::<f64>() / total, 1e-9);
}

#[test]
fn business_segments_by_plain_loops() {
    let space = shipped("commerce");
    let out = "out/commerce";
    let spent = space.table(out, "customer_rfm").map("customer_key", "monetary");
    let as_of: NaiveDate = space.table(out, "meta_run").column("as_of")[0].parse().unwrap();
    let half_a_year_ago = as_of.checked_sub_months(chrono::Months::new(6)).unwrap().to_string();
    let mut expected: BTreeMap<String, (u32, i128, u32, u32)> = BTreeMap::new();
    let customers = space.table(out, "dim_customer");
    let (keys, segments, last) =
        (customers.column("customer_key"), customers.column("business_segment"), customers.column("last_order_on"));
    for ((key, segment), last) in keys.iter().zip(segments).zip(last).filter(|((key, _), _)| *key != "0") {
        let entry = expected.entry(segment).or_default();
        entry.0 += 1;
        if let Some(amount) = spent.get(key) {
            entry.1 += ten_thousandths(amount);
            entry.2 += 1;
        }
        entry.3 += u32::from(last < half_a_year_ago);
    }
    let summary = space.table(out, "business_segment_summary");
    assert_eq!(summary.rows.len(), expected.len());
    for (segment, (customers, amount, buyers, at_risk)) in expected {
        let row = summary.only("business_segment", &segment);
        let column = |name: &str| row.column(name)[0].clone();
        assert_eq!((column("customers"), column("at_risk_customers")), (customers.to_string(), at_risk.to_string()), "{segment}");
        assert_eq!(ten_thousandths(&column("net_amount")), amount, "{segment}");
        close(&column("average_customer_value"), amount as f64 / 1e4 / f64::from(buyers), 1e-4);
        close(&column("average_per_customer"), amount as f64 / 1e4 / f64::from(customers), 1e-4);
    }
}

/// Late payments and tickets of each customer, counted again on the facts.
#[test]
fn risk_by_plain_loops() {
    let space = shipped("commerce");
    let out = "out/commerce";
    let as_of: NaiveDate = space.table(out, "meta_run").column("as_of")[0].parse().unwrap();
    let day = |key: &str| NaiveDate::parse_from_str(key, "%Y%m%d").unwrap();
    let mut paying: BTreeMap<String, (u32, u32, u32, i128)> = BTreeMap::new();
    for payment in rows(&space, out, "fact_payments") {
        let due = day(&payment["due_date_key"]);
        if due > as_of || ten_thousandths(&payment["amount"]) <= 0 {
            continue;
        }
        let late = payment["is_late"] == "true";
        let entry = paying.entry(payment["customer_key"].clone()).or_default();
        entry.0 += 1;
        entry.1 += u32::from(late);
        entry.2 += u32::from(late && (as_of - due).num_days() < 365);
        entry.3 += if late && payment["paid_date_key"].is_empty() { ten_thousandths(&payment["amount"]) } else { 0 };
    }
    let mut asking: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for ticket in rows(&space, out, "fact_tickets") {
        let entry = asking.entry(ticket["customer_key"].clone()).or_default();
        entry.0 += u32::from((as_of - day(&ticket["opened_date_key"])).num_days() < 90);
        entry.1 += u32::from(ticket["resolved_date_key"].is_empty());
    }
    let alive = space.table(out, "customer_clv").map("customer_key", "probability_alive");
    let judged = rows(&space, out, "customer_risk");
    assert_eq!(judged.len() + 1, space.table(out, "dim_customer").rows.len());
    for row in judged {
        let key = &row["customer_key"];
        let (due, late, late_365d, overdue) = paying.get(key).copied().unwrap_or_default();
        let (tickets, open) = asking.get(key).copied().unwrap_or_default();
        let counted = [due, late, tickets, open].map(|n| n.to_string());
        assert_eq!(["payments_due", "late_payments", "tickets_90d", "open_tickets"].map(|n| row[n].clone()), counted, "{key}");
        assert_eq!(ten_thousandths(&row["overdue_amount"]), overdue, "{key}");
        assert_eq!(row["is_high_risk"], (late_365d >= 2 || tickets >= 3).to_string(), "{key}");
        assert_eq!(row["late_payment_rate"].is_empty(), due == 0, "without a payment due there is no rate: {key}");
        let rate = if due == 0 { 0.0 } else { f64::from(late) / f64::from(due) };
        let gone = alive.get(key).filter(|a| !a.is_empty()).map_or(0.0, |a| 1.0 - number(a));
        let score = 50.0 * (rate / 0.5).min(1.0) + 30.0 * (f64::from(tickets) / 5.0).min(1.0) + 20.0 * gone;
        close(&row["risk_score"], score, 1e-9);
        assert_eq!(row["risk_reasons"].contains("payments late"), late > 0, "{key}");
    }
}

fn rows(space: &Workspace, to: &str, table: &str) -> Vec<BTreeMap<String, String>> {
    space.table(to, table).named()
}
