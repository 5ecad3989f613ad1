//! Progress on a terminal: one line that says what is being done.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use schema::Entity;

use crate::cli::Global;
use crate::figures;

/// Takes words that go beside what is shown.
pub type Told = Arc<dyn Fn(&str) + Send + Sync>;

pub struct Progress {
    bar: ProgressBar,
}

/// True where a bar is shown: stderr is a terminal and nobody asked for silence or for more words.
pub fn wanted(global: &Global) -> bool {
    io::stderr().is_terminal() && !global.quiet && global.verbose == 0
}

impl Progress {
    pub fn new(shown: bool) -> Self {
        let bar = if shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix:<10} {wide_msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        if shown {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar }
    }

    pub fn stage(&self, name: &'static str) {
        self.bar.set_prefix(name);
        self.bar.set_message("");
    }

    pub fn read(&self, entity: Entity, records: u64) {
        self.bar.set_message(format!("{entity}: {} records", figures::count(records)));
    }

    pub fn table(&self, name: &'static str) {
        self.bar.set_message(name);
    }

    /// Shows words beside the name of the table that is being built, until the next ones.
    pub fn beside_table(&self) -> Told {
        const BETWEEN: &str = ": ";
        let bar = self.bar.clone();
        Arc::new(move |words| {
            let shown = bar.message();
            let table = shown.split(BETWEEN).next().unwrap_or_default();
            bar.set_message(format!("{table}{BETWEEN}{words}"));
        })
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
