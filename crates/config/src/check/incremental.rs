//! Which rows of a source are new.

use std::time::Duration;

use super::sizes;
use crate::incremental::{Deletions, Incremental, Lookback};
use crate::raw;

/// The key below `incremental` that is wrong, what is wrong with it and what to do.
type Wrong = (&'static str, String, String);

pub(super) fn incremental(raw: &raw::Incremental) -> Result<Incremental, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let names = std::iter::once(("cursor", &raw.cursor)).chain(raw.key.iter().map(|name| ("key", name)));
    for (place, _) in names.chain(raw.tombstone.iter().map(|name| ("tombstone", name))).filter(|(_, name)| name.trim().is_empty())
    {
        wrong.push((place, format!("`{place}` is empty"), "name a column of the source".to_owned()));
    }
    let mut span = |key: &'static str, text: &str| {
        let span = sizes::span(key, text);
        span.map_err(|(message, help)| wrong.push((key, message, help))).ok()
    };
    let lookback = match &raw.lookback {
        None => Some(None),
        Some(raw::Lookback::Numbers(count)) => Some(Some(Lookback::Numbers(*count))),
        Some(raw::Lookback::Span(text)) => span("lookback", text).map(|span| Some(Lookback::Span(span))),
    };
    let settle = raw.settle.as_ref().map_or(Some(Duration::ZERO), |text| span("settle", text));
    match (lookback, settle) {
        (Some(lookback), Some(settle)) if wrong.is_empty() => Ok(Incremental {
            cursor: raw.cursor.clone(),
            key: raw.key.clone(),
            lookback,
            settle,
            null_cursor_fails: raw.on_null_cursor == Some(raw::OnNullCursor::Fail),
            tombstone: raw.tombstone.clone(),
            deletions: match raw.deletions {
                None | Some(raw::Deletions::Count) => Deletions::Count,
                Some(raw::Deletions::Compare) => Deletions::Compare,
                Some(raw::Deletions::Keep) => Deletions::Keep,
            },
        }),
        _ => Err(wrong),
    }
}
