//! How a column writes its numbers, and the SQL that reads them.
//!
//! Amounts are exact where a pipeline runs; the floats here only tell one column from another.

use std::cmp::Ordering;

use crate::source::ColumnSample;

/// How a currency stands beside an amount.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Currency {
    pub signs: &'static [&'static str],
    /// The signs as a regular expression of the mapping.
    pattern: &'static str,
}

/// A sign that ends in another one stands before it.
static CURRENCIES: [Currency; 6] = [
    Currency { signs: &["€", "EUR"], pattern: "€|EUR" },
    Currency { signs: &["R$"], pattern: r"R\$" },
    Currency { signs: &["$", "USD"], pattern: r"\$|USD" },
    Currency { signs: &["£", "GBP"], pattern: "£|GBP" },
    Currency { signs: &["CHF"], pattern: "CHF" },
    Currency { signs: &["kr"], pattern: "kr" },
];

impl Currency {
    /// The one that stands beside an amount.
    fn of(value: &str) -> Option<&'static Self> {
        let value = value.trim().trim_start_matches('-').trim_start();
        CURRENCIES.iter().find(|currency| currency.signs.iter().any(|sign| value.starts_with(*sign) || value.ends_with(*sign)))
    }

    /// That of most values, and another if there is one.
    fn of_all(values: &[&str]) -> (Option<&'static Self>, Option<&'static Self>) {
        let count = |currency: &Self| values.iter().filter(|value| Self::of(value) == Some(currency)).count();
        let mut seen: Vec<(usize, &'static Self)> = CURRENCIES.iter().map(|c| (count(c), c)).filter(|(n, _)| *n > 0).collect();
        seen.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let mut seen = seen.into_iter().map(|(_, currency)| currency);
        (seen.next(), seen.next())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberStyle {
    /// `-1234.5`: read as it stands.
    Plain,
    /// `1.234,50`, `1 234,50` or `1'234,50`.
    Comma,
    /// `1,234.50`, `1 234.50` or `1'234.50`.
    Grouped,
    /// `20%`, with a point or a comma.
    Percent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub style: NumberStyle,
    /// Currency signs, white space or apostrophes stand in the values.
    pub signs: bool,
    /// That of most values. What is in another cannot be added to them, so its sign stays in the text, which then is no number.
    pub currency: Option<&'static Currency>,
    pub other_currency: Option<&'static Currency>,
    /// `1,234` and `1.234` alone do not tell a thousand from one and a fraction.
    pub unclear: bool,
}

impl Numbers {
    pub const PLAIN: Self =
        Self { style: NumberStyle::Plain, signs: false, currency: None, other_currency: None, unclear: false };

    /// How these values are written as numbers; none unless nearly all are one. `commas` says that their table writes
    /// fractions with a comma, which settles `1.000` and `1,000` if nothing else does.
    pub fn of(values: &[&str], commas: bool) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let fit = |style, signs| nearly_all(values.iter().filter(|v| parse(v, style, signs).is_some()).count(), values.len());
        if fit(NumberStyle::Plain, false) {
            let is_grouped = commas && may_part_thousands(values);
            return Some(if is_grouped { Self { style: NumberStyle::Comma, unclear: true, ..Self::PLAIN } } else { Self::PLAIN });
        }
        let signs = values.iter().any(|v| bare(v) != *v || v.contains(is_among_digits));
        let (usual, other) =
            if commas { (NumberStyle::Comma, NumberStyle::Grouped) } else { (NumberStyle::Grouped, NumberStyle::Comma) };
        let styles = [NumberStyle::Percent, usual, other, NumberStyle::Plain];
        let style = styles.into_iter().find(|style| fit(*style, true))?;
        let unclear = style == usual && fit(other, true) && values.iter().any(|v| is_twofold(v));
        let (currency, other_currency) = Currency::of_all(values);
        Some(Self { style, signs, currency, other_currency, unclear })
    }

    /// The number that a value is, for telling columns apart.
    pub fn read(self, value: &str) -> Option<f64> {
        parse(value, self.style, true)
    }

    /// SQL that gives the number that this SQL writes, or none where that can be taken as it stands.
    pub fn sql(self, column: &str) -> Option<String> {
        let bare = if self.signs {
            let currency = self.currency.map_or_else(String::new, |currency| format!("{}|", currency.pattern));
            format!(r"regexp_replace({column}, '{currency}[\s''’]', '', 'g')")
        } else {
            column.to_owned()
        };
        // Only a mark before three digits parts thousands: 12.50 among amounts like 1.234,50 must not become 1250.
        let whole = |mark: &str| format!(r"regexp_replace({bare}, '{mark}(\d{{3}})\b', '\1', 'g')");
        match self.style {
            NumberStyle::Plain if !self.signs => None,
            NumberStyle::Plain => Some(bare),
            NumberStyle::Comma => Some(format!("replace({}, ',', '.')", whole(r"\."))),
            NumberStyle::Grouped => Some(whole(",")),
            NumberStyle::Percent => Some(format!("replace(replace({column}, '%', ''), ',', '.') / 100")),
        }
    }
}

/// All but one in fifty: a column of numbers may hold a word or two, which the run sets aside.
pub(crate) fn nearly_all(part: usize, all: usize) -> bool {
    all > 0 && part * 50 >= all * 49
}

/// Whether a table writes fractions with a comma, as far as its values tell: `12,5` does, `12.5` does not, and `1,250` may be
/// either.
pub(crate) fn has_decimal_commas(columns: &[ColumnSample]) -> Option<bool> {
    let vote = |column: &ColumnSample| {
        let (mut commas, mut points) = (0_usize, 0_usize);
        for value in column.values.iter().flatten() {
            match (parse(value, NumberStyle::Comma, true), parse(value, NumberStyle::Grouped, true)) {
                (Some(_), None) => commas += 1,
                (None, Some(_)) => points += 1,
                _ => {}
            }
        }
        commas.cmp(&points)
    };
    let votes: Vec<Ordering> = columns.iter().map(vote).collect();
    let count = |side| votes.iter().filter(|vote| **vote == side).count();
    match count(Ordering::Greater).cmp(&count(Ordering::Less)) {
        Ordering::Greater => Some(true),
        Ordering::Less => Some(false),
        Ordering::Equal => None,
    }
}

/// Whether every point of numbers may part thousands, if there is one: `1.000` among whole numbers.
fn may_part_thousands(values: &[&str]) -> bool {
    let mut pointed = values.iter().filter(|v| v.contains('.') && parse(v, NumberStyle::Plain, false).is_some()).peekable();
    pointed.peek().is_some() && pointed.all(|v| is_twofold(v))
}

/// `1.000` and `1,000` are a thousand to some and one to others.
fn is_twofold(value: &str) -> bool {
    let readings = parse(value, NumberStyle::Comma, true).zip(parse(value, NumberStyle::Grouped, true));
    readings.is_some_and(|(one, other)| (one - other).abs() > f64::EPSILON)
}

/// What parts thousands beside the marks that may begin a fraction, too.
fn is_among_digits(letter: char) -> bool {
    letter.is_whitespace() || letter == '\'' || letter == '’'
}

/// A number without its currency, which may stand behind the minus.
fn bare(value: &str) -> String {
    let value = value.trim();
    let (minus, mut rest) = value.strip_prefix('-').map_or(("", value), |rest| ("-", rest.trim_start()));
    for sign in CURRENCIES.iter().flat_map(|currency| currency.signs) {
        rest = rest.trim_start_matches(*sign).trim_end_matches(*sign).trim();
    }
    format!("{minus}{rest}")
}

fn parse(value: &str, style: NumberStyle, signs: bool) -> Option<f64> {
    let text = if signs { bare(value) } else { value.trim().to_owned() };
    let parted = |group: &str| if signs { text.replace(is_among_digits, group) } else { text.clone() };
    match style {
        NumberStyle::Plain => plain(&text),
        NumberStyle::Comma => grouped(&parted("."), '.', ','),
        NumberStyle::Grouped => grouped(&parted(","), ',', '.'),
        NumberStyle::Percent => {
            let number = text.strip_suffix('%')?.trim_end();
            plain(&number.replace(',', ".")).map(|n| n / 100.0)
        }
    }
}

fn plain(text: &str) -> Option<f64> {
    let starts = text.trim_start_matches(['-', '+']);
    let fine = starts.starts_with(|c: char| c.is_ascii_digit() || c == '.') && text.len() <= 30;
    text.parse::<f64>().ok().filter(|x| fine && x.is_finite())
}

/// Groups of three digits, and one mark before the fraction.
fn grouped(text: &str, group: char, mark: char) -> Option<f64> {
    let (whole, fraction) = text.split_once(mark).unwrap_or((text, ""));
    let mut groups = whole.trim_start_matches(['-', '+']).split(group);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let fits = !first.is_empty()
        && digits(first)
        && (rest.is_empty() || first.len() <= 3 && !first.starts_with('0'))
        && rest.iter().all(|part| part.len() == 3 && digits(part))
        && digits(fraction);
    fits.then(|| plain(&format!("{}.{fraction}0", whole.replace(group, ""))))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_styles_apart() {
        for (values, style, signs) in [
            (&["1", "-2.5", ".5"][..], NumberStyle::Plain, false),
            (&["1,5", "12", "1.234,50"], NumberStyle::Comma, false),
            (&["1,234.50", "12", "-3.2"], NumberStyle::Grouped, false),
            (&["20%", "5 %", "0%"], NumberStyle::Percent, true),
            (&["€ 1,50", "€ 20,00"], NumberStyle::Comma, true),
            (&["$1,234.50", "-$2"], NumberStyle::Grouped, true),
            (&["1\u{202f}234,50 €", "2,00 €"], NumberStyle::Comma, true),
            (&["1'234.50", "2.00"], NumberStyle::Grouped, true),
        ] {
            let numbers = Numbers::of(values, false);
            assert_eq!(numbers.map(|n| (n.style, n.signs)), Some((style, signs)), "{values:?}");
        }
        assert_eq!(Numbers::of(&["1,234", "5,678"], false).map(|n| n.unclear), Some(true));
        assert_eq!(Numbers::of(&["CA-1", "CA-2"], false), None);
        assert_eq!(Numbers::of(&["2016-11-08"], false), None);
    }

    #[test]
    fn a_thousand_is_told_from_a_fraction_by_its_table() {
        let read = |values: &[&str], commas| Numbers::of(values, commas).map(|n| (n.read("1.000"), n.unclear));
        assert_eq!(read(&["1.000", "5"], true), Some((Some(1_000.0), true)));
        assert_eq!(read(&["1.000", "5"], false), Some((Some(1.0), false)));
        // A point before other than three digits, or behind a zero, begins a fraction wherever it stands.
        for fraction in ["2.5", "0.250"] {
            assert_eq!(read(&["1.000", fraction], true), Some((Some(1.0), false)), "{fraction}");
        }
        let comma = |values: &[&str]| Numbers::of(values, true).map(|n| (n.style, n.unclear));
        assert_eq!(comma(&["1,125", "2,250"]), Some((NumberStyle::Comma, true)));
        assert_eq!(comma(&["1,125", "0,250"]), Some((NumberStyle::Comma, false)));
        let column = |values: &[&str]| ColumnSample {
            values: values.iter().map(|v| Some((*v).to_owned())).collect(),
            ..ColumnSample::default()
        };
        let (pieces, price, days) = (column(&["1.000", "5"]), column(&["12,50", "1.012,50"]), column(&["31.12.2024"]));
        assert_eq!(has_decimal_commas(&[pieces.clone(), price, days]), Some(true));
        assert_eq!(has_decimal_commas(&[pieces.clone(), column(&["12.5", "3"])]), Some(false));
        assert_eq!(has_decimal_commas(&[pieces]), None);
    }

    #[test]
    fn sql_cleans_what_a_decimal_does_not_hold() {
        let sql = |values: &[&str]| Numbers::of(values, false).and_then(|n| n.sql("\"Betrag\"")).unwrap_or_default();
        assert_eq!(sql(&["1.234,50", "1,5"]), r#"replace(regexp_replace("Betrag", '\.(\d{3})\b', '\1', 'g'), ',', '.')"#);
        assert_eq!(sql(&["20%", "2,5%"]), "replace(replace(\"Betrag\", '%', ''), ',', '.') / 100");
        assert_eq!(sql(&["20", "2.5"]), "");
        let grouped = |signs: &str| {
            format!(r#"regexp_replace(regexp_replace("Betrag", '{signs}[\s''’]', '', 'g'), ',(\d{{3}})\b', '\1', 'g')"#)
        };
        assert_eq!(sql(&["$1,234.50", "USD 2"]), grouped(r"\$|USD|"));
        assert_eq!(sql(&["5 R$", "R$ 2.5"]), grouped(r"R\$|"));
        let bare = r#"regexp_replace("Betrag", '[\s''’]', '', 'g')"#;
        let spaced = format!(r"replace(regexp_replace({bare}, '\.(\d{{3}})\b', '\1', 'g'), ',', '.')");
        assert_eq!(sql(&["1.234,50 ", "2,50"]), spaced);
        // What is in another currency stays what it is, which is no number.
        assert_eq!(sql(&["$2.5", "€1.5", "€3.5"]), grouped("€|EUR|"));
        assert_eq!(Numbers::of(&["1.234,50"], false).and_then(|n| n.read("1.234,50")), Some(1234.5));
    }
}
