//! What the next twelve months should bring, and how good such predictions were in the past.

use maud::{Markup, html};
use serde_json::json;

use crate::Error;
use crate::chart::Chart;
use crate::data_table::{As, DataTable, count, money, number, percent, text};
use crate::figures::{self, Money};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::sections::{facts, figure};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["customer_clv", "clv_model", "clv_backtest"];

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let clv = now.rows("customer_clv", &["clv_12m", "clv_decile", "expected_purchases_365d"])?;
    if clv.is_empty() {
        return Ok(Section::absent("lifetime", "Lifetime value", TABLES, "Lifetime values are left out of this snapshot."));
    }
    let models = now.rows("clv_model", &["model", "is_chosen", "customers", "log_score", "status"])?;
    let columns = [
        "cutoff",
        "bucket_kind",
        "bucket",
        "customers",
        "predicted_purchases",
        "actual_purchases",
        "predicted_revenue",
        "actual_revenue",
        "mae",
        "baseline_mae",
        "bias",
        "interval_coverage",
    ];
    let tests = now.rows("clv_backtest", &columns)?;
    let body = html! {
        p.lead { (lead(&models)) }
        (deciles(&clv))
        h3 { "Would it have been right?" }
        (calibration(&tests))
    };
    Ok(Section { id: "lifetime", title: "Lifetime value", tables: TABLES, body })
}

fn lead(models: &Rows) -> String {
    let chosen = models.iter().find(|row| row.flag("is_chosen"));
    chosen.map_or_else(
        || "No model could be fitted to these customers; the figures are a simpler estimate's.".to_owned(),
        |row| {
            format!(
                "What each customer should bring in the next twelve months, by {}, fitted to {}.",
                row.text("model"),
                figures::of(row.int("customers"), "customer")
            )
        },
    )
}

fn deciles(clv: &Rows) -> Markup {
    let columns = [
        ("Tenth", As::Number),
        ("Customers", As::Number),
        ("Expected value, 12 months", As::Number),
        ("Purchases expected", As::Number),
    ];
    let mut table = DataTable::new("Expected value by tenths of the customers", &columns);
    let mut data = Vec::new();
    for decile in 1..=10 {
        let rows: Vec<Row<'_>> = clv.iter().filter(|row| row.maybe_int("clv_decile") == Some(decile)).collect();
        if rows.is_empty() {
            continue;
        }
        let worth: Money = rows.iter().map(|row| row.money("clv_12m")).sum();
        let purchases: f64 = rows.iter().filter_map(|row| row.number("expected_purchases_365d")).sum();
        data.push(json!({"tenth": decile, "value": worth.about()}));
        let size = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        table.row(vec![number(Some(figures::float(decile)), 0), count(size), money(Some(worth)), number(Some(purchases), 0)]);
    }
    if data.is_empty() {
        return html! { p.absent { "The data does not bear a value for any customer; the column status of customer_clv says why." } };
    }
    let chart = Chart {
        kind: "tenths",
        title: "Expected value by tenths of the customers, the best first",
        says: "Expected value of the next twelve months by tenths of the customers, falling; figures in the table below."
            .to_owned(),
        legend: &[],
        data: data.into(),
        table,
    };
    chart.markup()
}

fn calibration(tests: &Rows) -> Markup {
    let Some(cutoff) = tests.iter().filter(|row| row.text("bucket_kind") == "decile").filter_map(|row| row.day("cutoff")).min()
    else {
        return html! { p.absent { "There is too little history to hold back a part of it and predict it." } };
    };
    let at = |kind: &'static str| tests.of("bucket_kind", kind).filter(move |row| row.day("cutoff") == Some(cutoff));
    html! {
        p { "The model was told nothing after " (cutoff) " and asked what would follow. So close it came:" }
        @if let Some(total) = at("total").next() { (total_facts(total)) }
        (deciles_chart(&at("decile").collect::<Vec<_>>()))
    }
}

fn total_facts(total: Row<'_>) -> Markup {
    let shown = |column: &str, places: usize| {
        let value = total.number(column);
        value.map_or_else(
            || html! { "–" },
            |value| figure(&format!("backtest_{column}"), &value.to_string(), &figures::number(value, places)),
        )
    };
    let share = |column: &str| {
        let value = total.number(column);
        value.map_or_else(
            || html! { "–" },
            |value| figure(&format!("backtest_{column}"), &value.to_string(), &figures::percent(value, 1)),
        )
    };
    let actual = total.int("actual_purchases");
    facts(&[
        ("Purchases predicted", shown("predicted_purchases", 0)),
        ("Purchases made", figure("backtest_actual_purchases", &actual.to_string(), &figures::count(actual))),
        ("Predicted over made", share("bias")),
        ("Purchases off, a customer", shown("mae", 2)),
        ("Naive forecast off", shown("baseline_mae", 2)),
        ("Inside the 80\u{a0}% interval", share("interval_coverage")),
    ])
}

fn deciles_chart(deciles: &[Row<'_>]) -> Markup {
    let columns = [
        ("Tenth", As::Number),
        ("Customers", As::Number),
        ("Purchases predicted", As::Number),
        ("Purchases made", As::Number),
        ("Revenue predicted", As::Number),
        ("Revenue made", As::Number),
        ("Bias", As::Number),
    ];
    let mut table = DataTable::new("Predicted and actual purchases by tenths of the customers", &columns);
    let mut data = Vec::new();
    for row in deciles {
        let tenth = row.int("bucket");
        data.push(json!({"tenth": tenth, "predicted": row.number("predicted_purchases"), "actual": row.int("actual_purchases")}));
        table.row(vec![
            text(&tenth.to_string()),
            count(row.int("customers")),
            number(row.number("predicted_purchases"), 0),
            count(row.int("actual_purchases")),
            money(row.maybe_money("predicted_revenue")),
            money(row.maybe_money("actual_revenue")),
            percent(row.number("bias")),
        ]);
    }
    let chart = Chart {
        kind: "calibration",
        title: "Purchases by tenths of the customers, by what was predicted of them",
        says: "Predicted and actual purchases of each tenth of the customers; figures in the table below.".to_owned(),
        legend: &[("c1", "made"), ("c2 ring", "predicted")],
        data: data.into(),
        table,
    };
    chart.markup()
}
