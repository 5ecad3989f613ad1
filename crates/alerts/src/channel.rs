//! Where people are told.

use std::collections::BTreeSet;

use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::error::Error;
use crate::event::EventKind;
use crate::fingerprint;

/// What the service behind a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The product's own JSON, see [`webhook`](crate::webhook).
    Generic,
    Slack,
    /// An Adaptive Card for a Teams workflow ("when a webhook request is received").
    Teams,
}

/// A checked channel of a pipeline. `Debug` shows no secret; [`name`](Self::name) is what errors and logs call it.
#[derive(Debug, Clone)]
pub struct Channel {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) wants: BTreeSet<EventKind>,
    pub(crate) target: Target,
}

#[derive(Debug, Clone)]
pub(crate) enum Target {
    Webhook { url: SecretString, shape: Shape, headers: Vec<(String, SecretString)> },
    Smtp { url: SecretString, from: Mailbox, to: Vec<Mailbox> },
    Heartbeat { url: SecretString },
}

const HTTP: &str = "http, https";
const SMTP: &str = "smtp, smtps, smtp+starttls";

impl Channel {
    /// A webhook that gets a POST for each message. `pipeline` names whose channel it is, and `number` counts the channels of
    /// that pipeline from one: by both the outbox tells channels apart.
    pub fn webhook(
        pipeline: &str,
        number: usize,
        url: SecretString,
        shape: Shape,
        headers: Vec<(String, SecretString)>,
        wants: BTreeSet<EventKind>,
    ) -> Result<Self, Error> {
        let name = http_name("webhook", number, &url)?;
        for (header, value) in &headers {
            let sound = ureq::http::HeaderName::try_from(header).is_ok()
                && ureq::http::HeaderValue::try_from(value.expose_secret()).is_ok();
            if !sound {
                return Err(Error::Header { channel: name, name: header.clone() });
            }
        }
        Ok(Self { id: id_of(pipeline, &name), name, wants, target: Target::Webhook { url, shape, headers } })
    }

    /// A mail server: `smtp://` for a relay without encryption, `smtps://` or `smtp+starttls://` (as lettre has it,
    /// `smtp://…?tls=required`) for one with, user and password in the URL. A password without encryption is refused, but for this machine.
    pub fn smtp(
        pipeline: &str,
        number: usize,
        url: SecretString,
        from: &str,
        to: &[String],
        wants: BTreeSet<EventKind>,
    ) -> Result<Self, Error> {
        let parsed = Url::parse(url.expose_secret()).map_err(|_| Error::Url { channel: format!("mail #{number}") })?;
        let Some(host) = parsed.host_str().filter(|host| !host.is_empty()) else {
            return Err(Error::Url { channel: format!("mail #{number}") });
        };
        let name = format!("mail #{number} through {host}");
        if !matches!(parsed.scheme(), "smtp" | "smtps" | "smtp+starttls") {
            return Err(Error::Scheme { channel: name, scheme: parsed.scheme().to_owned(), wanted: SMTP });
        }
        let is_encrypted =
            parsed.scheme() != "smtp" || parsed.query_pairs().any(|(key, value)| key == "tls" && value == "required");
        if !is_encrypted && parsed.password().is_some() && !is_loopback(&parsed) {
            return Err(Error::PlainPassword { channel: name });
        }
        let mailbox = |address: &str| {
            address.parse::<Mailbox>().map_err(|_| Error::Address { channel: name.clone(), address: address.to_owned() })
        };
        let from = mailbox(from)?;
        let to = to.iter().map(|address| mailbox(address)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(Error::NoRecipient { channel: name });
        }
        Ok(Self { id: id_of(pipeline, &name), name, wants, target: Target::Smtp { url, from, to } })
    }

    /// A service that expects a ping after each good run and raises an alarm when none comes. It is pinged for runs
    /// that published or came to what was published, and at `<url>/fail` for those that failed or are held, as far as it
    /// `wants` them; there is no ping for anything else.
    pub fn heartbeat(pipeline: &str, number: usize, url: SecretString, mut wants: BTreeSet<EventKind>) -> Result<Self, Error> {
        let name = http_name("heartbeat", number, &url)?;
        wants.retain(|kind| matches!(kind, EventKind::Failed | EventKind::Held));
        wants.extend([EventKind::Published, EventKind::Unchanged]);
        Ok(Self { id: id_of(pipeline, &name), name, wants, target: Target::Heartbeat { url } })
    }

    /// The channel for people, such as `webhook #1 to hooks.slack.com`. Channels of other pipelines may have the same name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn wants(&self, kind: EventKind) -> bool {
        self.wants.contains(&kind)
    }

    pub(crate) fn is_heartbeat(&self) -> bool {
        matches!(self.target, Target::Heartbeat { .. })
    }
}

/// What the outbox knows a channel by. Channels of two pipelines never share one, though they may share a name, and neither
/// do two channels of a pipeline, whose numbers differ.
///
/// The secret part of the address is left out: where a hook is given a new one, which is when messages wait for it, the new
/// one gets them. What waits for a channel that goes to another host from now on is not sent there: it is dropped in its
/// time, and told as such.
pub(crate) fn id_of(pipeline: &str, name: &str) -> String {
    fingerprint::of(&[pipeline, name])
}

fn http_name(kind: &str, number: usize, url: &SecretString) -> Result<String, Error> {
    let parsed = Url::parse(url.expose_secret()).map_err(|_| Error::Url { channel: format!("{kind} #{number}") })?;
    let name = format!("{kind} #{number} to {}", parsed.host_str().unwrap_or("nowhere"));
    if matches!(parsed.scheme(), "http" | "https") {
        Ok(name)
    } else {
        Err(Error::Scheme { channel: name, scheme: parsed.scheme().to_owned(), wanted: HTTP })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
