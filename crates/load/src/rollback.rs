//! Leading readers back to an earlier snapshot.

use crate::error::Error;
use crate::manifest::{Manifest, Published};

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
    seen: Option<Published>,
    known: &[Manifest],
    wanted: Option<&str>,
) -> Result<(Published, Manifest), Error> {
    let missing = |detail: String| Error::NoSnapshot { to: to.to_owned(), detail };
    let seen = seen.ok_or_else(|| missing("nothing is published there".to_owned()))?;
    let chosen = match wanted {
        Some(wanted) => named(known, wanted).map_err(missing)?,
        None => before(known, &seen.withdrawn, &seen.snapshot)
            .ok_or_else(|| missing(format!("there is none before {}", seen.snapshot)))?,
    };
    Ok((seen, chosen.clone()))
}

/// What is withdrawn once readers are led from what they see to another snapshot: what they leave, and what they saw between the
/// two, as if they were led back step by step. Who takes back a rollback leaves nothing wrong behind. Snapshots that are gone are
/// forgotten. `known` has the one published last first.
pub(crate) fn withdrawn(known: &[Manifest], seen: &Published, to: &Manifest) -> Vec<String> {
    let place = |id: &str| known.iter().position(|m| m.snapshot == id).unwrap_or(0);
    let (left, reached) = (place(&seen.snapshot), place(&to.snapshot));
    let takes_back = reached < left && seen.withdrawn.contains(&to.snapshot);
    let is_left = |m: &Manifest| !takes_back && m.snapshot == seen.snapshot;
    let is_passed = |at: usize, m: &Manifest| !m.behind && (left..reached).contains(&at);
    let is_withdrawn = |at: usize, m: &Manifest| seen.withdrawn.contains(&m.snapshot) || is_left(m) || is_passed(at, m);
    let withdrawn = known.iter().enumerate().filter(|(at, m)| m.snapshot != to.snapshot && is_withdrawn(*at, m));
    withdrawn.map(|(_, m)| m.snapshot.clone()).collect()
}

/// What stays withdrawn once a publication leads readers to `now`. Which snapshots there are is asked only where it matters.
pub(crate) fn still_withdrawn(
    seen: Option<&Published>,
    now: &str,
    known: impl FnOnce() -> Result<Vec<Manifest>, Error>,
) -> Result<Vec<String>, Error> {
    let Some(seen) = seen.filter(|seen| !seen.withdrawn.is_empty()) else { return Ok(Vec::new()) };
    let known = known()?.into_iter().map(|m| m.snapshot);
    Ok(known.filter(|id| id != now && seen.withdrawn.contains(id)).collect())
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
/// no step on their way, nor is what they were led away from. Before one that is not known, as its manifest is damaged, they saw
/// the last of the others.
pub fn before<'a>(known: &'a [Manifest], withdrawn: &[String], present: &str) -> Option<&'a Manifest> {
    let earlier = known.iter().position(|m| m.snapshot == present).map_or(0, |place| place + 1);
    known.get(earlier..)?.iter().find(|m| !m.behind && !withdrawn.contains(&m.snapshot))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot make its manifests has failed")]
mod tests {
    use super::*;

    /// Snapshots in the order of their publication, and as they are listed: the last first. A capital was added behind the others.
    fn known(names: &str) -> Vec<Manifest> {
        let manifest = |name: char| {
            let told = serde_json::json!({"snapshot": name.to_string(), "pipeline": "", "as_of": "", "published_at": "", "run_id": "",
                "version": "", "checks_passed": 0, "checks_warned": 0, "behind": name.is_uppercase(), "tables": []});
            serde_json::from_value::<Manifest>(told).unwrap()
        };
        names.chars().rev().map(manifest).collect()
    }

    /// Readers see a snapshot of these, and were led away from others.
    fn seen(known: &[Manifest], snapshot: &str, withdrawn: &[&str]) -> Published {
        let withdrawn: Vec<String> = withdrawn.iter().map(|id| (*id).to_owned()).collect();
        Published::of(named(known, snapshot).unwrap(), None, &withdrawn)
    }

    fn back(known: &[Manifest], from: &Published, wanted: Option<&str>) -> Published {
        let (from, to) = choose("out", Some(from.clone()), known, wanted).unwrap();
        Published::of(&to, None, &withdrawn(known, &from, &to))
    }

    #[test]
    fn what_readers_were_led_away_from_is_no_way_back() {
        let two = known("ab");
        let led = back(&two, &seen(&two, "b", &[]), None);
        assert_eq!(led, seen(&two, "a", &["b"]));
        // The next publication leads them on from there, and the way back from it is where they came from.
        let three = known("abc");
        let still = still_withdrawn(Some(&led), "c", || Ok(known("abc"))).unwrap();
        assert_eq!(still, ["b"]);
        let led = back(&three, &seen(&three, "c", &["b"]), None);
        assert_eq!(led, seen(&three, "a", &["c", "b"]));
        assert!(choose("out", Some(led), &three, None).is_err());
    }

    #[test]
    fn what_lies_between_is_withdrawn_and_a_rollback_is_taken_back() {
        let three = known("abc");
        let led = back(&three, &seen(&three, "c", &[]), Some("a"));
        assert_eq!(led, seen(&three, "a", &["c", "b"]));
        assert_eq!(back(&three, &led, Some("b")), seen(&three, "b", &["c"]));
        assert_eq!(back(&three, &led, Some("c")), seen(&three, "c", &["b"]));
        assert_eq!(back(&three, &led, Some("a")), led);
    }

    #[test]
    fn days_past_are_withdrawn_only_where_readers_saw_them() {
        let known = known("aXb");
        assert_eq!(back(&known, &seen(&known, "b", &[]), None), seen(&known, "a", &["b"]));
        let led = back(&known, &seen(&known, "a", &[]), Some("X"));
        assert_eq!(led, seen(&known, "X", &["a"]));
        assert_eq!(back(&known, &led, Some("a")), seen(&known, "a", &["X"]));
    }

    #[test]
    fn what_readers_see_may_have_lost_its_manifest() {
        let (four, three) = (known("abcd"), known("abc"));
        assert_eq!(back(&three, &seen(&four, "d", &[]), None), seen(&three, "c", &[]));
        // What was published after it was withdrawn when they were led back to it.
        assert_eq!(back(&known("abd"), &seen(&four, "c", &["d"]), None), seen(&four, "b", &["d"]));
    }

    #[test]
    fn what_is_gone_or_seen_again_is_withdrawn_no_more() {
        let three = known("acd");
        let withdrawn = seen(&three, "a", &["d", "c", "b"]);
        assert_eq!(still_withdrawn(Some(&withdrawn), "c", || Ok(known("acd"))).unwrap(), ["d"]);
        assert_eq!(back(&three, &withdrawn, Some("d")), seen(&three, "d", &["c"]));
        let text = serde_json::to_string(&seen(&three, "a", &[])).unwrap();
        assert!(!text.contains("withdrawn"), "{text}");
        assert_eq!(serde_json::from_str::<Published>(&text).unwrap(), seen(&three, "a", &[]));
    }
}
