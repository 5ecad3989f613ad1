//! What an object store answers instead of what it was asked for.

use std::error::Error as _;

use crate::error::Error;

/// Statuses of requests that were well made and only came too fast or too slowly.
const LATER: [&str; 2] = ["408", "429"];

/// A store's error as messages tell it.
pub struct StoreAnswer {
    /// A line without addresses: those may hold signatures, and the answers of some stores repeat what was signed.
    pub text: String,
    /// Whether the credentials are refused. A refused listing comes as an error of no kind, so the status decides.
    pub is_refusal: bool,
    /// Whether the same request may be answered otherwise later.
    pub may_pass: bool,
}

impl Error {
    /// What a store's error says. Targets are told of in the same words as sources.
    pub fn store_answer(error: &object_store::Error) -> StoreAnswer {
        use object_store::Error as Kind;
        let text = error.to_string();
        let status = text.split_once("non-2xx status code: ").map(|(_, rest)| rest.split([':', ' ']).next().unwrap_or_default());
        let is_refusal = matches!(error, Kind::PermissionDenied { .. } | Kind::Unauthenticated { .. });
        StoreAnswer {
            text: brief(error, &text, status),
            is_refusal: is_refusal || matches!(status, Some("401" | "403")),
            may_pass: status.is_none_or(|status| !status.starts_with('4') || LATER.contains(&status)),
        }
    }
}

fn brief(error: &object_store::Error, text: &str, status: Option<&str>) -> String {
    let between = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        let (inner, _) = rest.split_once(&format!("</{tag}>"))?;
        inner.lines().next().map(str::trim).filter(|line| !line.is_empty())
    };
    let told: Vec<&str> = [between("Code"), between("Message")].into_iter().flatten().collect();
    match status {
        Some(status) if told.is_empty() => return format!("{status} from the server"),
        Some(status) => return format!("{status} {}", told.join(": ")),
        // Some stores say that they failed with a status of success.
        None if !told.is_empty() => return told.join(": "),
        None => {}
    }
    let mut innermost = text.to_owned();
    let mut cause = error.source();
    while let Some(source) = cause {
        innermost = source.to_string();
        cause = source.source();
    }
    let word =
        |word: &str| if word.contains("://") { word.split('?').next().unwrap_or_default().to_owned() } else { word.to_owned() };
    innermost.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error of a request that was answered with a status and a body, as `object_store` words it.
    fn answered(status: &str, body: &str) -> StoreAnswer {
        let said = format!(
            "Error performing GET https://lake/in?sig=canary in 5ms - Server returned non-2xx status code: {status}: {body}"
        );
        Error::store_answer(&object_store::Error::Generic { store: "S3", source: said.into() })
    }

    #[test]
    fn what_was_signed_is_not_told() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.\nLook</Message>\
            <StringToSign>canary</StringToSign></Error>";
        let answer = answered("403 Forbidden", body);
        assert_eq!(answer.text, "403 SignatureDoesNotMatch: It does not match.");
        assert!(answer.is_refusal && !answer.may_pass);
        assert_eq!(answered("403 Forbidden", "").text, "403 from the server");
        let said = object_store::Error::Generic { store: "S3", source: "cannot reach https://lake/in?sig=canary now".into() };
        let answer = Error::store_answer(&said);
        assert_eq!((answer.text.as_str(), answer.is_refusal, answer.may_pass), ("cannot reach https://lake/in now", false, true));
        let said = object_store::Error::Generic { store: "S3", source: "<Error><Code>SlowDown</Code></Error>".into() };
        assert_eq!(Error::store_answer(&said).text, "SlowDown");
    }

    #[test]
    fn what_came_too_fast_may_pass() {
        let passing = ["408 Request Timeout", "429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable"];
        for status in passing {
            assert!(answered(status, "").may_pass, "{status}");
        }
        for status in ["400 Bad Request", "403 Forbidden", "404 Not Found", "409 Conflict"] {
            assert!(!answered(status, "").may_pass, "{status}");
        }
    }
}
