//! Every wrong pipeline file of `tests/golden/config` against the message it must give.
//!
//! `UPDATE_GOLDEN=1 cargo test -p config` writes the messages anew; read what changed before it is kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use config::{Environment, Problems, load, settings};

/// A pipeline that loads says so.
const SOUND: &str = "no problem\n";

/// Stands in the files where a password would, and may stand in no message.
const CANARY: &str = "canary";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/config")
}

/// What the user reads; paths are shown as if the program ran in the folder.
fn message(file: &Path) -> String {
    let environment = Environment { variable: &|_| None, cores: 4 };
    shown(load(file, None, None, &environment))
}

/// The same of a file of settings, read as the environment of its name.
fn message_of_settings(file: &Path) -> String {
    let variable = |name: &str| (name == "LEDGER_URL").then(|| format!("mysql://reader:{CANARY}@localhost/shop"));
    let environment = Environment { variable: &variable, cores: 4 };
    shown(settings(Some(file.parent().unwrap()), file.file_stem().unwrap().to_str(), &environment))
}

fn shown<T>(read: Result<T, Problems>) -> String {
    match read {
        Ok(_) => SOUND.to_owned(),
        Err(problems) => problems.to_string().replace(&format!("{}/", folder().display()), ""),
    }
}

fn files(ending: &str) -> Vec<PathBuf> {
    files_in(&folder(), ending)
}

fn files_in(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == ending));
    files.sort();
    files
}

/// Compares each file's message with the golden one beside it, or writes that anew.
fn assert_golden(files: &[PathBuf], message: impl Fn(&Path) -> String) {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for file in files {
        let found = message(file);
        let golden = file.with_extension("expected");
        if update {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden)
            .unwrap_or_else(|_| panic!("{} is not there; UPDATE_GOLDEN=1 writes it", golden.display()));
        if found != expected {
            differing.push(format!("{}\nexpected:\n{expected}\nfound:\n{found}", file.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn wrong_files_give_their_messages() {
    assert_golden(&files("yaml"), message);
    assert!(files("yaml").len() >= 30, "only {} wrong files were seen", files("yaml").len());
}

#[test]
fn wrong_settings_give_their_messages() {
    let files = files_in(&folder().join("settings"), "yaml");
    assert_golden(&files, message_of_settings);
    assert!(!files.is_empty());
    assert!(files.iter().all(|file| !message_of_settings(file).contains(CANARY)));
}

#[test]
fn every_golden_message_has_its_file() {
    for golden in files("expected") {
        assert!(golden.with_extension("yaml").is_file(), "{} belongs to no file", golden.display());
    }
}

#[test]
fn messages_are_in_the_order_of_lines_and_hold_no_password() {
    let environment = Environment { variable: &|_| None, cores: 4 };
    for file in files("yaml") {
        let Err(problems) = load(&file, None, None, &environment) else { continue };
        let places: Vec<(u64, u64)> = problems.0.iter().map(|p| (p.line, p.column)).collect();
        assert!(places.is_sorted(), "{}: {places:?}", file.display());
        let shown = format!("{problems}{problems:?}{}", serde_json::to_string(&problems).unwrap());
        assert!(!shown.contains(CANARY), "{}:\n{shown}", file.display());
    }
}

/// Any one character that is lost or mistyped gives a file that loads or problems with places inside it; never a panic.
#[test]
fn no_slip_of_the_finger_breaks_the_reader() {
    let environment = Environment { variable: &|_| None, cores: 4 };
    let sound = fs::read_to_string(folder().join("30_thresholds_not_rising.yaml")).unwrap()
        + "# ä\nas_of: 2017-12-30\ntimezone: \"Europe/Zurich\"\n";
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("slip.yaml");
    // One slip a place, a different one each time: all of them at every place take half a minute.
    let slips = ["", ":", "\"", "\t", "{", "]", "&a ", "*", "\n", "ß", "\0", "- "];
    for ((place, character), slip) in sound.char_indices().zip(slips.iter().cycle()) {
        let (before, after) = (&sound[..place], &sound[place + character.len_utf8()..]);
        let text = format!("{before}{slip}{after}");
        fs::write(&file, &text).unwrap();
        let Err(problems) = load(&file, None, None, &environment) else { continue };
        assert!(!problems.0.is_empty() && !problems.to_string().is_empty());
        let lines = text.split('\n').count() as u64;
        assert!(problems.0.iter().all(|p| p.line <= lines), "{problems}\nof\n{text}");
    }
}
