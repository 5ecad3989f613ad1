//! `consumer360 diff`: what differs between two published snapshots.

mod text;

use std::collections::BTreeSet;
use std::process::ExitCode;

use compare::{Snapshot, TableFile};
use config::{Pipeline, Settings};
use load::{Manifest, TableEntry, Target};
use serde_json::{Map, Value, json};

use super::describe::{published, unknown};
use crate::cli::{DiffOptions, Global, Output};
use crate::exit::{DIFFERS, Failure};
use crate::{handouts, runtime};

pub fn diff(global: &Global, options: &DiffOptions) -> Result<ExitCode, Failure> {
    if let Some(table) = options.table.as_deref().filter(|name| published().iter().all(|table| table.name != *name)) {
        return Err(Failure::usage(unknown(table)));
    }
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let target = super::target(&pipeline, &settings)?;
    let sides = Sides::chosen(&target, &pipeline, options)?;
    let (before, after) = (opened(&target, &sides.before)?, opened(&target, &sides.after)?);
    match &options.table {
        Some(table) => one(global, options, &Ground { pipeline, settings, sides, before, after }, table),
        None => all(global, &Ground { pipeline, settings, sides, before, after }),
    }
}

/// The two snapshots by their manifests.
struct Sides {
    before: Manifest,
    after: Manifest,
}

/// What a comparison stands on.
struct Ground {
    pipeline: Pipeline,
    settings: Settings,
    sides: Sides,
    before: Snapshot,
    after: Snapshot,
}

impl Sides {
    fn chosen(target: &Target, pipeline: &Pipeline, options: &DiffOptions) -> Result<Self, Failure> {
        let known = target.snapshots().map_err(|e| Failure::step(&e))?;
        let withdrawn = target.withdrawn().map_err(|e| Failure::step(&e))?;
        let after = match &options.after {
            Some(id) => super::named(&known, id)?,
            None => super::named(&known, &super::published(target, pipeline, &options.pipeline)?)?,
        };
        let before = match &options.before {
            Some(id) => super::named(&known, id)?,
            None => load::before(&known, &withdrawn, &after.snapshot).ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|manifest| manifest.snapshot.as_str()).collect();
                Failure::usage(format!("there is none before {}; there are {}", after.snapshot, names.join(", ")))
            })?,
        };
        Ok(Self { before: before.clone(), after: after.clone() })
    }
}

fn opened(target: &Target, manifest: &Manifest) -> Result<Snapshot, Failure> {
    let of = |files: &[TableEntry]| {
        let hashes: Vec<&str> = files.iter().map(|file| file.sha256.as_str()).collect();
        let whole = TableFile { rows: files.iter().map(|file| file.rows).sum(), sha256: hashes.join(" ") };
        files.first().map(|file| (file.table.clone(), whole))
    };
    let files = manifest.by_table().filter_map(of);
    Ok(Snapshot { folder: target.snapshot(&manifest.snapshot).map_err(|e| Failure::step(&e))?, tables: files.collect() })
}

fn all(global: &Global, on: &Ground) -> Result<ExitCode, Failure> {
    let runtime = runtime::wide(&on.settings).map_err(|e| Failure::step(&e))?;
    let session =
        extract::that_spills(&extract::session(&on.settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?);
    let found = runtime.block_on(compare::compare(&session, &on.before, &on.after)).map_err(|e| Failure::step(&e))?;
    let text = match global.output {
        Output::Text => text::head(&on.pipeline.name, &on.sides.before, &on.sides.after) + &text::all(&found),
        Output::Json => {
            let parts = [("figures", json!(found.figures)), ("segments", json!(found.segments)), ("tables", json!(found.tables))];
            as_json(on, found.differs(), parts)
        }
    };
    ended(&text, found.differs())
}

fn one(global: &Global, options: &DiffOptions, on: &Ground, table: &str) -> Result<ExitCode, Failure> {
    let masked: BTreeSet<String> = if options.personal { Vec::new() } else { handouts::masked(&on.pipeline) }
        .into_iter()
        .map(|name| name.to_lowercase())
        .collect();
    // A column of another version of the program may hold anything, so it is taken for personal where anything is.
    let stated = schema::table(table);
    let is_known = |column: &str| stated.is_some_and(|table| table.column(column).is_some());
    let masks = |column: &str| masked.contains(&column.to_lowercase()) || (!masked.is_empty() && !is_known(column));
    let runtime = runtime::wide(&on.settings).map_err(|e| Failure::step(&e))?;
    let session =
        extract::that_spills(&extract::session(&on.settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?);
    let comparison = compare::rows(&session, &on.before, &on.after, table, options.rows, &masks);
    let (found, rows) = runtime.block_on(comparison).map_err(|e| Failure::step(&e))?;
    let differs = found.counts() || found.has_rows();
    let text = match global.output {
        Output::Text => text::head(&on.pipeline.name, &on.sides.before, &on.sides.after) + &text::one(&found, &rows),
        Output::Json => as_json(on, differs, [("table", json!(found)), ("rows", json!(rows))]),
    };
    ended(&text, differs)
}

fn as_json<const N: usize>(on: &Ground, differs: bool, parts: [(&str, Value); N]) -> String {
    let side = |manifest: &Manifest| {
        json!({
            "snapshot": manifest.snapshot,
            "as_of": manifest.as_of,
            "published_at": manifest.published_at,
            "run_id": manifest.run_id,
            "version": manifest.version,
        })
    };
    let head = [
        ("pipeline", json!(on.pipeline.name)),
        ("before", side(&on.sides.before)),
        ("after", side(&on.sides.after)),
        ("differs", json!(differs)),
    ];
    let all: Map<String, Value> = head.into_iter().chain(parts).map(|(name, value)| (name.to_owned(), value)).collect();
    format!("{:#}\n", Value::Object(all))
}

fn ended(text: &str, differs: bool) -> Result<ExitCode, Failure> {
    let printed = super::print(text)?;
    Ok(if differs { ExitCode::from(DIFFERS) } else { printed })
}
