//! Amounts and shares, read from their digits so that a limit is exactly what was written.

use crate::raw::Amount;
use crate::rules::Tolerance;

type Wrong = (String, String);

/// One percent in ten-thousandths of a percent is so many parts per thousand million.
const PPB: i128 = 1000;

/// An amount as ten-thousandths, read from its digits.
pub(super) fn ten_thousandths(amount: &Amount) -> Option<i128> {
    let text = shown(amount);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if !whole.ends_with(|c: char| c.is_ascii_digit()) || fraction.len() > 4 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i128 = format!("{whole}{fraction:0<4}").parse().ok()?;
    (value.unsigned_abs() < 1_000_000_000_000_000_000).then_some(value)
}

pub(super) fn shown(amount: &Amount) -> String {
    match amount {
        Amount::Number(number) => number.to_string(),
        Amount::Text(text) => text.trim().to_owned(),
    }
}

/// An amount, or with a percent sign a share; neither is negative.
pub(super) fn tolerance(name: &str, written: &Amount) -> Result<Tolerance, Wrong> {
    let text = shown(written);
    let wrong = || (format!("`{name}` cannot be `{text}`"), "write a number such as 5, or a share such as 0.1%".to_owned());
    let (digits, is_share) = text.strip_suffix('%').map_or((text.as_str(), false), |percent| (percent.trim(), true));
    let value = ten_thousandths(&Amount::Text(digits.to_owned())).filter(|value| *value >= 0).ok_or_else(wrong)?;
    if is_share {
        return u64::try_from(value * PPB).map(Tolerance::Share).map_err(|_| wrong());
    }
    Ok(Tolerance::Amount(value))
}

/// A share of at most all, with its sign.
pub(super) fn share_ppb(name: &str, written: &Amount) -> Result<u64, Wrong> {
    match tolerance(name, written) {
        Ok(Tolerance::Share(ppb)) if ppb <= crate::rules::WHOLE_PPB => Ok(ppb),
        _ => Err((format!("`{name}` cannot be `{}`", shown(written)), "write a share up to 100%, such as 90%".to_owned())),
    }
}
