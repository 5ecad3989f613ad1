//! The figures a retailer looks at first, in two snapshots. They are those of the report's first page, from the same tables.

use datafusion::common::{Result, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::prelude::{Expr, SessionContext, ident, lit, when};
use extract::decimal;
use serde::{Serialize, Serializer};

use crate::counted::{first, whole};
use crate::{Error, Snapshot};

/// A figure in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// In ten-thousandths of the currency.
    Amount(i128),
    Count(i64),
    /// 0 to 1.
    Share(f64),
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Amount(amount) => serializer.serialize_str(&decimal::display(*amount)),
            Self::Count(count) => serializer.serialize_i64(*count),
            Self::Share(share) => serializer.serialize_f64(*share),
        }
    }
}

/// A figure before and after; none where the tables it rests on are left out or not of the shape it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub figure: &'static str,
    /// The figure's name to a person.
    #[serde(skip)]
    pub title: &'static str,
    pub before: Option<Measure>,
    pub after: Option<Measure>,
    pub change: Option<Measure>,
    /// The change as a share of what was before, where that is more than nothing. A share has none: its change is read in points.
    pub relative: Option<f64>,
}

impl Figure {
    fn of(figure: &'static str, title: &'static str, before: Option<Measure>, after: Option<Measure>) -> Self {
        let change = before.zip(after).and_then(|(before, after)| match (before, after) {
            (Measure::Amount(before), Measure::Amount(after)) => Some(Measure::Amount(after - before)),
            (Measure::Count(before), Measure::Count(after)) => Some(Measure::Count(after - before)),
            (Measure::Share(before), Measure::Share(after)) => Some(Measure::Share(after - before)),
            _ => None,
        });
        let relative = before.zip(change).and_then(|(before, change)| relative(before, change));
        Self { figure, title, before, after, change, relative }
    }
}

#[allow(clippy::cast_precision_loss, reason = "one place of it is shown")]
fn relative(before: Measure, change: Measure) -> Option<f64> {
    match (before, change) {
        (Measure::Amount(before), Measure::Amount(change)) => (before > 0).then(|| change as f64 / before as f64),
        (Measure::Count(before), Measure::Count(change)) => (before > 0).then(|| change as f64 / before as f64),
        _ => None,
    }
}

#[derive(Default)]
struct Figures {
    revenue: Option<i128>,
    orders: Option<i64>,
    customers: Option<i64>,
    average_order_value: Option<i128>,
    at_risk: Option<i64>,
    clv_12m: Option<i128>,
    repeat_rate: Option<f64>,
    champions_share: Option<f64>,
}

pub(crate) async fn compare(session: &SessionContext, before: &Snapshot, after: &Snapshot) -> Result<Vec<Figure>, Error> {
    let (b, a) = (measure(session, before).await?, measure(session, after).await?);
    let amount = |figure, title, b: Option<i128>, a: Option<i128>| {
        Figure::of(figure, title, b.map(Measure::Amount), a.map(Measure::Amount))
    };
    let count =
        |figure, title, b: Option<i64>, a: Option<i64>| Figure::of(figure, title, b.map(Measure::Count), a.map(Measure::Count));
    let share =
        |figure, title, b: Option<f64>, a: Option<f64>| Figure::of(figure, title, b.map(Measure::Share), a.map(Measure::Share));
    Ok(vec![
        amount("revenue", "revenue", b.revenue, a.revenue),
        count("orders", "orders", b.orders, a.orders),
        count("customers", "customers", b.customers, a.customers),
        amount("average_order_value", "average order value", b.average_order_value, a.average_order_value),
        amount("clv_12m", "expected value, 12 months", b.clv_12m, a.clv_12m),
        share("repeat_rate", "bought more than once", b.repeat_rate, a.repeat_rate),
        share("champions_share", "Champions", b.champions_share, a.champions_share),
        count("at_risk", "at risk", b.at_risk, a.at_risk),
    ])
}

async fn measure(session: &SessionContext, snapshot: &Snapshot) -> Result<Figures, Error> {
    let mut figures = Figures::default();
    let desk = Desk { session, snapshot };
    // Orders and revenue of the regions or, where that mart is left out, of the months: both hold all sales once.
    let is_month = ident("period_kind").eq(lit("month"));
    let mut trade = None;
    for (table, kind) in [("region_performance", &lit(true)), ("sales_trend", &is_month)] {
        // Snapshots of before the orders that begin were told have each order once in every region.
        for orders in ["orders_begun", "orders"] {
            if trade.is_none() {
                trade = desk.totals(table, &[orders, "net_amount"], kind).await?;
            }
        }
    }
    if let Some([orders, revenue]) = trade.as_deref() {
        (figures.orders, figures.revenue) = (Some(whole(orders)), amount(revenue));
        figures.average_order_value = amount(revenue).and_then(|revenue| shared(revenue, whole(orders)));
    }
    figures.customers = desk.number("customer_rfm", &lit(true)).await?;
    figures.at_risk = desk.number("customer_value", &ident("is_at_risk")).await?;
    if let Some([worth]) = desk.totals("customer_clv", &["clv_12m"], &ident("clv_12m").is_not_null()).await?.as_deref() {
        figures.clv_12m = amount(worth);
    }
    figures.repeat_rate = desk.latest("retention_monthly", "month_start", "repeat_purchase_rate").await?;
    figures.champions_share = desk.champions().await?;
    Ok(figures)
}

/// Divided among `count`, half away from zero; nothing among nobody.
fn shared(amount: i128, count: i64) -> Option<i128> {
    let count = i128::from(count);
    (count > 0).then(|| (amount.abs() * 2 + count) / (count * 2) * amount.signum())
}

fn amount(value: &ScalarValue) -> Option<i128> {
    match value {
        ScalarValue::Decimal128(amount, _, 4) => *amount,
        _ => None,
    }
}

fn share(value: Option<&ScalarValue>) -> Option<f64> {
    match value {
        Some(ScalarValue::Float64(share)) => *share,
        _ => None,
    }
}

/// Asks a snapshot for single rows.
struct Desk<'a> {
    session: &'a SessionContext,
    snapshot: &'a Snapshot,
}

impl Desk<'_> {
    /// The first row of what is asked, if the table has these columns as the contract states them.
    async fn ask(
        &self,
        table: &str,
        needs: &[&str],
        question: impl FnOnce(DataFrame) -> Result<DataFrame>,
    ) -> Result<Option<Vec<ScalarValue>>, Error> {
        let failed = Error::of(table);
        let Some(frame) = self.snapshot.read(self.session, table).await.map_err(&failed)? else { return Ok(None) };
        let stated = |name: &str| schema::table(table).and_then(|table| table.column(name)).map(|column| column.kind.arrow());
        let is_known = |name: &&str| {
            frame.schema().as_arrow().field_with_name(name).is_ok_and(|f| stated(name).as_ref() == Some(f.data_type()))
        };
        if !needs.iter().all(is_known) {
            return Ok(None);
        }
        first(question(frame).map_err(&failed)?).await.map_err(&failed)
    }

    /// Sums of columns; nothing where no row is of the kind.
    async fn totals(&self, table: &str, columns: &[&str], kind: &Expr) -> Result<Option<Vec<ScalarValue>>, Error> {
        let kinds: Vec<&str> = kind.column_refs().into_iter().map(|column| column.name.as_str()).collect();
        let sums = columns.iter().map(|column| sum(ident(*column)).alias(format!("sum_{column}")));
        let questions = [count(lit(1)).alias("rows")].into_iter().chain(sums).collect();
        let needs = [columns, &kinds].concat();
        let found = self.ask(table, &needs, |frame| frame.filter(kind.clone())?.aggregate(Vec::new(), questions)).await?;
        Ok(found.filter(|row| row.first().is_some_and(|rows| whole(rows) > 0)).map(|row| row.into_iter().skip(1).collect()))
    }

    /// Rows of a kind; nothing where there is no row at all.
    async fn number(&self, table: &str, kind: &Expr) -> Result<Option<i64>, Error> {
        let kinds: Vec<&str> = kind.column_refs().into_iter().map(|column| column.name.as_str()).collect();
        let found = self.ask(table, &kinds, |frame| {
            let of_kind = count(when(kind.clone(), lit(1)).end()?).alias("of_kind");
            frame.aggregate(Vec::new(), vec![count(lit(1)).alias("rows"), of_kind])
        });
        Ok(match found.await?.as_deref() {
            Some([rows, of_kind]) if whole(rows) > 0 => Some(whole(of_kind)),
            _ => None,
        })
    }

    /// A share of the latest day.
    async fn latest(&self, table: &str, day: &str, column: &str) -> Result<Option<f64>, Error> {
        let needs = [day, column];
        let found = self.ask(table, &needs, |frame| {
            frame.sort(vec![ident(day).sort(false, false)])?.limit(0, Some(1))?.select(vec![ident(column)])
        });
        Ok(share(found.await?.unwrap_or_default().first()))
    }

    /// The share of Champions among all customers, 0 where there is none of them.
    async fn champions(&self) -> Result<Option<f64>, Error> {
        let found = self.ask("rfm_segment_summary", &["segment", "region_key", "customer_share"], |frame| {
            let is_champions = ident("segment").eq(lit("Champions"));
            // One row at most, so nothing is added up.
            let theirs = when(is_champions, ident("customer_share")).otherwise(lit(0.0))?;
            frame.filter(ident("region_key").eq(lit(extract::UNKNOWN)))?.aggregate(Vec::new(), vec![sum(theirs).alias("share")])
        });
        Ok(share(found.await?.unwrap_or_default().first()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_exact_and_relative_where_there_was_something() {
        let amount = |before, after| Figure::of("a", "a", Some(Measure::Amount(before)), Some(Measure::Amount(after)));
        assert_eq!((amount(200, 150).change, amount(200, 150).relative), (Some(Measure::Amount(-50)), Some(-0.25)));
        assert_eq!((amount(0, 1).change, amount(0, 1).relative), (Some(Measure::Amount(1)), None));
        let share = Figure::of("a", "a", Some(Measure::Share(0.25)), Some(Measure::Share(0.5)));
        assert_eq!((share.change, share.relative), (Some(Measure::Share(0.25)), None));
        assert_eq!(Figure::of("a", "a", None, Some(Measure::Count(1))).change, None);
        assert_eq!([shared(10, 3), shared(-10, 4), shared(1, 0)], [Some(3), Some(-3), None]);
    }
}
