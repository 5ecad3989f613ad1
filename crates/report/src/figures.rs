//! How figures are held and written.

use std::iter::Sum;

/// Amount in ten-thousandths of the pipeline's currency, as the published decimals hold it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(pub i128);

/// What stands between a number and its unit, so that they stay on one line.
pub(crate) const THIN: char = '\u{a0}';

impl Money {
    /// All digits, as programs read them.
    pub fn exact(self) -> String {
        let (sign, units) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        format!("{sign}{}.{:04}", units / 10_000, units % 10_000)
    }

    /// Rounded to hundredths, half away from zero, its whole digits in groups of three.
    pub fn shown(self) -> String {
        let hundredths = (self.0.unsigned_abs() + 50) / 100;
        let sign = if self.0 < 0 && hundredths > 0 { "−" } else { "" };
        format!("{sign}{}.{:02}", grouped(hundredths / 100), hundredths % 100)
    }

    /// Divided among `count`, half away from zero; none among nobody.
    pub fn over(self, count: i64) -> Option<Self> {
        let count = i128::from(count);
        (count > 0).then(|| Self((self.0.abs() * 2 + count) / (count * 2) * self.0.signum()))
    }

    /// As a float, for the length of a line on a chart and for shares.
    #[allow(clippy::cast_precision_loss, reason = "a chart has a thousand pixels")]
    pub fn about(self) -> f64 {
        self.0 as f64 / 10_000.0
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Digits in groups of three.
pub(crate) fn count(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs().into()))
}

/// A number with so many places and its whole digits in groups of three.
pub(crate) fn number(number: f64, places: usize) -> String {
    let text = format!("{:.places$}", number.abs());
    let (whole, part) = text.split_once('.').map_or((text.as_str(), String::new()), |(whole, part)| (whole, format!(".{part}")));
    let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
    let sign = if number < 0.0 && !is_zero { "−" } else { "" };
    format!("{sign}{}{part}", grouped(whole.parse().unwrap_or(0)))
}

/// A share of 0 to 1 in percent.
pub(crate) fn percent(share: f64, places: usize) -> String {
    format!("{}{THIN}%", number(share * 100.0, places))
}

/// A count with the word it counts, such as `1 customer` or `2,482 customers`.
pub(crate) fn of(number: i64, word: &str) -> String {
    format!("{}{THIN}{word}{}", count(number), if number == 1 { "" } else { "s" })
}

/// As a float, for shares and charts; counts stay far below 2^53.
#[allow(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub(crate) fn float(number: i64) -> f64 {
    number as f64
}

/// The share that one count is of another.
pub(crate) fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| float(part) / float(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([Money(22_972_008_603).exact(), Money(-5).exact()], ["2297200.8603", "-0.0005"]);
        assert_eq!(
            [Money(22_972_008_603).shown(), Money(-125_050).shown(), Money(-5).shown()],
            ["2,297,200.86", "−12.51", "0.00"]
        );
        assert_eq!([Money(10).over(3), Money(-10).over(4), Money(1).over(0)], [Some(Money(3)), Some(Money(-3)), None]);
        assert_eq!([count(7), count(-1234), count(1_234_567)], ["7", "−1,234", "1,234,567"]);
        assert_eq!([number(1234.567, 1), number(-0.04, 1), number(0.5, 0)], ["1,234.6", "0.0", "0"]);
        assert_eq!(
            [percent(0.12345, 1), of(1, "order"), of(2000, "order")],
            ["12.3\u{a0}%", "1\u{a0}order", "2,000\u{a0}orders"]
        );
    }
}
