//! Small pieces that several pages show.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use scheduler::RunRecord;

use crate::access::Server;
use crate::figures::{ago, part, seconds, time};

/// A status as a pill: a shape and a word, so that colour is not needed to read it.
pub fn pill(status: &str) -> Markup {
    let tone = match status {
        "published" | "passed" | "balanced" | "current" | "done" | "succeeded" => "good",
        "running" | "queued" | "due" => "live",
        "held" | "warned" | "paused" | "interrupted" | "skipped" | "missed" => "warn",
        "failed" | "check_failed" | "source_failed" | "not balanced" | "error" => "bad",
        _ => "calm",
    };
    html! { span.pill.(tone) { (status.replace('_', " ")) } }
}

pub fn when(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    html! { time datetime=(at.to_rfc3339()) title=(time(at)) { (ago(at, now)) } }
}

pub fn pipeline_link(name: &str) -> Markup {
    html! { a href={ "/pipelines/" (part(name)) } { (name) } }
}

pub fn run_link(run_id: &str) -> Markup {
    html! { a.mono href={ "/runs/" (part(run_id)) } { (run_id) } }
}

pub fn empty(title: &str, text: &Markup) -> Markup {
    html! { div.empty { p.lead { (title) } p { (text) } } }
}

/// What rolling back does.
pub const ROLL_BACK: &str = "Readers see this older snapshot from now on. Nothing is deleted: the next run that publishes, or rolling back again, takes them forward.";

/// A button that is a form of its own.
pub struct Button<'a> {
    pub action: &'a str,
    pub target: &'a str,
    pub snapshot: &'a str,
    pub label: &'a str,
    /// What a screen reader says in place of a label that is repeated on the page.
    pub says: String,
    pub tone: &'a str,
    /// What happens to readers; where it says something, a second press is asked for.
    pub confirm: &'a str,
}

impl Button<'_> {
    pub fn markup(&self, server: &Server) -> Markup {
        if self.confirm.is_empty() {
            return self.form(server, self.label, &self.says);
        }
        html! {
            details.confirm {
                summary.(self.tone) aria-label=(self.says) { (self.label) "…" }
                div.sheet { p { (self.confirm) } (self.form(server, "Yes, do it", &format!("Yes: {}", self.says))) }
            }
        }
    }

    fn form(&self, server: &Server, label: &str, says: &str) -> Markup {
        html! {
            form.act method="post" action="/actions" {
                input type="hidden" name="csrf" value=(server.csrf());
                input type="hidden" name="action" value=(self.action);
                input type="hidden" name="target" value=(self.target);
                @if !self.snapshot.is_empty() { input type="hidden" name="snapshot" value=(self.snapshot); }
                button.(self.tone) type="submit" aria-label=(says) { (label) }
            }
        }
    }
}

/// A button on a pipeline or a run.
pub fn button(server: &Server, action: &str, target: &str, label: &str, tone: &str) -> Markup {
    Button { action, target, snapshot: "", label, says: format!("{label} {target}"), tone, confirm: "" }.markup(server)
}

/// What the last action came to. The words are chosen here: an address cannot put any on the page.
pub fn notice(done: Option<&str>) -> Markup {
    let text = match done.unwrap_or_default() {
        "run" => "The run has been started.",
        "retry" => "The run is tried again.",
        "release" => "The held run is being published.",
        "discard" => "The held run was discarded.",
        "rollback" => "Readers are being taken back to that snapshot.",
        "pause" => "The pipeline is paused: its slots pass without a run.",
        "resume" => "The pipeline follows its schedule again.",
        _ => return html! {},
    };
    html! { p.notice role="status" { (text) } }
}

pub fn took(run: &RunRecord) -> f64 {
    run.stages.iter().filter_map(|s| s.seconds).sum()
}

/// The stages as one bar, `widest` seconds wide at most.
pub fn stage_bar(run: &RunRecord, widest: f64) -> Markup {
    let scale = if widest > 0.0 { 100.0 / widest } else { 0.0 };
    let mut at = 0.0;
    let bars: Vec<(&str, f64, f64)> = run
        .stages
        .iter()
        .map(|stage| {
            let width = (stage.seconds.unwrap_or(0.0) * scale).max(0.4);
            at += width;
            (stage.stage.as_str(), at - width, width)
        })
        .collect();
    let words: Vec<String> = run
        .stages
        .iter()
        .map(|s| format!("{} {}", s.stage, s.seconds.map_or_else(|| "not finished".to_owned(), seconds)))
        .collect();
    html! {
        @if bars.is_empty() { span.faint { "–" } } @else {
            svg.bars viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=(words.join(", ")) {
                title { (words.join(", ")) }
                @for (stage, x, width) in bars {
                    rect.{ "s-" (stage) } x=(format!("{x:.2}")) y="0" width=(format!("{width:.2}")) height="8" {}
                }
            }
        }
    }
}

pub fn legend() -> Markup {
    html! {
        p.legend aria-hidden="true" {
            @for stage in ["extract", "transform", "validate", "publish"] {
                span { svg viewBox="0 0 8 8" width="10" height="10" { rect.{ "s-" (stage) } width="8" height="8" rx="2" {} } (stage) }
            }
        }
    }
}

/// Links to the pages before and after; `to` makes the address of a page number.
pub fn pager(label: &str, page: u64, pages: u64, to: impl Fn(u64) -> String) -> Markup {
    html! {
        @if pages > 1 {
            nav.pager aria-label=(label) {
                @if page > 1 { a href=(to(page - 1)) rel="prev" { "← Previous" } } @else { span.faint { "← Previous" } }
                span { "Page " (page) " of " (pages) }
                @if page < pages { a href=(to(page + 1)) rel="next" { "Next →" } } @else { span.faint { "Next →" } }
            }
        }
    }
}
