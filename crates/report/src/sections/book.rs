//! The book: rows and money at every step from source to mart.

use maud::html;

use crate::Error;
use crate::data_table::{As, Cell, DataTable, count, markup, money, text};
use crate::figures::{self, of};
use crate::page::Section;
use crate::rows::{Row, Rows};
use crate::snapshot::Snapshot;

const TABLES: &[&str] = &["meta_reconciliation"];

pub(crate) fn section(now: Snapshot<'_>) -> Result<Section, Error> {
    let columns = [
        "hop",
        "entity",
        "rows_in",
        "rows_loaded",
        "rows_rejected",
        "rows_deduplicated",
        "rows_filtered",
        "amount_in",
        "amount_out",
        "balanced",
    ];
    let hops = now.rows("meta_reconciliation", &columns)?;
    if hops.is_empty() {
        return Ok(Section::absent("book", "The book", TABLES, "This snapshot holds no book of its rows and money."));
    }
    let off = hops.iter().filter(|row| !row.flag("balanced")).count();
    let body = html! {
        p.lead { (lead(&hops)) }
        p { @if off == 0 { span.pill.good { "balanced" } " Every step of " (hops.len()) " balances, in rows and to the last digit of the amounts." }
            @else { span.pill.bad { "not balanced" } " " (off) " of " (hops.len()) " steps do not balance." } }
        (table(&hops).markup())
    };
    Ok(Section { id: "book", title: "The book", tables: TABLES, body })
}

fn lead(hops: &Rows) -> String {
    let sales = |hop: &'static str| hops.of("hop", hop).find(|row| row.text("entity") == "sales");
    let (Some(first), Some(last)) = (sales("extract"), sales("star")) else {
        return "What came in, what came out, and what was left behind on the way.".to_owned();
    };
    let amount = |row: Row<'_>, column| row.maybe_money(column).map(|a| format!(" worth {}", a.shown())).unwrap_or_default();
    let left = first.int("rows_rejected") + first.int("rows_deduplicated") + first.int("rows_filtered");
    let left = match left {
        0 => "none was".to_owned(),
        1 => "1 was".to_owned(),
        more => format!("{} were", figures::count(more)),
    };
    format!(
        "{} of sales{} came in; {}{} are published; {left} set aside, dropped as duplicates or filtered.",
        of(first.int("rows_in"), "row"),
        amount(first, "amount_in"),
        figures::count(last.int("rows_loaded")),
        amount(last, "amount_out"),
    )
}

fn table(hops: &Rows) -> DataTable {
    let columns = [
        ("Step", As::Text),
        ("What", As::Text),
        ("Rows in", As::Number),
        ("Rows out", As::Number),
        ("Set aside", As::Number),
        ("Duplicates", As::Number),
        ("Filtered", As::Number),
        ("Amount in", As::Number),
        ("Amount out", As::Number),
        ("Balanced", As::Text),
    ];
    let mut table = DataTable::new("Rows and money at every step", &columns);
    let order = |row: &Row<'_>| ["extract", "star", "mart"].iter().position(|hop| *hop == row.text("hop"));
    let mut sorted: Vec<Row<'_>> = hops.iter().collect();
    sorted.sort_by_key(order);
    for row in sorted {
        table.row(vec![
            text(row.text("hop")),
            text(row.text("entity")),
            count(row.int("rows_in")),
            count(row.int("rows_loaded")),
            left(row.int("rows_rejected")),
            left(row.int("rows_deduplicated")),
            left(row.int("rows_filtered")),
            money(row.maybe_money("amount_in")),
            money(row.maybe_money("amount_out")),
            balance(row.flag("balanced")),
        ]);
    }
    table
}

fn left(rows: i64) -> Cell {
    markup(html! { span.zero[rows == 0] { (figures::count(rows)) } }, rows.to_string())
}

fn balance(balanced: bool) -> Cell {
    let (tone, word) = if balanced { ("good", "yes") } else { ("bad", "no") };
    markup(html! { span.pill.(tone) { (word) } }, word)
}
