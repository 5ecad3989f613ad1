//! `consumer360 validate`: the pipeline file, and on request its sources.

use std::fmt::Write as _;
use std::process::ExitCode;

use config::Watch;
use serde_json::json;

use crate::cli::{Global, Output, ValidateOptions};
use crate::exit::Failure;
use crate::{log, runtime};

pub fn validate(global: &Global, options: &ValidateOptions) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let mut probed = Vec::new();
    if options.connect {
        let runtime = runtime::wide(&settings).map_err(|e| Failure::step(&e))?;
        let session = extract::session(&settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?;
        probed = runtime.block_on(extract::probe(&session, &pipeline, &settings.engine.limits)).map_err(|e| Failure::step(&e))?;
    }
    if global.output == Output::Json {
        let sources: Vec<_> =
            probed.iter().map(|p| json!({"entity": p.entity.name(), "origin": p.origin, "columns": p.columns})).collect();
        return super::print(&format!(
            "{:#}\n",
            json!({
                "pipeline": pipeline.name,
                "valid": true,
                "sources": sources,
                "checks": pipeline.checks.len(),
                "guards": pipeline.guards.on.len(),
            })
        ));
    }
    let entities: Vec<&str> = pipeline.sources.keys().map(|e| e.name()).collect();
    let mut text = format!("{} is valid: {} → {}\n", options.pipeline.display(), entities.join(", "), pipeline.publish.to);
    let checks = pipeline.checks.len();
    let _ = writeln!(
        text,
        "  {checks} check{} of its own, {} of {} guards on",
        if checks == 1 { "" } else { "s" },
        pipeline.guards.on.len(),
        Watch::ALL.len()
    );
    for source in probed {
        let _ = writeln!(
            text,
            "  {:<10} {} answers; the mapping fits its {} columns",
            source.entity,
            source.origin,
            source.columns.len()
        );
    }
    super::print(&text)
}
