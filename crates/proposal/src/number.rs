//! How a column writes its numbers, and the SQL that reads them.
//!
//! Amounts are exact where a pipeline runs; the floats here only tell one column from another.

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
        let value = value.trim();
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
    /// `1.234,50` or `1'234,50`.
    Comma,
    /// `1,234.50`.
    Grouped,
    /// `20%`, with a point or a comma.
    Percent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub style: NumberStyle,
    /// Currency signs or white space stand in the values.
    pub signs: bool,
    /// That of most values. What is in another cannot be added to them, so its sign stays in the text, which then is no number.
    pub currency: Option<&'static Currency>,
    pub other_currency: Option<&'static Currency>,
    /// `1,234` alone does not tell a thousand from one and a fraction.
    pub unclear: bool,
}

impl Numbers {
    pub const PLAIN: Self =
        Self { style: NumberStyle::Plain, signs: false, currency: None, other_currency: None, unclear: false };

    /// How these values are written as numbers; none unless nearly all are one.
    pub fn of(values: &[&str]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let fits = |style| values.iter().filter(|v| parse(v, style, false).is_some()).count();
        if nearly_all(fits(NumberStyle::Plain), values.len()) {
            return Some(Self::PLAIN);
        }
        let signs = values.iter().any(|v| v.trim() != *v || bare(v) != v.trim());
        let styles = [NumberStyle::Percent, NumberStyle::Grouped, NumberStyle::Comma, NumberStyle::Plain];
        let fits = |style| values.iter().filter(|v| parse(v, style, true).is_some()).count();
        let style = styles.into_iter().find(|style| nearly_all(fits(*style), values.len()))?;
        let unclear = style == NumberStyle::Grouped && nearly_all(fits(NumberStyle::Comma), values.len());
        let (currency, other_currency) = Currency::of_all(values);
        Some(Self { style, signs, currency, other_currency, unclear })
    }

    /// The number that a value is, for telling columns apart.
    pub fn read(self, value: &str) -> Option<f64> {
        parse(value, self.style, true)
    }

    /// SQL that gives the number that this SQL writes, or none where that can be taken as it stands.
    pub fn sql(self, column: &str) -> Option<String> {
        let cleaned = |also: &str| {
            if self.signs {
                let currency = self.currency.map_or_else(String::new, |currency| format!("{}|", currency.pattern));
                format!(r"regexp_replace({column}, '{currency}[\s{also}]', '', 'g')")
            } else {
                also.chars().fold(column.to_owned(), |sql, c| format!("replace({sql}, '{c}', '')"))
            }
        };
        match self.style {
            NumberStyle::Plain if !self.signs => None,
            NumberStyle::Plain => Some(cleaned("")),
            NumberStyle::Comma => Some(format!("replace({}, ',', '.')", cleaned("."))),
            NumberStyle::Grouped => Some(cleaned(",")),
            NumberStyle::Percent => Some(format!("replace(replace({column}, '%', ''), ',', '.') / 100")),
        }
    }
}

/// All but one in fifty: a column of numbers may hold a word or two, which the run sets aside.
pub(crate) fn nearly_all(part: usize, all: usize) -> bool {
    all > 0 && part * 50 >= all * 49
}

fn bare(value: &str) -> &str {
    let mut value = value.trim();
    for sign in CURRENCIES.iter().flat_map(|currency| currency.signs) {
        value = value.trim_start_matches(*sign).trim_end_matches(*sign).trim();
    }
    value
}

fn parse(value: &str, style: NumberStyle, signs: bool) -> Option<f64> {
    let text = if signs { bare(value) } else { value.trim() };
    match style {
        NumberStyle::Plain => plain(text),
        NumberStyle::Comma => grouped(text, '.', ','),
        NumberStyle::Grouped => grouped(text, ',', '.'),
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
        && (rest.is_empty() || first.len() <= 3)
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
            (&["20%", "5 %", "0%"], NumberStyle::Percent, false),
            (&["€ 1,50", "€ 20,00"], NumberStyle::Comma, true),
            (&["$1,234.50", "$2"], NumberStyle::Grouped, true),
        ] {
            let numbers = Numbers::of(values);
            assert_eq!(numbers.map(|n| (n.style, n.signs)), Some((style, signs)), "{values:?}");
        }
        assert_eq!(Numbers::of(&["1,234", "5,678"]).map(|n| n.unclear), Some(true));
        assert_eq!(Numbers::of(&["CA-1", "CA-2"]), None);
        assert_eq!(Numbers::of(&["2016-11-08"]), None);
    }

    #[test]
    fn sql_cleans_what_a_decimal_does_not_hold() {
        let sql = |values: &[&str]| Numbers::of(values).and_then(|n| n.sql("\"Betrag\"")).unwrap_or_default();
        assert_eq!(sql(&["1.234,50", "1,5"]), "replace(replace(\"Betrag\", '.', ''), ',', '.')");
        assert_eq!(sql(&["20%", "2,5%"]), "replace(replace(\"Betrag\", '%', ''), ',', '.') / 100");
        assert_eq!(sql(&["20", "2.5"]), "");
        assert_eq!(sql(&["$1,234.50", "USD 2"]), r#"regexp_replace("Betrag", '\$|USD|[\s,]', '', 'g')"#);
        assert_eq!(sql(&["5 R$", "R$ 2.5"]), r#"regexp_replace("Betrag", 'R\$|[\s,]', '', 'g')"#);
        assert_eq!(sql(&["1.234,50 ", "2,50"]), r#"replace(regexp_replace("Betrag", '[\s.]', '', 'g'), ',', '.')"#);
        // What is in another currency stays what it is, which is no number.
        assert_eq!(sql(&["$2.5", "€1.5", "€3.5"]), r#"regexp_replace("Betrag", '€|EUR|[\s,]', '', 'g')"#);
        assert_eq!(Numbers::of(&["1.234,50"]).and_then(|n| n.read("1.234,50")), Some(1234.5));
    }
}
