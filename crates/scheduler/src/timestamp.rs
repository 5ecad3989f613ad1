//! How times and days are written: times as RFC 3339 in UTC with milliseconds, so that their text sorts as they do;
//! days as `yyyy-mm-dd`. For fields: `#[serde(with = "timestamp")]`, optional or not.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text of a time, such as `2026-01-05T06:00:00.000Z`.
pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub fn serialize<T: Written, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.to_text().serialize(serializer)
}

pub fn deserialize<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    T::from_text(text.as_deref()).map_err(D::Error::custom)
}

/// A value with a written form. `None` is written as null.
pub trait Written: Sized {
    fn to_text(&self) -> Option<String>;
    fn from_text(text: Option<&str>) -> Result<Self, String>;
}

impl Written for DateTime<Utc> {
    fn to_text(&self) -> Option<String> {
        Some(text(*self))
    }

    fn from_text(text: Option<&str>) -> Result<Self, String> {
        let text = text.ok_or("a time is missing")?;
        let at = DateTime::parse_from_rfc3339(text).map_err(|error| format!("`{text}` is no time: {error}"))?;
        Ok(at.to_utc())
    }
}

impl Written for NaiveDate {
    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn from_text(text: Option<&str>) -> Result<Self, String> {
        let text = text.ok_or("a day is missing")?;
        text.parse().map_err(|error| format!("`{text}` is no day: {error}"))
    }
}

impl<T: Written> Written for Option<T> {
    fn to_text(&self) -> Option<String> {
        self.as_ref().and_then(T::to_text)
    }

    fn from_text(text: Option<&str>) -> Result<Self, String> {
        text.map(|text| T::from_text(Some(text))).transpose()
    }
}
