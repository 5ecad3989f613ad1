//! How numbers, times and addresses are written.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

/// Digits in groups of three.
pub fn count(number: u64) -> String {
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

/// A decimal of four places as text, its whole digits in groups of three; more than two places only where they are not zero.
pub fn money(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    match whole.parse::<u64>() {
        Ok(whole) if part.is_empty() => format!("{sign}{}", count(whole)),
        Ok(whole) => format!("{sign}{}.{}", count(whole), part.strip_suffix("00").filter(|part| part.len() == 2).unwrap_or(part)),
        Err(_) => text.to_owned(),
    }
}

/// A difference with its sign.
pub fn change(before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Equal => "no change".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", count(after - before)),
        std::cmp::Ordering::Less => format!("−{}", count(before - after)),
    }
}

pub fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
    }
}

#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(bytes: u64) -> String {
    let mib = bytes as f64 / 1_048_576.0;
    match mib {
        m if m < 0.1 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        m if m < 1024.0 => format!("{m:.1} MiB"),
        m => format!("{:.1} GiB", m / 1024.0),
    }
}

pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// How far a time is from now, in words.
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds();
    let (amount, unit) = match seconds.abs() {
        0..60 => return if seconds >= 0 { "just now".to_owned() } else { "in a moment".to_owned() },
        s @ 60..3600 => (s / 60, "minute"),
        s @ 3600..86_400 => (s / 3600, "hour"),
        s => (s / 86_400, "day"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    if seconds >= 0 { format!("{amount} {unit}{plural} ago") } else { format!("in {amount} {unit}{plural}") }
}

/// One part of a path or of a query, escaped for an address.
pub fn part(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            part.push(char::from(byte));
        } else {
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([count(7), count(1234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
        assert_eq!(
            [money("2297200.8603"), money("7.5000"), money("-12.5"), money("x")],
            ["2,297,200.8603", "7.50", "−12.5", "x"]
        );
        assert_eq!([seconds(0.36), seconds(7.84), seconds(125.0)], ["360 ms", "7.8 s", "2 min 05 s"]);
        let now = Utc::now();
        assert_eq!(ago(now - chrono::TimeDelta::hours(49), now), "2 days ago");
        assert_eq!(part("a b/<"), "a%20b%2F%3C");
    }
}
