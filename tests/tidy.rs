//! The rules of style and structure that a reader would otherwise have to check by hand.
//!
//! Each rule is a function from text to findings, so that the last test here can show that every one of them bites.

mod sql;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::support::{Workspace, root};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Names that say nothing, so that everything ends up in them.
const BANNED_NAMES: [&str; 4] = ["utils", "helpers", "common", "misc"];

/// Every text file of the repository by its path, new files included.
fn files() -> BTreeMap<PathBuf, String> {
    let listed =
        Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root()).output();
    let paths: Vec<PathBuf> = match listed {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect(),
        _ => walk(&root()),
    };
    let text = |path: PathBuf| Some((path.clone(), fs::read_to_string(root().join(path)).ok()?));
    let files: BTreeMap<_, _> = paths.into_iter().filter_map(text).filter(|(_, text)| !text.contains('\0')).collect();
    assert!(files.len() > 100, "only {} files", files.len());
    files
}

/// The tree where there is no git, such as an unpacked archive.
fn walk(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![top.to_path_buf()];
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(top).unwrap().to_path_buf();
            if path.is_dir() && !["target", "out", "state", ".git"].iter().any(|skipped| name == Path::new(skipped)) {
                open.push(path);
            } else if path.is_file() {
                found.push(name);
            }
        }
    }
    found
}

/// Findings of one rule in all files of an ending.
fn assert_none(ending: &str, rule: impl Fn(&str) -> Vec<String>) {
    let files = files();
    let matching = files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == ending));
    let found: Vec<String> =
        matching.flat_map(|(path, text)| rule(text).into_iter().map(|f| format!("{}: {f}", path.display()))).collect();
    assert!(found.is_empty(), "{found:#?}");
}

// ---- Rust

/// Where a literal or comment that starts at `at` ends; none where code starts there.
fn end_of_text(rest: &[char]) -> Option<usize> {
    let find = |from: usize, end: &str| {
        let end: Vec<char> = end.chars().collect();
        rest[from..].windows(end.len()).position(|w| w == end).map_or(rest.len(), |p| from + p + end.len())
    };
    let quoted = |quote: char| {
        let mut at = 1;
        while at < rest.len() && rest[at] != quote {
            at += if rest[at] == '\\' { 2 } else { 1 };
        }
        (at + 1).min(rest.len())
    };
    match rest {
        ['/', '/', ..] => Some(rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => Some(find(2, "*/")),
        ['r', '"', ..] => Some(find(2, "\"")),
        ['r', '#', '"', ..] => Some(find(3, "\"#")),
        ['r', '#', '#', '"', ..] => Some(find(4, "\"##")),
        ['"', ..] => Some(quoted('"')),
        // A quote that neither escapes nor closes after one character begins a lifetime.
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => Some(quoted('\'')),
        _ => None,
    }
}

/// Rust with its literals and comments blanked out; lines stay where they are.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let inside_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
        let end = if inside_word && chars[at] == 'r' { None } else { end_of_text(&chars[at..]) };
        if let Some(length) = end {
            code.extend(chars[at..at + length].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at += length;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

fn long_file(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > FILE_LINES { vec![format!("{lines} lines, {FILE_LINES} at most")] } else { Vec::new() }
}

/// Bytes up to the brace that closes the function whose `fn` begins `code`; none for one without a body.
fn body_end(code: &str) -> Option<usize> {
    let (mut nested, mut braces) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            ';' if nested == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' if braces == 1 => return Some(at),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

fn long_functions(text: &str) -> Vec<String> {
    let code = code(text);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let starts_a_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let Some(end) = body_end(&code[at..]).filter(|_| starts_a_word) else { continue };
        let lines = code[at..at + end].matches('\n').count() + 1;
        if lines > FUNCTION_LINES {
            let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push(format!("fn {name} has {lines} lines, {FUNCTION_LINES} at most"));
        }
    }
    found
}

fn unfinished(text: &str) -> Vec<String> {
    let code = code(text);
    let words = ["todo!", "unimplemented!", "dbg!", "#[ignore"];
    words.iter().filter(|word| code.contains(*word)).map(|word| format!("{word} in code")).collect()
}

fn bad_modules(text: &str) -> Vec<String> {
    let code = code(text);
    BANNED_NAMES
        .iter()
        .map(|name| format!("mod {name}"))
        .filter(|m| code.contains(&format!("{m} ")) || code.contains(&format!("{m};")))
        .collect()
}

fn bad_path(path: &Path) -> bool {
    let banned = |part: Component<'_>| {
        let name = part.as_os_str().to_string_lossy().into_owned();
        BANNED_NAMES.contains(&name.split('.').next().unwrap_or(""))
    };
    path.components().any(banned) || path.file_name().is_some_and(|name| name == "mod.rs")
}

#[test]
fn rust_files_and_functions_are_short_and_finished() {
    assert_none("rs", |text| [long_file(text), long_functions(text), unfinished(text), bad_modules(text)].concat());
}

#[test]
fn names_say_something() {
    let bad: Vec<_> = files().into_keys().filter(|path| bad_path(path)).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

// ---- Machine paths

/// Paths that exist on one machine only.
fn machine_paths(text: &str) -> Vec<String> {
    let folders = ["home", "root", "work"].map(|name| format!("/{name}/"));
    let absolute = |line: &str, folder: &String| {
        let starts = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/}".contains(c));
        line.match_indices(folder.as_str()).any(|(at, _)| starts(at))
    };
    let lines = text.lines().enumerate().filter(|(_, line)| folders.iter().any(|folder| absolute(line, folder)));
    lines.map(|(number, line)| format!("line {}: {}", number + 1, line.trim())).collect()
}

#[test]
fn no_file_names_a_machine() {
    let mut files = files();
    files.retain(|path, _| path.extension().is_none_or(|e| e != "lock"));
    let found: Vec<_> = files.iter().flat_map(|(path, text)| machine_paths(text).into_iter().map(move |f| (path, f))).collect();
    assert!(found.is_empty(), "{found:#?}");
}

// ---- The walls between the crates

/// A manifest's dependencies, those for tests and build scripts included, and what is wrong with how it states them.
fn manifest(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut dependencies, mut found, mut section, mut lints) = (BTreeSet::new(), Vec::new(), "", false);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
            if section.contains("dependencies.") {
                found.push(format!("{section}: a dependency is one line"));
            }
        } else if section == "[lints]" {
            lints |= line == "workspace = true";
        } else if section.ends_with("dependencies]") {
            dependencies.insert(line.split(['.', ' ', '=']).next().unwrap_or(line).to_owned());
            if !line.contains("workspace = true") {
                found.push(format!("{line}: not of the workspace"));
            }
        }
    }
    if !lints {
        found.push("no [lints] workspace = true".to_owned());
    }
    (dependencies, found)
}

/// What a crate may not reach, directly or through the workspace's other crates.
const WALLS: [(&str, &[&str]); 6] = [
    ("schema", &["datafusion", "arrow", "parquet", "tokio", "object_store", "config"]),
    ("config", &["datafusion", "arrow", "parquet", "object_store", "rusqlite", "tokio-postgres", "extract"]),
    ("scheduler", &["datafusion", "arrow", "parquet", "schema", "extract", "transform", "validate", "load"]),
    ("extract", &["transform", "validate", "load"]),
    ("compare", &["transform", "validate", "load"]),
    ("console", &["datafusion", "config", "extract", "transform", "validate", "load"]),
];

fn breaches(crates: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, walled) in WALLS {
        let mut reached = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(next) = open.pop() {
            let new = crates.get(&next).into_iter().flatten().filter(|d| reached.insert((*d).clone()));
            open.extend(new.cloned());
        }
        found.extend(walled.iter().filter(|w| reached.contains(**w)).map(|w| format!("{name} depends on {w}")));
    }
    for (name, dependencies) in crates {
        if dependencies.contains("validate") && !["load", "consumer360"].contains(&name.as_str()) {
            found.push(format!("{name} depends on validate"));
        }
        // What it reads is staged by extract, so it needs no source's library of its own.
        let sources =
            ["object_store", "rusqlite", "tokio-postgres"].iter().filter(|s| name == "transform" && dependencies.contains(**s));
        found.extend(sources.map(|s| format!("transform depends on {s}")));
    }
    found
}

#[test]
fn crates_keep_to_their_walls() {
    let files = files();
    let manifests = files.iter().filter(|(path, _)| path.starts_with("crates") && path.ends_with("Cargo.toml"));
    let read: BTreeMap<String, _> = manifests
        .map(|(path, text)| (path.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned(), manifest(text)))
        .collect();
    for required in ["schema", "config", "extract", "transform", "validate", "load", "scheduler", "consumer360"] {
        assert!(read.contains_key(required), "no crate {required}");
    }
    let stated: Vec<_> = read.iter().flat_map(|(name, (_, found))| found.iter().map(move |f| format!("{name}: {f}"))).collect();
    assert!(stated.is_empty(), "{stated:#?}");
    let crates = read.into_iter().map(|(name, (dependencies, _))| (name, dependencies)).collect();
    assert_eq!(breaches(&crates), Vec::<String>::new());
}

// ---- Examples that load, and the README

/// Runs `validate` on a pipeline; what it refers to in the environment gets a value.
fn assert_loads(name: &str, yaml: &str) {
    let workspace = Workspace::new();
    workspace.link("data");
    workspace.link("config");
    let file = workspace.write("pipelines/example.yaml", yaml);
    let mut command = workspace.command(&["validate", file.to_str().unwrap()]);
    for variable in yaml.split("${env:").skip(1).filter_map(|rest| rest.split('}').next()) {
        command.env(variable, "postgres://reader@localhost/shop");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{name}: {}\n{yaml}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_pipeline_loads() {
    let files = files();
    let yaml: Vec<_> =
        files.iter().filter(|(path, _)| path.starts_with("pipelines") && path.extension().is_some_and(|e| e == "yaml")).collect();
    assert!(!yaml.is_empty());
    for (path, text) in yaml {
        assert_loads(&path.display().to_string(), text);
    }
}

/// The fenced YAML blocks of a Markdown text that are whole pipelines.
fn pipelines_in(markdown: &str) -> Vec<String> {
    let blocks = markdown.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.lines().any(|line| line.starts_with("version: 1"))).map(str::to_owned).collect()
}

/// What stands between the marks of the dictionary.
fn dictionary_in(markdown: &str) -> Option<&str> {
    let (_, rest) = markdown.split_once("<!-- dictionary -->\n")?;
    Some(rest.split_once("<!-- /dictionary -->").expect("the dictionary does not end").0)
}

#[test]
fn the_readme_loads_and_agrees_with_the_contract() {
    let Ok(readme) = fs::read_to_string(root().join("README.md")) else {
        crate::support::say("SKIPPED: there is no README.md, so neither its examples nor its dictionary are checked");
        return;
    };
    for (number, yaml) in pipelines_in(&readme).iter().enumerate() {
        assert_loads(&format!("README.md, pipeline {}", number + 1), yaml);
    }
    match dictionary_in(&readme) {
        Some(dictionary) => {
            assert_eq!(
                dictionary.trim(),
                schema::dictionary_markdown().trim(),
                "README.md: print it anew with `cargo run -p schema --example dictionary`"
            );
        }
        None => crate::support::say("SKIPPED: README.md has no dictionary to check"),
    }
}

// ---- Every rule bites.

#[test]
fn rules_of_rust_bite() {
    let body = "    a();\n".repeat(70);
    let long = format!(
        "/// {{\nasync fn long<'a>(x: [u8; 2]) -> &'a str {{\n{body}}}\nfn short() {{\n    b('{{', \"}}\\\"\", r#\"{{\"#);\n}}\n"
    );
    assert_eq!(long_functions(&long), ["fn long has 72 lines, 70 at most"]);
    assert_eq!(long_functions(&long.replacen("    a();\n    a();\n", "", 1)), Vec::<String>::new());
    assert_eq!(long_file(&"\n".repeat(501)).len(), 1);
    assert_eq!(long_file(&"\n".repeat(500)).len(), 0);
    assert_eq!(unfinished("fn f() { todo!() }\n#[ignore = \"\"]\nfn g() { dbg!(1); unimplemented!() }").len(), 4);
    assert_eq!(unfinished("// todo! dbg!\nconst A: &str = \"#[ignore\";"), Vec::<String>::new());
    assert_eq!(bad_modules("mod common;\npub mod utils {}\nmod commons;").len(), 2);
    for bad in ["crates/a/src/mod.rs", "crates/utils/src/lib.rs", "crates/a/src/helpers.rs"] {
        assert!(bad_path(Path::new(bad)), "{bad}");
    }
    assert!(!bad_path(Path::new("crates/a/src/uncommon.rs")));
}

#[test]
fn rules_of_files_bite() {
    let machine = ["home", "root", "work"].map(|name| format!("see /{name}/x\n")).concat();
    assert_eq!(machine_paths(&machine).len(), 3);
    assert_eq!(machine_paths(&machine.replace(" /", " homes/")), Vec::<String>::new());
    let (dependencies, found) = manifest(
        "[dependencies]\na.workspace = true\nb = \"1\"\nc = { workspace = true }\n[dev-dependencies.d]\nversion = \"1\"",
    );
    assert_eq!(dependencies.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(found.len(), 3, "{found:?}");
    let on = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
    let crates = [
        ("config", on(&["schema"])),
        ("schema", on(&["datafusion"])),
        ("scheduler", on(&["validate"])),
        ("transform", on(&["rusqlite"])),
    ];
    let crates: BTreeMap<String, _> = crates.into_iter().map(|(name, dependencies)| (name.to_owned(), dependencies)).collect();
    let expected = [
        "schema depends on datafusion",
        "config depends on datafusion",
        "scheduler depends on validate",
        "scheduler depends on validate",
    ];
    assert_eq!(breaches(&crates), [&expected[..], &["transform depends on rusqlite"]].concat());
    assert_eq!(pipelines_in("```yaml\nversion: 1\n```\n```yaml\na: 1\n```\n```sh\nversion: 1\n```"), ["version: 1\n"]);
    assert_eq!(dictionary_in("a\n<!-- dictionary -->\nb\n<!-- /dictionary -->"), Some("b\n"));
}
