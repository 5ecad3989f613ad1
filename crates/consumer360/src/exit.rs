//! From outcomes to exit codes and words.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::process::ExitCode;

use config::Problems;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    Usage(String),
    Configuration(Problems),
    /// The message with its causes, each once.
    Step {
        code: u8,
        message: String,
    },
    Interrupted {
        code: u8,
    },
}

pub const STEP_FAILED: u8 = 1;
pub const GATE_CLOSED: u8 = 3;
pub const SOURCE_BROKEN: u8 = 4;
pub const HELD: u8 = 5;
/// `plan` has something to publish, `diff` a difference to show.
pub const DIFFERS: u8 = 8;
pub const LOCKED: u8 = 75;
pub const TIMED_OUT: u8 = 124;

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A failed step with the chain of its causes.
    pub fn step(error: &dyn StdError) -> Self {
        Self::Step { code: STEP_FAILED, message: chain(error) }
    }

    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Configuration(_) => 78,
            Self::Step { code, .. } | Self::Interrupted { code } => *code,
        })
    }

    /// What happened, for a command that goes on.
    pub fn in_words(&self) -> String {
        match self {
            Self::Usage(message) | Self::Step { message, .. } => message.clone(),
            Self::Configuration(problems) => problems.to_string(),
            Self::Interrupted { .. } => "interrupted".to_owned(),
        }
    }

    /// Says on stderr what happened.
    pub fn report(&self) {
        match self {
            Self::Usage(message) | Self::Step { message, .. } => eprintln!("error: {message}"),
            Self::Configuration(problems) => eprint!("{problems}"),
            Self::Interrupted { .. } => eprintln!("interrupted; the run published nothing, and is on record"),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems)
    }
}

impl From<scheduler::Error> for Failure {
    fn from(error: scheduler::Error) -> Self {
        if matches!(error, scheduler::Error::AmbiguousRun { .. }) {
            return Self::Usage(chain(&error));
        }
        let code = if error.is_locked() { LOCKED } else { STEP_FAILED };
        Self::Step { code, message: chain(&error) }
    }
}

/// An error and its causes, one a line; a cause that the line above already tells is left out. What says nothing of what to do and
/// comes of the machine gets its remedy.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        // The engine's name for whatever is not its own.
        let words = source.to_string().replace("External error: ", "");
        if !text.contains(&words) {
            let _ = write!(text, "\n  because: {words}");
        }
        cause = source.source();
    }
    if let Some(remedy) = remedy(&text) {
        let _ = write!(text, "\n  help: {remedy}");
    }
    text
}

const FULL: &str = "the disk is full: make room on it and try again; what is kept of earlier runs follows `runs.keep` in \
    config/<env>.yaml and `publish.keep` in the pipeline file";

/// What libraries say of a machine in trouble, wherever it is met, and what to do about it.
const REMEDIES: [(&str, &str); 4] = [
    // As this system numbers it: a server that says the same of its own disk gives no number.
    ("(os error 28)", FULL),
    ("database or disk is full", FULL),
    ("database is locked", "another program is writing to it: try again once it is done; `fuser FILE` says which program it is"),
    ("readonly database", "the user this runs as must be allowed to write to the file and to its folder"),
];

fn remedy(text: &str) -> Option<&'static str> {
    if text.contains("\n  help: ") {
        return None;
    }
    REMEDIES.iter().find(|(words, _)| text.contains(*words)).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn troubles_of_the_machine_have_their_remedies() {
        let full = load::Error::Io { step: "write", path: "out/x".into(), source: io::Error::from_raw_os_error(28) };
        let said = chain(&full);
        assert!(said.starts_with("cannot write out/x\n  because: ") && said.contains("\n  help: the disk is full: "), "{said}");
        let missing = load::Error::Io { step: "read", path: "out/x".into(), source: io::Error::from_raw_os_error(2) };
        assert!(!chain(&missing).contains("help: "));
        // What has a remedy of its own keeps it.
        let detail = "the disk is full (os error 28)".to_owned();
        let said = chain(&load::Error::ReadBack { path: "out/x".to_owned(), detail });
        assert_eq!(said.matches("help: ").count(), 1, "{said}");
    }
}
