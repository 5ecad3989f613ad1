//! The amounts of a sales line: each follows from the ones the source gives, in decimals.
//!
//! gross = quantity × unit price and net = gross − discount hold for every line that leaves this module, the first but
//! for rounding where the source gives the net amount, and but for what is told where it gives the discount as well.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Builder, PrimitiveArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowNativeType, Decimal128Type, Float64Type};
use schema::Type;

use crate::decimal::{NOT_A_NUMBER, TOO_LARGE, UNIT, divide, fits, multiply};

/// Rates are held as whole billionths.
const BILLION: i128 = 1_000_000_000;

/// What the source gives; a column it does not give is absent.
#[derive(Default)]
pub(crate) struct Given<'a> {
    pub quantity: Option<Numbers<'a, i128>>,
    pub unit_price: Option<Numbers<'a, i128>>,
    pub net_amount: Option<Numbers<'a, i128>>,
    pub discount_amount: Option<Numbers<'a, i128>>,
    pub discount_rate: Option<Numbers<'a, f64>>,
    pub cost_amount: Option<Numbers<'a, i128>>,
    pub exchange_rate: Option<Numbers<'a, f64>>,
}

impl<'a> Given<'a> {
    /// Out of the columns that `column` has by name.
    pub fn of(column: impl Fn(&str) -> Option<&'a ArrayRef>) -> Self {
        let decimals = |name| column(name)?.as_primitive_opt::<Decimal128Type>().map(Numbers::of);
        let rates = |name| column(name)?.as_primitive_opt::<Float64Type>().map(Numbers::of);
        Self {
            quantity: decimals("quantity"),
            unit_price: decimals("unit_price"),
            net_amount: decimals("net_amount"),
            discount_amount: decimals("discount_amount"),
            discount_rate: rates("discount_rate"),
            cost_amount: decimals("cost_amount"),
            exchange_rate: rates("exchange_rate"),
        }
    }
}

/// A column as it is asked row by row, for every line there is.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<'a, T> {
    values: &'a [T],
    nulls: Option<&'a NullBuffer>,
}

impl<'a, T: ArrowNativeType> Numbers<'a, T> {
    fn of<P: ArrowPrimitiveType<Native = T>>(column: &'a PrimitiveArray<P>) -> Self {
        Self { values: column.values(), nulls: column.nulls() }
    }

    fn get(&self, row: usize) -> Option<T> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) { None } else { self.values.get(row).copied() }
    }
}

/// What every line has. NULL only in rows with a fault, of which the net amount may be known, and where the source gives no cost.
pub(crate) struct Amounts {
    pub unit_price: ArrayRef,
    pub gross: ArrayRef,
    pub discount: ArrayRef,
    pub net: ArrayRef,
    pub cost: ArrayRef,
    /// Row, column and reason.
    pub faults: Vec<(usize, &'static str, String)>,
}

#[derive(Clone, Copy)]
struct Line {
    unit_price: i128,
    gross: i128,
    discount: i128,
    net: i128,
    cost: Option<i128>,
}

/// What is wrong with a line, and what it comes to all the same, where that is known.
#[derive(Debug)]
struct Fault {
    column: &'static str,
    reason: String,
    net: Option<i128>,
}

impl Fault {
    fn of(column: &'static str, reason: &str) -> Self {
        Self { column, reason: reason.to_owned(), net: None }
    }
}

pub(crate) fn complete(given: &Given<'_>, rows: usize) -> Amounts {
    let mut faults = Vec::new();
    let mut columns: [Decimal128Builder; 5] = std::array::from_fn(|_| Decimal128Builder::with_capacity(rows));
    for row in 0..rows {
        let values = match line(given, row) {
            Ok(None) => [None; 5],
            Ok(Some(line)) => [Some(line.unit_price), Some(line.gross), Some(line.discount), Some(line.net), line.cost],
            Err(Fault { column, reason, net }) => {
                faults.push((row, column, reason));
                // What is set aside is accounted for as well.
                [None, None, None, net, None]
            }
        };
        for (column, value) in columns.iter_mut().zip(values) {
            column.append_option(value);
        }
    }
    let [unit_price, gross, discount, net, cost] =
        columns.map(|mut column| -> ArrayRef { Arc::new(column.finish().with_data_type(Type::Money.arrow())) });
    Amounts { unit_price, gross, discount, net, cost, faults }
}

/// The amounts of one row; none where a value it needs was missing or unreadable, which is reported elsewhere.
fn line(given: &Given<'_>, row: usize) -> Result<Option<Line>, Fault> {
    let value = |column: Option<Numbers<'_, i128>>| column.and_then(|column| column.get(row));
    let Some(quantity) = value(given.quantity) else { return Ok(None) };
    let rate = discount_rate(given, row)?;
    let exchange = exchange_rate(given, row)?;
    let amount = |column: Option<Numbers<'_, i128>>, name: &'static str| -> Result<Option<i128>, Fault> {
        value(column).map(|v| converted(v, exchange)).transpose().map_err(|reason| Fault::of(name, reason))
    };
    let price = amount(given.unit_price, "unit_price")?;
    let net = amount(given.net_amount, "net_amount")?;
    let discount = amount(given.discount_amount, "discount_amount")?;
    let cost = amount(given.cost_amount, "cost_amount")?;
    let Some((unit_price, discount, net)) =
        derive(quantity, price, net, discount, rate).map_err(|reason| Fault::of("net_amount", reason))?
    else {
        return unpriced(given, row);
    };
    if unit_price < 0 {
        let column = if price.is_some() { "unit_price" } else { "net_amount" };
        let reason = if price.is_some() { "is negative" } else { "is negative for a positive quantity (or the other way round)" };
        return Err(Fault { net: Some(net), ..Fault::of(column, reason) });
    }
    let gross = fits(net + discount).map_err(|reason| Fault::of("net_amount", reason))?;
    Ok(Some(Line { unit_price, gross, discount, net, cost }))
}

/// Unit price, discount and net amount.
fn derive(
    quantity: i128,
    price: Option<i128>,
    net: Option<i128>,
    discount: Option<i128>,
    rate: Option<i128>,
) -> Result<Option<(i128, i128, i128)>, &'static str> {
    Ok(match (price, net) {
        (Some(price), None) => {
            let gross = multiply(quantity, price)?;
            let discount = discount.unwrap_or_else(|| rate.map_or(0, |rate| divide(gross * rate, BILLION)));
            Some((price, discount, fits(gross - discount)?))
        }
        (Some(price), Some(net)) => {
            let gross = multiply(quantity, price)?;
            Some((price, discount.unwrap_or(gross - net), net))
        }
        (None, Some(net)) => {
            let before = |rate: i128| if rate < BILLION { divide(net * BILLION, BILLION - rate) } else { net };
            let discount = discount.unwrap_or_else(|| rate.map_or(0, |rate| before(rate) - net));
            let gross = fits(net + discount)?;
            let price = if quantity == 0 { 0 } else { fits(divide(gross * UNIT, quantity))? };
            Some((price, discount, net))
        }
        (None, None) => None,
    })
}

/// Lines whose quantity and unit price do not give what net amount and discount do, though the source states all of them. Prices
/// to the cent explain half a cent a piece, and one in all.
pub(crate) fn disagreeing(lines: &RecordBatch) -> usize {
    let [quantities, prices, gross] = ["quantity", "unit_price", "gross_amount"].map(|name| values(lines, name));
    let disagrees = |((quantity, price), gross): &((&i128, &i128), &i128)| {
        let off = multiply(**quantity, **price).map(|priced| (priced - **gross).abs());
        off.is_ok_and(|off| off > quantity.abs() / 200 + UNIT / 100)
    };
    quantities.iter().zip(prices).zip(gross).filter(disagrees).count()
}

/// Lines that their discount makes dearer, by more than prices to the cent explain.
pub(crate) fn surcharged(lines: &RecordBatch) -> usize {
    let [quantities, discounts] = ["quantity", "discount_amount"].map(|name| values(lines, name));
    let is_dearer = |(quantity, discount): &(&i128, &i128)| **discount * quantity.signum() < -(quantity.abs() / 200 + UNIT / 100);
    quantities.iter().zip(discounts).filter(is_dearer).count()
}

/// A column that accepted lines have a value of each.
fn values<'a>(lines: &'a RecordBatch, name: &str) -> &'a [i128] {
    let column = lines.column_by_name(name).and_then(|column| column.as_primitive_opt::<Decimal128Type>());
    column.map(|column| &column.values()[..]).unwrap_or_default()
}

/// A row with neither price nor amount: a fault, unless a value was there and could not be read.
fn unpriced(given: &Given<'_>, row: usize) -> Result<Option<Line>, Fault> {
    let absent = |column: Option<Numbers<'_, i128>>| column.and_then(|column| column.get(row)).is_none();
    if absent(given.unit_price) && absent(given.net_amount) {
        let column = if given.unit_price.is_some() { "unit_price" } else { "net_amount" };
        return Err(Fault::of(column, "is missing"));
    }
    Ok(None)
}

fn discount_rate(given: &Given<'_>, row: usize) -> Result<Option<i128>, Fault> {
    let rate = billionths(given.discount_rate, row);
    if rate.is_some_and(|rate| !(0..=BILLION).contains(&rate)) {
        return Err(Fault::of("discount_rate", "is not between 0 and 1"));
    }
    Ok(rate)
}

/// A rate to its last digit: the digits, and the power of ten they are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exchange {
    digits: i128,
    divisor: i128,
}

/// Where the source has a column of rates, a line without one is in a currency that nobody knows the worth of.
fn exchange_rate(given: &Given<'_>, row: usize) -> Result<Option<Exchange>, Fault> {
    let Some(column) = given.exchange_rate else { return Ok(None) };
    let rate = column.get(row).ok_or("is missing").and_then(exchange);
    rate.map(Some).map_err(|reason| Fault::of("exchange_rate", reason))
}

fn exchange(rate: f64) -> Result<Exchange, &'static str> {
    if rate <= 0.0 {
        return Err("is not above 0");
    }
    // The shortest text that means this number, such as 3.65123e-5: at most 17 digits.
    let text = format!("{rate:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().map_err(|_| NOT_A_NUMBER)?;
    let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX) - exponent.parse::<i32>().map_err(|_| NOT_A_NUMBER)?;
    let power = 10_i128.checked_pow(places.unsigned_abs()).ok_or("is no rate of exchange")?;
    if places > 0 {
        return Ok(Exchange { digits, divisor: power });
    }
    Ok(Exchange { digits: digits.checked_mul(power).ok_or("is no rate of exchange")?, divisor: 1 })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "bounded just before the cast")]
fn billionths(column: Option<Numbers<'_, f64>>, row: usize) -> Option<i128> {
    column?.get(row).map(|rate| (rate.clamp(-1e9, 1e9) * BILLION as f64).round() as i128)
}

fn converted(value: i128, rate: Option<Exchange>) -> Result<i128, &'static str> {
    let Some(Exchange { digits, divisor }) = rate else { return Ok(value) };
    fits(divide(value.checked_mul(digits).ok_or(TOO_LARGE)?, divisor))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    #[test]
    fn each_amount_follows_from_the_others() {
        let cases = [
            // quantity, price, net, discount, rate -> price, discount, net
            (2, Some(50_000), None, None, None, (50_000, 0, 100_000)),
            (2, Some(50_000), None, Some(10_000), None, (50_000, 10_000, 90_000)),
            (2, Some(50_000), None, None, Some(BILLION / 5), (50_000, 20_000, 80_000)),
            (2, None, Some(80_000), None, Some(BILLION / 5), (50_000, 20_000, 80_000)),
            (2, None, Some(80_000), Some(20_000), None, (50_000, 20_000, 80_000)),
            (2, Some(50_000), Some(80_000), None, None, (50_000, 20_000, 80_000)),
            (-1, None, Some(-80_000), None, None, (80_000, 0, -80_000)),
            (0, None, Some(80_000), None, None, (0, 0, 80_000)),
            (3, None, Some(10_000), None, None, (3_333, 0, 10_000)),
        ];
        for (quantity, price, net, discount, rate, expected) in cases {
            assert_eq!(derive(quantity * UNIT, price, net, discount, rate).unwrap(), Some(expected));
        }
    }

    #[test]
    fn rates_keep_all_their_digits() {
        for (value, rate, expected) in [
            (50_000_000, 3.651_23e-5, 18_256_150),
            (1_000_000_000, 2.375_29e-5, 237_529_000),
            (100, 1.0, 1_000_000),
            (3, 25_000.5, 750_015_000),
            (12, 1e-10, 0),
        ] {
            assert_eq!(converted(value * UNIT, Some(exchange(rate).unwrap())), Ok(expected), "{rate}");
        }
        assert!(exchange(0.0).is_err() && exchange(-1.0).is_err() && exchange(1e-300).is_err() && exchange(1e300).is_err());
        let rates = arrow::array::Float64Array::from(vec![Some(2.0), None]);
        let given = Given { exchange_rate: Some(Numbers::of(&rates)), ..Given::default() };
        assert!(exchange_rate(&given, 0).unwrap().is_some());
        let fault = exchange_rate(&given, 1).unwrap_err();
        assert_eq!((fault.column, fault.reason.as_str()), ("exchange_rate", "is missing"));
    }

    #[test]
    fn prices_to_the_cent_explain_half_a_cent_a_piece() {
        let money = |values: Vec<i128>| -> ArrayRef {
            Arc::new(arrow::array::Decimal128Array::from(values).with_data_type(Type::Money.arrow()))
        };
        let lines = RecordBatch::try_from_iter([
            ("quantity", money(vec![3 * UNIT, 3 * UNIT, 2 * UNIT, -2 * UNIT])),
            ("unit_price", money(vec![33_300, 33_300, 50_000, 50_000])),
            ("gross_amount", money(vec![100_000, 100_200, 40_000, -100_000])),
        ]);
        assert_eq!(disagreeing(&lines.unwrap()), 2);
    }

    proptest::proptest! {
        #[test]
        fn net_is_gross_less_discount(quantity in -1_000i128..1_000, price in 0i128..1_000_000, rate in 0i128..=BILLION) {
            let (_, discount, net) = derive(quantity * UNIT, Some(price), None, None, Some(rate)).unwrap().unwrap();
            proptest::prop_assert_eq!(net + discount, multiply(quantity * UNIT, price).unwrap());
        }
    }
}
