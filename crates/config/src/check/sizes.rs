//! Sizes such as `1.5GiB`, shares such as `0.1%` and spans such as `180d`.

use std::time::Duration;

use crate::raw::Share;

const UNITS: [(&str, f64); 9] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

type Wrong = (String, String);

/// Bytes of a size, from 1 KiB to 1 PiB.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before the cast")]
pub(super) fn bytes(name: &str, text: &str) -> Result<u64, Wrong> {
    let wrong = || (format!("`{name}` cannot be `{text}`"), "write a size such as 512MiB or 1.5GiB".to_owned());
    let text = text.trim();
    let (number, unit) = UNITS.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size))).ok_or_else(wrong)?;
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = number * unit;
    if (1024.0..=1.125_9e15).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

/// A share between 0 and 1.
pub(super) fn share(name: &str, share: &Share) -> Result<f64, Wrong> {
    let (value, shown) = match share {
        Share::Fraction(fraction) => (Some(*fraction), fraction.to_string()),
        Share::Percent(text) => {
            (text.trim().strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok()).map(|p| p / 100.0), text.clone())
        }
    };
    if matches!(share, Share::Fraction(f) if *f >= 1.0) {
        return Err((
            format!("`{name}` is {shown}: a share, or percent?"),
            format!("write {shown}% with the sign, or a fraction below 1 such as 0.01"),
        ));
    }
    value.filter(|v| (0.0..=1.0).contains(v)).ok_or_else(|| {
        (format!("`{name}` cannot be `{shown}`"), "write a share of the records, such as 0.1% or 0.001".to_owned())
    })
}

/// Days of a span such as `180d` or `26w`, from 1 day to 100 years.
pub(super) fn days(name: &str, text: &str) -> Result<i32, Wrong> {
    let text = text.trim();
    let (number, days) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 7),
        _ => ("", 1),
    };
    let span = number.trim().parse::<i32>().ok().and_then(|n| n.checked_mul(days)).filter(|d| (1..=36_525).contains(d));
    span.ok_or_else(|| (format!("`{name}` cannot be `{text}`"), "write days or weeks, such as 180d or 26w".to_owned()))
}

/// A span of time such as `30s`, `15m`, `2h`, `10d` or `2w`, up to 10 years.
pub(super) fn span(name: &str, text: &str) -> Result<Duration, Wrong> {
    const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
    let text = text.trim();
    let found = UNITS.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(*unit)?.trim().parse().ok()?;
        number.checked_mul(*seconds)
    });
    found.filter(|seconds| *seconds <= 315_360_000).map(Duration::from_secs).ok_or_else(|| {
        (
            format!("`{name}` cannot be `{text}`"),
            "write seconds, minutes, hours, days or weeks, such as 30s, 15m, 2h or 10d".to_owned(),
        )
    })
}
