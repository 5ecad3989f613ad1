//! The two places a ledger may have, so that a test runs on each.

#![allow(dead_code, unused_macros, unused_imports, reason = "each test program uses what it needs")]

use std::path::Path;

use scheduler::Ledger;
use tempfile::TempDir;

use crate::server::Server;

/// Makes two tests of each function: one on a file, one on a PostgreSQL where there is one.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_a_file {
            $(#[test] fn $test() { super::$test(crate::place::Kind::File); })*
        }
        mod on_a_server {
            $(#[test] fn $test() {
                if crate::server::Server::of_the_tests().is_some() {
                    super::$test(crate::place::Kind::Server);
                }
            })*
        }
    };
}
pub(crate) use on_both;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Server,
}

/// A state folder of one host and, where it is shared, the url of the database.
pub struct Place {
    state: TempDir,
    pub url: Option<String>,
}

impl Kind {
    /// A new place of this kind, with nothing in it.
    pub fn place(self) -> Place {
        let url = match self {
            Self::File => None,
            Self::Server => Some(Server::of_the_tests().unwrap().new_schema()),
        };
        Place { state: folder(), url }
    }
}

impl Place {
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    pub fn open(&self) -> Ledger {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Ledger, scheduler::Error> {
        open(self.state(), self.url.as_deref())
    }

    /// Another host that shares the database; the same one where the ledger is a file.
    pub fn another_host(&self) -> Self {
        let state = folder();
        assert!(self.url.is_some(), "a file has one host");
        Self { state, url: self.url.clone() }
    }
}

pub fn open(state: &Path, url: Option<&str>) -> Result<Ledger, scheduler::Error> {
    match url {
        None => Ledger::open(state),
        Some(url) => Ledger::connect(state, url),
    }
}

/// In memory where there is such a folder: it is not the disk that is tested.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
