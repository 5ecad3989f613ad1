//! Numbers as people read them.

/// `1,234,567`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Ten-thousandths as `1,234.50`; more than two places only where they are not zero.
pub fn money(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let whole = u64::try_from(value.unsigned_abs() / 10_000).unwrap_or(u64::MAX);
    let fraction = format!("{:04}", value.unsigned_abs() % 10_000);
    let fraction = fraction.strip_suffix("00").unwrap_or(&fraction);
    format!("{sign}{}.{fraction}", count(whole))
}

/// `3.4 MiB`.
#[allow(clippy::cast_precision_loss, reason = "shown with one place")]
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = value as f64;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while size >= 1024.0
        && let Some(next) = units.next()
    {
        size /= 1024.0;
        unit = Some(next);
    }
    let places = usize::from(value >= 1024);
    format!("{size:.places$} {}", unit.copied().unwrap_or_default())
}

/// `850 ms`, `3.2 s` or `2 min 05 s`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations are small and not negative")]
pub fn seconds(value: f64) -> String {
    match value {
        v if v < 1.0 => format!("{:.0} ms", v * 1000.0),
        v if v < 60.0 => format!("{v:.1} s"),
        v => format!("{} min {:02} s", v as u64 / 60, v as u64 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([count(0), count(999), count(1_000), count(12_345_678)], ["0", "999", "1,000", "12,345,678"]);
        assert_eq!(money(22_972_008_603), "2,297,200.8603");
        assert_eq!([money(0), money(-5_000), money(7_061_463_668)], ["0.00", "-0.50", "706,146.3668"]);
        assert_eq!([bytes(512), bytes(1536)], ["512 B", "1.5 KiB"]);
        assert_eq!([seconds(0.25), seconds(3.21), seconds(125.0)], ["250 ms", "3.2 s", "2 min 05 s"]);
    }
}
