//! A message by mail.

use std::sync::mpsc;
use std::thread;
use std::time::SystemTime;

use lettre::message::header::MessageId;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{SmtpTransport, Transport as _};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Failure, Timing};
use crate::body::mail;
use crate::fingerprint;
use crate::message::Message;
use crate::timestamp;

pub fn mail(
    url: &SecretString,
    from: &Mailbox,
    to: &[Mailbox],
    message: &Message,
    id: i64,
    timing: &Timing,
) -> Result<(), Failure> {
    let letter = letter(from, to, message, id).ok_or_else(|| Failure::lasting("the mail could not be made"))?;
    let transport = transport(url, timing).ok_or_else(|| Failure::lasting("the address is no mail server's"))?;
    let (answer, answered) = mpsc::channel();
    // The library bounds each read and write but not their sum, nor the look-up of the name; waiting beside it does.
    let started = thread::Builder::new().name("mail".to_owned()).spawn(move || {
        // Nobody listens any more when the time is over.
        let _ = answer.send(transport.send(&letter));
    });
    started.map_err(|_| Failure::passing("no thread could be started"))?;
    match answered.recv_timeout(timing.whole) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failure(&error)),
        Err(_) => Err(Failure::passing("no answer in time")),
    }
}

/// STARTTLS is demanded where it is asked for: a server without it gets nothing.
fn transport(url: &SecretString, timing: &Timing) -> Option<SmtpTransport> {
    let address = match url.expose_secret().strip_prefix("smtp+starttls:") {
        Some(rest) => {
            let mut address = Url::parse(&format!("smtp:{rest}")).ok()?;
            address.set_query(Some("tls=required"));
            address.to_string()
        }
        None => url.expose_secret().to_owned(),
    };
    let builder = SmtpTransport::from_url(&address).ok()?;
    Some(builder.timeout(Some(timing.connect.min(timing.whole))).build())
}

/// The letter. Its date and its ids follow from the message, so that an attempt after a lost answer is the same mail,
/// which mail servers may recognise; the messages of an incident refer to the first.
fn letter(from: &Mailbox, to: &[Mailbox], message: &Message, id: i64) -> Option<lettre::Message> {
    let event = &message.event;
    let domain = from.email.domain();
    let of_thread = |thread: &str| format!("<incident.{thread}@{domain}>");
    let own = fingerprint::of(&[&id.to_string(), &event.pipeline, event.kind.as_str(), &timestamp::text(event.at)]);
    let mut builder =
        lettre::Message::builder().from(from.clone()).subject(mail::subject(message)).date(SystemTime::from(event.at));
    for mailbox in to {
        builder = builder.to(mailbox.clone());
    }
    builder = match (&message.thread, message.opens_thread) {
        (Some(thread), true) => builder.header(MessageId::from(of_thread(thread))),
        (Some(thread), false) => builder
            .header(MessageId::from(format!("<{own}@{domain}>")))
            .in_reply_to(of_thread(thread))
            .references(of_thread(thread)),
        (None, _) => builder.header(MessageId::from(format!("<{own}@{domain}>"))),
    };
    builder.multipart(MultiPart::alternative_plain_html(mail::text(message), mail::html_text(message))).ok()
}

/// The reason in our own words: the server's may repeat what it was sent.
fn failure(error: &SmtpError) -> Failure {
    if let Some(code) = error.status() {
        let reason = format!("the server answered {code}");
        return if error.is_permanent() { Failure::lasting(reason) } else { Failure::passing(reason) };
    }
    if error.is_timeout() {
        Failure::passing("no answer in time")
    } else if error.is_tls() || super::is_of_tls(error) {
        Failure::lasting(super::NOT_ENCRYPTED)
    } else if error.is_client() {
        Failure::lasting("the server does not offer what the address asks for")
    } else {
        Failure::passing("the connection failed")
    }
}
