//! Leading readers back to an earlier snapshot.

use crate::error::Error;
use crate::manifest::Manifest;

/// Where readers were and where they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    pub from: String,
    pub to: Manifest,
}

/// What readers see now, and the snapshot they are to see: the one named by its id or the beginning of it, or else the one
/// published before the present one. `known` has the one published last first.
pub(crate) fn choose(
    to: &str,
    from: Option<String>,
    known: Vec<Manifest>,
    wanted: Option<&str>,
) -> Result<(String, Manifest), Error> {
    let missing = |detail: String| Error::NoSnapshot { to: to.to_owned(), detail };
    let from = from.ok_or_else(|| missing("nothing is published there".to_owned()))?;
    let Some(wanted) = wanted else {
        let present = known.iter().position(|m| m.snapshot == from).unwrap_or(0);
        let before = known.into_iter().nth(present + 1).ok_or_else(|| missing(format!("there is none before {from}")))?;
        return Ok((from, before));
    };
    let names: Vec<&str> = known.iter().map(|m| m.snapshot.as_str()).collect();
    let shown = names.join(", ");
    let found: Vec<&Manifest> = known.iter().filter(|m| m.snapshot.starts_with(wanted)).collect();
    match found.as_slice() {
        [one] => Ok((from, (*one).clone())),
        [] => Err(missing(format!("none is named {wanted}; there are {shown}"))),
        _ => Err(missing(format!("more than one begins with {wanted}; there are {shown}"))),
    }
}
