//! Short stable names for texts.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Sixteen hexadecimal digits that stand for the parts. A byte between parts keeps `ab, c` from `a, bc`.
pub fn of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The fingerprint of a headline. Runs of digits count as equal: a run id or a row count makes no new failure.
pub fn of_headline(headline: &str) -> String {
    let mut plain = String::with_capacity(headline.len());
    for letter in headline.chars() {
        if !letter.is_ascii_digit() {
            plain.push(letter);
        } else if !plain.ends_with('#') {
            plain.push('#');
        }
    }
    of(&[&plain])
}

/// A number in `0..1000` that looks random and is always the same for the same parts.
pub fn per_mille(id: i64, attempt: u32) -> u64 {
    let hex = of(&[&id.to_string(), &attempt.to_string()]);
    u64::from_str_radix(&hex, 16).unwrap_or(0) % 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_make_a_new_headline() {
        assert_eq!(of_headline("12 rows rejected"), of_headline("7 rows rejected"));
        assert_ne!(of_headline("rows rejected"), of_headline("rows missing"));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
