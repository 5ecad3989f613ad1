//! Guards: looks at the figures that every run takes, because figures of this kind have misled people before.
//!
//! Each says what it saw, why that matters and how it is switched off. None speaks of a shop too small to judge.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type};
use chrono::NaiveDate;
use config::{Guard, Tolerance, WHOLE_PPB, Watch};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use extract::decimal;

use crate::check::{Check, Status};
use crate::days::{Rhythm, of_key, rhythm};
use crate::gate::Demands;

/// Nothing is late before a week is over, whatever the rhythm.
const WEEK: i64 = 7;

/// What a guard saw of one table.
struct Seen {
    table: &'static str,
    holds: bool,
    measured: String,
    wanted: String,
    failing: u64,
}

/// Who looks, and at what.
struct Post<'a> {
    session: &'a SessionContext,
    as_of: NaiveDate,
    min_customers: i128,
    has_previous: bool,
    guard: Guard,
}

/// What every guard that is on sees, in the order of `Watch::ALL`.
pub(crate) async fn watch(session: &SessionContext, demands: &Demands<'_>, as_of: NaiveDate) -> Vec<Check> {
    let mut checks = Vec::new();
    for guard in demands.guards.on.iter().copied() {
        let min_customers = demands.guards.min_customers.into();
        let post = Post { session, as_of, min_customers, has_previous: demands.previous.is_some(), guard };
        let name = format!("guard_{}", guard.watch.name());
        match post.look().await {
            Ok(all) => checks.extend(all.into_iter().map(|seen| told(&name, guard, seen))),
            Err(error) => {
                let measured = format!("cannot be answered: {}", error.strip_backtrace());
                let check = Check::asked(&name, "", guard.is_fatal, false, measured, "", 0);
                checks.push(check.with_remedy(switch(guard.watch)));
            }
        }
    }
    checks
}

fn told(name: &str, guard: Guard, seen: Seen) -> Check {
    let check = Check::asked(name, seen.table, guard.is_fatal, seen.holds, seen.measured, &seen.wanted, seen.failing);
    if check.status == Status::Passed {
        return check;
    }
    check.with_remedy(format!("{}; {}", why(guard.watch), switch(guard.watch)))
}

/// Why it matters, and what it may be.
fn why(watch: Watch) -> &'static str {
    match watch {
        Watch::AllAtRisk => {
            "a list of nearly everybody is no list to call: as_of may lie long after the last orders, or `value: at_risk` may not suit the shop"
        }
        Watch::OneSegment => {
            "a segment of nearly everybody says nothing: the measures may be equal for all, or `rfm: scoring` may not suit the shop"
        }
        Watch::NoRecentOrders => {
            "everybody seems to be slipping away when orders are missing: see whether the source was filled up to as_of"
        }
        Watch::StaleSource => {
            "risk and service figures stand still while sales go on: see whether the source is still being filled"
        }
        Watch::Champions => {
            "who is treated as the best customer does not bring the most: customer or amount may be mapped to the wrong column"
        }
        Watch::ClosedCohorts => "the past changed: customers may have new ids at the source, or old orders came late or are gone",
        Watch::JoinFanout => "sums over the joined tables would count rows twice",
        Watch::RevenueDrop => {
            "days that were published before have lost revenue: part of the source may be missing, or an amount may be read differently"
        }
    }
}

fn switch(watch: Watch) -> String {
    format!("`guards: {{{}: off}}` in the pipeline file switches this guard off", watch.name())
}

impl Post<'_> {
    async fn look(&self) -> Result<Vec<Seen>> {
        Ok(match self.guard.watch {
            Watch::AllAtRisk => vec![self.all_at_risk().await?],
            Watch::OneSegment => vec![self.one_segment().await?],
            Watch::NoRecentOrders => {
                present([self.rhythm("fact_sales", "orders", include_str!("guards/order_days.sql")).await?])
            }
            Watch::StaleSource => present([
                self.rhythm("fact_payments", "payments", include_str!("guards/payment_days.sql")).await?,
                self.rhythm("fact_tickets", "tickets", include_str!("guards/ticket_days.sql")).await?,
            ]),
            Watch::Champions => vec![self.champions().await?],
            Watch::ClosedCohorts => vec![self.closed_cohorts().await?],
            Watch::JoinFanout => present([
                self.fanout("fact_sales", include_str!("guards/joined_sales.sql")).await?,
                self.fanout("fact_payments", include_str!("guards/joined_payments.sql")).await?,
                self.fanout("fact_tickets", include_str!("guards/joined_tickets.sql")).await?,
            ]),
            Watch::RevenueDrop => vec![self.revenue_drop().await?],
        })
    }

    /// The share that is let pass.
    fn limit(&self) -> Tolerance {
        Tolerance::Share(self.guard.limit_ppb)
    }

    /// How many times, in words.
    fn times(&self) -> Tolerance {
        Tolerance::Amount(i128::from(self.guard.limit_ppb / (WHOLE_PPB / 10_000)))
    }

    fn too_few(&self, table: &'static str, customers: i128) -> Option<Seen> {
        let few = customers < self.min_customers;
        few.then(|| quiet(table, format!("{customers} customers, judged from {} on", self.min_customers)))
    }

    async fn all_at_risk(&self) -> Result<Seen> {
        const TABLE: &str = "customer_value";
        let [customers, at_risk] = self.numbers(include_str!("guards/all_at_risk.sql")).await?;
        if let Some(few) = self.too_few(TABLE, customers) {
            return Ok(few);
        }
        let holds = self.limit().lets_pass(at_risk, customers, 1);
        let measured = format!("{at_risk} of {customers} customers are at risk");
        let wanted = format!("at most {} of them", self.limit());
        Ok(Seen { table: TABLE, holds, measured, wanted, failing: rows(at_risk, holds) })
    }

    async fn one_segment(&self) -> Result<Seen> {
        const TABLE: &str = "customer_rfm";
        let (mut total, mut largest) = (0, (String::new(), 0));
        for batch in self.session.sql(include_str!("guards/one_segment.sql")).await?.collect().await? {
            let names = cast(batch.column(0), &DataType::Utf8)?;
            let counts = cast(batch.column(1), &DataType::Decimal128(38, 0))?;
            for (name, customers) in names.as_string::<i32>().iter().zip(counts.as_primitive::<Decimal128Type>()) {
                let customers = customers.unwrap_or_default();
                total += customers;
                if customers > largest.1 {
                    largest = (name.unwrap_or_default().to_owned(), customers);
                }
            }
        }
        if let Some(few) = self.too_few(TABLE, total) {
            return Ok(few);
        }
        let (segment, customers) = largest;
        let holds = self.limit().lets_pass(customers, total, 1);
        let measured = format!("{customers} of {total} customers are {segment}");
        let wanted = format!("at most {} in one segment", self.limit());
        Ok(Seen { table: TABLE, holds, measured, wanted, failing: rows(customers, holds) })
    }

    async fn champions(&self) -> Result<Seen> {
        const TABLE: &str = "customer_rfm";
        let [customers, champions, amount, champion_amount] = self.numbers(include_str!("guards/champions.sql")).await?;
        if let Some(few) = self.too_few(TABLE, customers) {
            return Ok(few);
        }
        if champions == 0 || amount <= 0 {
            return Ok(quiet(TABLE, "there are no Champions to judge".to_owned()));
        }
        let (theirs, all) = (champion_amount / champions, amount / customers);
        let holds = champion_amount * customers * i128::from(WHOLE_PPB) >= amount * champions * i128::from(self.guard.limit_ppb);
        let measured = format!(
            "{champions} Champions spent {} on average, all customers {}",
            decimal::display(theirs),
            decimal::display(all)
        );
        let wanted = format!("at least {} times the average of all", self.times());
        Ok(Seen { table: TABLE, holds, measured, wanted, failing: rows(champions, holds) })
    }

    /// None of a table without a row: it has no source.
    async fn rhythm(&self, table: &'static str, what: &str, sql: &str) -> Result<Option<Seen>> {
        let mut days: Vec<NaiveDate> = Vec::new();
        for batch in self.session.sql(sql).await?.collect().await? {
            let keys = cast(batch.column(0), &DataType::Int32)?;
            days.extend(keys.as_primitive::<arrow::datatypes::Int32Type>().iter().flatten().filter_map(of_key));
        }
        if days.is_empty() {
            return Ok(None);
        }
        let Some(Rhythm { last, pause, longest }) = rhythm(&days, self.as_of) else {
            return Ok(Some(quiet(table, format!("too few days with {what} to know their rhythm"))));
        };
        let allowed = (i128::from(longest) * i128::from(self.guard.limit_ppb) / i128::from(WHOLE_PPB)).max(WEEK.into());
        let measured = format!(
            "the last day with {what} is {last}, {pause} days before as_of; the longest pause in the year before was {longest}"
        );
        let wanted = format!("at most {allowed} days");
        Ok(Some(Seen { table, holds: i128::from(pause) <= allowed, measured, wanted, failing: 0 }))
    }

    async fn closed_cohorts(&self) -> Result<Seen> {
        const TABLE: &str = "cohort_retention";
        if !self.has_previous {
            return Ok(first_time(TABLE));
        }
        let [cohorts_now] = self.numbers(include_str!("guards/cohorts.sql")).await?;
        if cohorts_now == 0 {
            return Ok(quiet(TABLE, "there are no cohorts to compare".to_owned()));
        }
        let [customers, moved, cohorts] = self.numbers(include_str!("guards/closed_cohorts.sql")).await?;
        if let Some(few) = self.too_few(TABLE, customers) {
            return Ok(few);
        }
        let holds = self.limit().lets_pass(moved, customers, 1);
        let measured = format!("{cohorts} closed cohorts changed by {moved} of {customers} customers since the snapshot before");
        let wanted = format!("at most {} of the customers", self.limit());
        Ok(Seen { table: TABLE, holds, measured, wanted, failing: rows(moved, holds) })
    }

    /// None of a table without a row.
    async fn fanout(&self, table: &'static str, sql: &str) -> Result<Option<Seen>> {
        let [plain, joined] = self.numbers(sql).await?;
        let holds = plain == joined;
        let measured = format!("{plain} rows, {joined} after joining the dimensions");
        let wanted = "as many rows as before".to_owned();
        let seen = Seen { table, holds, measured, wanted, failing: rows((joined - plain).abs(), holds) };
        Ok((plain > 0).then_some(seen))
    }

    async fn revenue_drop(&self) -> Result<Seen> {
        const TABLE: &str = "fact_sales";
        if !self.has_previous {
            return Ok(first_time(TABLE));
        }
        let [customers, before, now] = self.numbers(include_str!("guards/revenue_drop.sql")).await?;
        if let Some(few) = self.too_few(TABLE, customers) {
            return Ok(few);
        }
        let holds = before <= 0 || self.limit().lets_pass(before - now, before, decimal::UNIT);
        let measured = format!(
            "the days of the snapshot before brought {} then and {} now",
            decimal::display(before),
            decimal::display(now)
        );
        Ok(Seen { table: TABLE, holds, measured, wanted: format!("at most {} less", self.limit()), failing: 0 })
    }

    /// The columns of the only row; amounts in ten-thousandths, what has no value as 0.
    async fn numbers<const N: usize>(&self, sql: &str) -> Result<[i128; N]> {
        let mut numbers = [0; N];
        for batch in self.session.sql(sql).await?.collect().await?.iter().filter(|batch| batch.num_rows() > 0) {
            for (number, column) in numbers.iter_mut().zip(batch.columns()) {
                let scale = if matches!(column.data_type(), DataType::Decimal128(..)) { 4 } else { 0 };
                let column = cast(column, &DataType::Decimal128(38, scale))?;
                *number = column.as_primitive::<Decimal128Type>().iter().next().flatten().unwrap_or_default();
            }
        }
        Ok(numbers)
    }
}

fn present<const N: usize>(seen: [Option<Seen>; N]) -> Vec<Seen> {
    seen.into_iter().flatten().collect()
}

/// Nothing to say.
fn quiet(table: &'static str, measured: String) -> Seen {
    Seen { table, holds: true, measured, wanted: String::new(), failing: 0 }
}

fn first_time(table: &'static str) -> Seen {
    quiet(table, "there is no snapshot of an earlier day to compare with".to_owned())
}

fn rows(failing: i128, holds: bool) -> u64 {
    if holds { 0 } else { u64::try_from(failing).unwrap_or(u64::MAX) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::collections::BTreeSet;

    use config::Guards;

    use super::*;
    use crate::rules::without_rows;

    /// The gate finds a key that stands twice before any guard looks, so the case is made by hand.
    #[tokio::test]
    async fn a_member_that_stands_twice_is_a_fanout() {
        let session = without_rows(&SessionContext::new()).unwrap();
        let tables = [
            ("fact_sales", "SELECT 20240105 AS date_key, 1 AS region_key, 2 AS product_key, 3 AS customer_key"),
            ("dim_date", "SELECT 20240105 AS date_key"),
            ("dim_region", "SELECT 1 AS region_key"),
            ("dim_product", "SELECT 2 AS product_key"),
            ("dim_customer", "SELECT column1 AS customer_key FROM (VALUES (3), (3)) AS twice"),
        ];
        for (name, sql) in tables {
            session.deregister_table(name).unwrap();
            session.register_table(name, session.sql(sql).await.unwrap().into_view()).unwrap();
        }
        let on = vec![Guard { watch: Watch::JoinFanout, is_fatal: true, limit_ppb: 0 }];
        let (guards, pii) = (Guards { min_customers: 50, on }, BTreeSet::new());
        let demands = Demands { rules: &[], guards: &guards, excludes_returns: false, previous: None, rows_kept: 0, pii: &pii };
        let checks = watch(&session, &demands, NaiveDate::default()).await;
        assert_eq!(checks.len(), 1, "facts without a row are passed over");
        assert_eq!((checks[0].status, checks[0].failing_rows), (Status::Failed, 1));
        assert_eq!(checks[0].measured, "1 rows, 2 after joining the dimensions");
        assert!(checks[0].remedy.contains("guards: {join_fanout: off}"));
    }
}
