//! The Kaplan-Meier curve of the wait for the second purchase, `second_purchase_survival`.
//!
//! The wait is from a customer's first day with a purchase to the next one: a second order on the same day ends no wait, and nor
//! does a return. Who has no second day by `as_of` is censored there: they count for as long as they could have come back, and no
//! longer. Anonymous sales are nobody whose wait could be known.
//!
//! For each day t since the first purchase: n customers have been watched this long without a second one, d buy on it.
//! S(t) = product over days up to t of (1 - d/n); its standard error is S(t) * sqrt(sum of d / (n (n - d))).
//! Customers censored on a day are still among the n of that day and leave the count after it, as the authors have it.
//!
//! Kaplan and Meier, Journal of the American Statistical Association 53 (1958), 457-481; Greenwood, Reports on Public Health and
//! Medical Subjects 33 (1926), 1-26. Where everybody left has bought (d = n) the curve ends at 0 and its error, which the formula
//! leaves open, is empty.
//!
//! Days on which nobody bought or was censored have no row: between rows the curve is level. On day 0 stand those who first
//! bought on `as_of`. Without a customer there is no row at all. Days are multiplied in their order, so the same input gives the
//! same bits.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array};
use arrow::datatypes::{Int32Type, Int64Type};
use futures::StreamExt;

use crate::build::{Builder, Computed, Error};
use crate::rows::batch;

const TABLE: &str = "second_purchase_survival";

/// A day of waiting: second purchases on it, and customers watched until it without one.
#[derive(Debug, Clone, Copy)]
struct Wait {
    day: i32,
    events: i64,
    censored: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    day: i32,
    at_risk: i64,
    events: i64,
    survival: f64,
    standard_error: Option<f64>,
}

pub(crate) async fn tables(builder: &Builder) -> Result<Computed, Error> {
    let mut waits = builder.input(TABLE, "waits").await?;
    let mut days = Vec::new();
    while let Some(rows) = waits.next().await {
        let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
        let day = rows.column(0).as_primitive::<Int32Type>().values();
        let events = rows.column(1).as_primitive::<Int64Type>().values();
        let censored = rows.column(2).as_primitive::<Int64Type>().values();
        let given = day.iter().zip(events).zip(censored);
        days.extend(given.map(|((day, events), censored)| Wait { day: *day, events: *events, censored: *censored }));
    }
    let curve = curve(&days);
    let count = |value: fn(&Point) -> i64| -> ArrayRef {
        Arc::new(curve.iter().map(|p| i32::try_from(value(p)).ok()).collect::<Int32Array>())
    };
    let columns = vec![
        count(|p| i64::from(p.day)),
        count(|p| p.at_risk),
        count(|p| p.events),
        Arc::new(curve.iter().map(|p| Some(p.survival)).collect::<Float64Array>()) as ArrayRef,
        Arc::new(curve.iter().map(|p| p.standard_error).collect::<Float64Array>()),
    ];
    Ok(vec![(TABLE, vec![batch(TABLE, columns)?])])
}

/// The curve over days in ascending order.
#[allow(clippy::cast_precision_loss, reason = "customers are far fewer than 2^53")]
fn curve(days: &[Wait]) -> Vec<Point> {
    let mut at_risk: i64 = days.iter().map(|d| d.events + d.censored).sum();
    let (mut survival, mut greenwood) = (1.0, Some(0.0));
    let mut curve = Vec::with_capacity(days.len());
    for day in days {
        let (n, d) = (at_risk as f64, day.events as f64);
        survival *= (n - d) / n;
        greenwood = if day.events < at_risk { greenwood.map(|sum| sum + d / (n * (n - d))) } else { None };
        let standard_error = greenwood.map(|sum: f64| survival * sum.sqrt());
        curve.push(Point { day: day.day, at_risk, events: day.events, survival, standard_error });
        at_risk -= day.events + day.censored;
    }
    curve
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_worked_by_hand() {
        // Six customers: two buy on day 1, one is last seen on day 2, two buy on day 3, the last is seen until day 5.
        let day = |day, events, censored| Wait { day, events, censored };
        let curve = curve(&[day(1, 2, 0), day(2, 0, 1), day(3, 2, 0), day(5, 0, 1)]);
        let seen: Vec<_> = curve.iter().map(|p| (p.at_risk, (p.survival * 36.0).round())).collect();
        assert_eq!(seen, [(6, 24.0), (4, 24.0), (3, 8.0), (1, 8.0)]);
        let expected = 2.0 / 9.0 * (2.0_f64 / (6.0 * 4.0) + 2.0 / (3.0 * 1.0)).sqrt();
        assert!((curve[2].standard_error.unwrap() - expected).abs() < 1e-15);
    }

    #[test]
    fn everybody_comes_back() {
        let curve = curve(&[Wait { day: 7, events: 3, censored: 0 }]);
        assert_eq!((curve[0].survival, curve[0].standard_error), (0.0, None));
    }
}
