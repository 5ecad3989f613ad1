//! `consumer360 sample`.

use std::process::ExitCode;

use sample::{Format, Shop};

use crate::cli::{Global, Output, SampleFormat, SampleOptions};
use crate::exit::Failure;
use crate::figures::{bytes, count};

pub fn sample(global: &Global, options: &SampleOptions) -> Result<ExitCode, Failure> {
    let format = match options.format {
        SampleFormat::Parquet => Format::Parquet,
        SampleFormat::Csv => Format::Csv,
    };
    let shop = Shop { lines: options.lines, seed: options.seed, format, dirt: options.dirt };
    let summary = sample::generate(&shop, &options.to).map_err(|e| match e {
        sample::Error::LinesOutOfRange { .. } | sample::Error::DirtOutOfRange { .. } | sample::Error::Taken { .. } => {
            Failure::usage(e.to_string())
        }
        other => Failure::step(&other),
    })?;
    if global.output == Output::Json {
        let json = serde_json::to_string_pretty(&summary).map_err(|e| Failure::step(&e))?;
        return super::print(&(json + "\n"));
    }
    let rows = &summary.rows;
    super::print(&format!(
        "A shop of {} order lines, {} customers, {} products, {} payments and {} tickets in {} ({})\n\
         What it holds and what was planted: {}\n",
        count(rows.order_lines),
        count(rows.customers),
        count(rows.products),
        count(rows.payments),
        count(rows.tickets),
        options.to.display(),
        bytes(summary.bytes),
        options.to.join("summary.json").display(),
    ))
}
