//! Telling where nothing can be kept: a full disk keeps the outbox from being written, and somebody is to hear of that above all.

use std::thread;

use crate::channel::Channel;
use crate::event::{Event, EventKind};
use crate::message::Message;
use crate::outbox::{Delivery, Outcome};
use crate::send::{self, Timing};

/// Sends the events to all channels that want them, at once and never again. Repeats are told each time, because nobody counts
/// them, and recoveries never, because nobody knows whether there was a failure.
pub fn tell_unkept(events: &[Event], channels: &[Channel], timing: &Timing) -> Vec<Delivery> {
    thread::scope(|scope| {
        let turn = |channel| move || told(channel, events, timing);
        let threads: Vec<_> = channels
            .iter()
            .filter_map(|channel| thread::Builder::new().name("alert".to_owned()).spawn_scoped(scope, turn(channel)).ok())
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    })
}

fn told(channel: &Channel, events: &[Event], timing: &Timing) -> Vec<Delivery> {
    let wanted = events.iter().filter(|event| event.kind != EventKind::Recovered && channel.wants(event.kind));
    let one = |(id, event): (i64, &Event)| {
        let outcome = match send::send(channel, &Message::plain(event.clone()), id, timing) {
            Ok(()) => Outcome::Delivered,
            Err(failure) => Outcome::Dropped { reason: failure.reason },
        };
        Delivery { channel: channel.name().to_owned(), event: event.clone(), outcome }
    };
    (0..).zip(wanted).map(one).collect()
}
