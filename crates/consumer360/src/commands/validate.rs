//! `consumer360 validate`: the pipeline file, and on request its sources.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Global, Output, ValidateOptions};
use crate::exit::Failure;
use crate::{log, run};

pub fn validate(global: &Global, options: &ValidateOptions) -> Result<ExitCode, Failure> {
    log::start(global, false);
    let (pipeline, settings) = super::load(global, &options.pipeline)?;
    let mut probed = Vec::new();
    if options.connect {
        let runtime = run::runtime(&settings).map_err(|e| Failure::step(&e))?;
        let session = extract::session(&settings.engine, &std::env::temp_dir()).map_err(|e| Failure::step(&e))?;
        probed = runtime.block_on(extract::probe(&session, &pipeline, &settings.engine.limits)).map_err(|e| Failure::step(&e))?;
        runtime.shutdown_background();
    }
    if global.output == Output::Json {
        let sources: Vec<_> =
            probed.iter().map(|p| json!({"entity": p.entity.name(), "origin": p.origin, "columns": p.columns})).collect();
        return super::print(&format!("{:#}\n", json!({"pipeline": pipeline.name, "valid": true, "sources": sources})));
    }
    let entities: Vec<&str> = pipeline.sources.keys().map(|e| e.name()).collect();
    let mut text = format!("{} is valid: {} → {}\n", options.pipeline.display(), entities.join(", "), pipeline.publish.to);
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
