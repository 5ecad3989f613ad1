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
/// they saw before the present one. `known` has the one published last first.
pub(crate) fn choose(
    to: &str,
    from: Option<String>,
    known: &[Manifest],
    wanted: Option<&str>,
) -> Result<(String, Manifest), Error> {
    let missing = |detail: String| Error::NoSnapshot { to: to.to_owned(), detail };
    let from = from.ok_or_else(|| missing("nothing is published there".to_owned()))?;
    let chosen = match wanted {
        Some(wanted) => named(known, wanted).map_err(missing)?,
        None => before(known, &from).ok_or_else(|| missing(format!("there is none before {from}")))?,
    };
    Ok((from, chosen.clone()))
}

/// The one snapshot whose id begins so, or why there is none such, with those that there are.
pub fn named<'a>(known: &'a [Manifest], wanted: &str) -> Result<&'a Manifest, String> {
    let shown = known.iter().map(|m| m.snapshot.as_str()).collect::<Vec<_>>().join(", ");
    let mut found = known.iter().filter(|m| m.snapshot.starts_with(wanted));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) if shown.is_empty() => Err(format!("none is named {wanted}; there are none at all")),
        (None, _) => Err(format!("none is named {wanted}; there are {shown}")),
        (Some(_), Some(_)) => Err(format!("more than one begins with {wanted}; there are {shown}")),
    }
}

/// The snapshot that readers saw before this one; `known` has the one published last first. Days past that were added since are
/// no step on their way.
pub fn before<'a>(known: &'a [Manifest], present: &str) -> Option<&'a Manifest> {
    let present = known.iter().position(|m| m.snapshot == present).unwrap_or(0);
    known.get(present + 1..)?.iter().find(|manifest| !manifest.behind)
}
