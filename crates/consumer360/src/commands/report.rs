//! `consumer360 report`.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::ExitCode;

use load::Target;
use serde_json::json;

use crate::cli::{Global, Output, ReportOptions};
use crate::exit::Failure;
use crate::figures::bytes;
use crate::handouts;

pub fn report(global: &Global, options: &ReportOptions) -> Result<ExitCode, Failure> {
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let target = super::target(&pipeline, &settings)?;
    let snapshot = match &options.snapshot {
        Some(id) => kept(&target, id)?,
        None => super::published(&target, &pipeline, &options.pipeline)?,
    };
    let masked = if options.personal { Vec::new() } else { handouts::masked(&pipeline) };
    let html = handouts::report(&pipeline, &settings, &target, &snapshot, &masked).map_err(|e| Failure::step(&e))?;
    write(&options.to, html.as_bytes()).map_err(|e| Failure::usage(format!("cannot write {}: {e}", options.to.display())))?;
    let size = u64::try_from(html.len()).unwrap_or(u64::MAX);
    match global.output {
        Output::Json => super::print(&format!("{:#}\n", json!({"report": options.to, "snapshot": snapshot, "bytes": size}))),
        Output::Text => super::print(&format!(
            "{} reports on snapshot {snapshot}: {}, open it in a browser\n",
            options.to.display(),
            bytes(size)
        )),
    }
}

/// The one snapshot whose id begins so.
fn kept(target: &Target, id: &str) -> Result<String, Failure> {
    let known = target.snapshots().map_err(|e| Failure::step(&e))?;
    Ok(super::named(&known, id)?.snapshot.clone())
}

/// A reader of the file sees the old page or the new one. What is no page is not replaced by one.
fn write(to: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut beginning = Vec::new();
    if let Ok(file) = std::fs::File::open(to) {
        file.take(16).read_to_end(&mut beginning)?;
    }
    if !beginning.is_empty() && !beginning.trim_ascii_start().starts_with(b"<") {
        return Err(std::io::Error::new(ErrorKind::AlreadyExists, "it is no page, and is not replaced by one"));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, content)?;
    std::fs::rename(&part, to)
}
