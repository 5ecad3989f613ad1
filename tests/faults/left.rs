//! What a run may leave, so that all else is found.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Whatever lies in a target of a folder's layout and belongs to no whole snapshot.
pub fn in_target(target: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for name in names(target) {
        if !["snapshots", "current", "published.json", ".publish.lock", "lease.json"].contains(&name.as_str()) {
            left.push(name);
        }
    }
    let tables_of = |id: &str| -> Option<Vec<String>> {
        let text = fs::read(target.join("snapshots").join(id).join("manifest.json")).ok()?;
        let manifest: Value = serde_json::from_slice(&text).ok()?;
        Some(manifest["tables"].as_array()?.iter().map(|t| format!("{}.parquet", t["table"].as_str().unwrap())).collect())
    };
    let mut snapshots = 0;
    for id in names(&target.join("snapshots")) {
        let files = names(&target.join("snapshots").join(&id));
        // A store has no folders: an empty one is the server's own affair.
        if files.is_empty() && target.join("lease.json").exists() {
            continue;
        }
        snapshots += 1;
        let Some(mut tables) = tables_of(&id) else {
            left.push(format!("snapshots/{id} without a manifest"));
            continue;
        };
        tables.push("manifest.json".to_owned());
        tables.sort();
        if files != tables {
            left.push(format!("snapshots/{id}: {files:?}"));
        }
    }
    if snapshots > 2 {
        left.push(format!("{snapshots} snapshots, 2 are to be kept"));
    }
    let current = names(&target.join("current"));
    left.extend(current.into_iter().filter(|n| !n.ends_with(".parquet") || n.starts_with('.')).map(|n| format!("current/{n}")));
    left
}

/// Whatever lies in a state folder that no run and no ledger needs.
pub fn in_state(state: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for name in names(state) {
        if !["consumer360.db", "history", "locks", "runs", "mirror"].contains(&name.as_str()) {
            left.push(name);
        }
    }
    for run in names(&state.join("runs")) {
        let record = fs::read(state.join("runs").join(&run).join("run.json")).ok();
        match record.and_then(|text| serde_json::from_slice::<Value>(&text).ok()) {
            None => left.push(format!("runs/{run} without a record")),
            Some(record) if record["status"] == "running" => left.push(format!("runs/{run} is still running")),
            Some(_) => {}
        }
        let known = [
            "run.json",
            "log.ndjson",
            "checks.json",
            "lineage.json",
            "reconciliation.json",
            "history",
            "rejects",
            "staged",
            "warehouse",
        ];
        let others = names(&state.join("runs").join(&run)).into_iter().filter(|name| !known.contains(&name.as_str()));
        left.extend(others.map(|name| format!("runs/{run}/{name}")));
    }
    for lock in names(&state.join("locks")) {
        if fs::metadata(state.join("locks").join(&lock)).unwrap().len() > 0 {
            left.push(format!("locks/{lock} is signed"));
        }
    }
    for pipeline in names(&state.join("history")) {
        let kept = names(&state.join("history").join(&pipeline));
        let of = |ending: &str| kept.iter().filter(|name| name.ends_with(ending)).count();
        if (of(".json"), of(".parquet"), kept.len()) != (1, 1, 2) {
            left.push(format!("history/{pipeline}: {kept:?}"));
        }
    }
    left.extend(hidden(&state.join("mirror")));
    left
}

/// Files that are half-way to their names.
fn hidden(folder: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if name.starts_with('.') && name != ".publish.lock" {
            left.push(path.display().to_string());
        } else if path.is_dir() {
            left.extend(hidden(&path));
        }
    }
    left
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
