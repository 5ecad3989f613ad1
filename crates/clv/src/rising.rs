//! ln Γ(r+x)/Γ(r), what all four models owe to the rate's shape r and to x alone.

#![allow(clippy::many_single_char_names, reason = "the letters are those of the papers")]

use crate::table::Table;

/// For each group of the table Σ ln(r+i) over i from 0 to x-1, with its first and second derivative by r.
pub fn of_groups(table: &Table, r: f64) -> Vec<[f64; 3]> {
    let (mut x, mut sums) = (0, [0.0; 3]);
    let mut found = Vec::with_capacity(table.groups.len());
    for group in &table.groups {
        while x < group.repeats {
            let i = r + f64::from(x);
            let [value, first, second] = sums;
            sums = [value + i.ln(), first + 1.0 / i, second - 1.0 / (i * i)];
            x += 1;
        }
        found.push(sums);
    }
    found
}
