//! Whom to win back first.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::Error;
use crate::data_table::{As, Cell, DataTable, count, markup, money, percent, text};
use crate::figures::{self, Money};
use crate::page::Section;
use crate::rows::Row;
use crate::sections::{facts, figure};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["winback_targets", "dim_customer"];

/// The list shows at most so many; the export holds all.
const SHOWN: usize = 200;

const PRIORITIES: [(&str, &str); 3] =
    [("P0", "VIPs at risk, to be called"), ("P1", "Came back before"), ("P2", "The others at risk")];

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = [
        "customer_key",
        "priority",
        "days_since_last_order",
        "lifetime_value",
        "value_tier",
        "probability_buys_30d",
        "expected_recovered_value",
        "arm",
        "contact_by",
    ];
    let rows = now.rows("winback_targets", &columns)?;
    let mut targets: Vec<Row<'_>> = rows.iter().collect();
    targets.sort_by_key(|row| {
        let worth = std::cmp::Reverse((row.maybe_money("expected_recovered_value"), row.money("lifetime_value")));
        (row.text("priority"), worth, row.int("customer_key"))
    });
    if targets.is_empty() {
        return Ok(Section::absent("winback", "Win-back", TABLES, "Nobody is on the win-back list, or the list is left out."));
    }
    let body = html! {
        (priorities(&targets))
        (list(now, &targets)?)
        @if targets.len() > SHOWN { p.note { "The first " (SHOWN) " of " (targets.len()) " customers; the export of the list holds all." } }
    };
    Ok(Section { id: "winback", title: "Win-back", tables: TABLES, body })
}

fn priorities(targets: &[Row<'_>]) -> Markup {
    let worth: Money = targets.iter().map(|row| row.money("expected_recovered_value")).sum();
    let total = i64::try_from(targets.len()).unwrap_or(i64::MAX);
    let by = targets.iter().filter_map(|row| row.day("contact_by")).min();
    html! {
        p.lead {
            (figure("winback_customers", &total.to_string(), &figures::of(total, "customer"))) " to win back, worth an expected "
            (figure("winback_value", &worth.exact(), &worth.shown())) " within 30 days"
            @if let Some(day) = by { ", to be contacted by " (day) } "."
        }
        (facts(&PRIORITIES.map(|(name, says)| (says, priority(targets, name)))))
    }
}

fn priority(targets: &[Row<'_>], name: &str) -> Markup {
    let of: Vec<&Row<'_>> = targets.iter().filter(|row| row.text("priority") == name).collect();
    let size = i64::try_from(of.len()).unwrap_or(i64::MAX);
    let worth: Money = of.iter().map(|row| row.money("expected_recovered_value")).sum();
    html! {
        span.tag { (name) } " " (figure(&format!("winback_{}", name.to_lowercase()), &size.to_string(), &figures::count(size)))
        small.faint { " worth " (worth.shown()) }
    }
}

fn list(now: Snapshot<'_>, targets: &[Row<'_>]) -> Result<Markup, Error> {
    let shown: Vec<&Row<'_>> = targets.iter().take(SHOWN).collect();
    let keys: BTreeSet<i64> = shown.iter().map(|row| row.int("customer_key")).collect();
    let ids = now.names("dim_customer", "customer_key", "customer_id", &keys)?;
    let names = now.names("dim_customer", "customer_key", "customer_name", &keys)?;
    let has_names = !names.is_empty();
    let mut columns = vec![("Customer", As::Text)];
    columns.extend(has_names.then_some(("Name", As::Text)));
    columns.extend([
        ("Priority", As::Text),
        ("Arm", As::Text),
        ("Tier", As::Text),
        ("Days since last order", As::Number),
        ("Revenue so far", As::Number),
        ("Buys in 30 days", As::Number),
        ("Expected to recover", As::Number),
    ]);
    let mut table = DataTable::new("Customers to win back", &columns);
    for row in shown {
        let key = row.int("customer_key");
        let mut cells = vec![text(ids.get(&key).map_or("–", String::as_str))];
        cells.extend(has_names.then(|| text(names.get(&key).map_or("–", String::as_str))));
        cells.extend([
            text(row.text("priority")),
            arm(row.text("arm")),
            text(row.text("value_tier")),
            count(row.int("days_since_last_order")),
            money(row.maybe_money("lifetime_value")),
            percent(row.number("probability_buys_30d")),
            money(row.maybe_money("expected_recovered_value")),
        ]);
        table.row(cells);
    }
    Ok(table.markup())
}

fn arm(arm: &str) -> Cell {
    match arm {
        "control" => markup(html! { span.pill.calm { "control: do not contact" } }, arm),
        arm => text(arm),
    }
}
