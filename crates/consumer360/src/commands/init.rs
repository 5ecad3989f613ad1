//! `consumer360 init`: a first pipeline file for a source, by looking at what it holds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use config::{Environment, Secret};
use extract::Asked;
use proposal::read::{Catalogue, CatalogueColumn, CatalogueKey, CatalogueRows, Dialect};
use proposal::{Confidence, Proposal, Source, Wishes};
use serde_json::json;

use crate::cli::{Global, InitOptions, Output};
use crate::exit::Failure;
use crate::runtime;

pub fn init(global: &Global, options: &InitOptions) -> Result<ExitCode, Failure> {
    let source = look(&options.source)?;
    let wishes = wishes(options)?;
    let proposal = proposal::propose(&source, &wishes).map_err(|refusal| Failure::step(&*refusal))?;
    if options.print {
        return super::print(&proposal.yaml);
    }
    let to = options.to.clone().unwrap_or_else(|| PathBuf::from("pipelines").join(format!("{}.yaml", name_in(&proposal))));
    write(&proposal, &to)?;
    let text = match global.output {
        Output::Json => as_json(&proposal, &to),
        Output::Text => as_text(&proposal, &to),
    };
    super::print(&text)
}

/// A database is told by its first bytes, whatever its name ends in.
fn look(path: &Path) -> Result<Source, Failure> {
    const SQLITE: &[u8] = b"SQLite format 3\0";
    if let Some(url) = path.to_str().filter(|text| text.starts_with("${") || Dialect::of(text).is_some()) {
        return look_at_database(url);
    }
    if !path.exists() {
        return Err(Failure::usage(format!("there is nothing at {}", path.display())));
    }
    let is_database = path.is_file() && fs::File::open(path).is_ok_and(|file| begins_with(file, SQLITE));
    let source = if is_database { proposal::read::sqlite(path) } else { proposal::read::csv(path) };
    source.map_err(|e| Failure::step(&e))
}

/// The pipeline file says where the address stands, never the address itself: it may hold a password.
fn look_at_database(url: &str) -> Result<Source, Failure> {
    let written = Dialect::of(url);
    let reference = if written.is_some() { "${env:SHOP_URL}" } else { url };
    let secret = Secret::resolved(url, &Environment::process()).map_err(Failure::usage)?;
    let Some(dialect) = Dialect::of(secret.expose()) else {
        let message = format!(
            "{url} is no address of PostgreSQL, MySQL or MariaDB; write postgres://user:password@host:5432/database or mysql://…"
        );
        return Err(Failure::usage(message));
    };
    let runtime = runtime::small().map_err(|e| Failure::step(&e))?;
    let catalogue = runtime.block_on(catalogue(dialect, &secret)).map_err(|e| Failure::step(&e))?;
    if written.is_some() {
        let scheme = if dialect == Dialect::Postgres { "postgres" } else { "mysql" };
        eprintln!("the file will read the address from the environment: export SHOP_URL='{scheme}://…'");
    }
    Ok(proposal::read::database(reference, &catalogue))
}

async fn catalogue(dialect: Dialect, url: &Secret) -> Result<Catalogue, extract::Error> {
    let mut database = match dialect {
        Dialect::Postgres => Asked::postgres("shop", url).await?,
        Dialect::Mysql => Asked::mysql("shop", url).await?,
    };
    let mut catalogue = Catalogue::new(dialect);
    for row in database.rows(dialect.columns_query()).await? {
        if let [Some(schema), Some(table), Some(column), Some(data_type), rows] = row.as_slice() {
            let rows = rows.as_ref().and_then(|rows| rows.parse().ok()).unwrap_or(-1);
            let [schema, table, column, data_type] = [schema, table, column, data_type].map(String::clone);
            catalogue.columns.push(CatalogueColumn { schema, table, column, data_type, rows });
        }
    }
    for row in database.rows(dialect.keys_query()).await? {
        if let [Some(schema), Some(table), Some(column), other @ ..] = row.as_slice() {
            let references = match other {
                [Some(schema), Some(table), Some(column)] => Some((schema.clone(), table.clone(), column.clone())),
                _ => None,
            };
            let [schema, table, column] = [schema, table, column].map(String::clone);
            catalogue.keys.push(CatalogueKey { schema, table, column, references });
        }
    }
    let tables: BTreeSet<(String, String)> =
        catalogue.columns.iter().map(|column| (column.schema.clone(), column.table.clone())).collect();
    for (schema, table) in tables {
        let rows = database.rows(&catalogue.sample_query(&schema, &table)).await?;
        catalogue.rows.push(CatalogueRows { schema, table, rows });
    }
    Ok(catalogue)
}

fn begins_with(mut file: fs::File, bytes: &[u8]) -> bool {
    let mut head = vec![0; bytes.len()];
    io::Read::read_exact(&mut file, &mut head).is_ok() && head == bytes
}

/// What the source cannot say: from the flags, and from who sits at the terminal.
fn wishes(options: &InitOptions) -> Result<Wishes, Failure> {
    let mut wishes = Wishes { name: options.name.clone(), timezone: options.timezone.clone(), schema: None };
    if let Some(zone) = &wishes.timezone {
        known_zone(zone).map_err(Failure::usage)?;
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() && !options.yes {
        wishes.name = ask("Name of the pipeline (letters, digits, - and _; empty for that of the source)", wishes.name)?;
        wishes.timezone = ask_zone(wishes.timezone.as_deref())?;
    }
    Ok(wishes)
}

/// Asks until the answer is a zone that a pipeline file may name.
fn ask_zone(given: Option<&str>) -> Result<Option<String>, Failure> {
    loop {
        let answer = ask("Time zone of the store, such as Europe/Zurich (empty for UTC)", given.map(str::to_owned))?;
        match answer.as_deref().map(known_zone) {
            Some(Err(why)) => eprintln!("{why}"),
            Some(Ok(())) | None => return Ok(answer),
        }
    }
}

fn known_zone(name: &str) -> Result<(), String> {
    config::time_zone(name).map(|_| ()).map_err(|(message, help)| format!("{message}: {help}"))
}

fn ask(question: &str, given: Option<String>) -> Result<Option<String>, Failure> {
    if given.is_some() {
        return Ok(given);
    }
    let failed = |e: io::Error| Failure::step(&e);
    eprint!("{question}: ");
    io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty()))
}

fn name_in(proposal: &Proposal) -> String {
    let name = proposal.yaml.lines().find_map(|line| line.strip_prefix("name:"));
    let bare = name.and_then(|name| name.split(" #").next());
    bare.map_or_else(|| "shop".to_owned(), |name| name.trim().trim_matches('"').to_owned())
}

fn write(proposal: &Proposal, to: &Path) -> Result<(), Failure> {
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|e| Failure::usage(format!("cannot create {}: {e}", folder.display())))?;
    }
    proposal.write_new(to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "{} is there already and stays as it is; name another with --to FILE, or use --print",
            to.display()
        )),
        _ => Failure::usage(format!("cannot write {}: {error}", to.display())),
    })
}

fn as_text(proposal: &Proposal, to: &Path) -> String {
    let mut text = format!("{} is written.\n", to.display());
    let unsure: Vec<_> = proposal.notes.iter().filter(|note| note.confidence != Confidence::Certain).collect();
    if !unsure.is_empty() {
        text += "\nWorth a look:\n";
        for note in unsure {
            let how = if note.confidence == Confidence::Guess { "guess" } else { "likely" };
            let _ = writeln!(text, "  line {:<4}{how:<8}{}", note.line, note.why);
        }
    }
    if !proposal.questions.is_empty() {
        text += "\nOnly you know:\n";
        for question in &proposal.questions {
            let answers = if question.answers.is_empty() { String::new() } else { format!(" ({})", question.answers.join(", ")) };
            let _ = writeln!(text, "  line {:<4}{}{answers}", question.line, question.text);
        }
    }
    let _ = writeln!(text, "\nNext: consumer360 validate {0} --connect, then consumer360 run {0}", to.display());
    text
}

fn as_json(proposal: &Proposal, to: &Path) -> String {
    let confidence = |confidence| match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Guess => "guess",
    };
    let notes: Vec<_> = proposal
        .notes
        .iter()
        .map(|note| json!({"line": note.line, "why": note.why, "confidence": confidence(note.confidence)}))
        .collect();
    let questions: Vec<_> =
        proposal.questions.iter().map(|q| json!({"line": q.line, "text": q.text, "answers": q.answers})).collect();
    format!("{:#}\n", json!({"file": to, "notes": notes, "questions": questions}))
}
