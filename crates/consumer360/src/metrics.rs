//! What a run leaves for Prometheus.

use std::fs;
use std::path::Path;

use scheduler::Ledger;

use crate::exit::chain;

/// The figures of every pipeline for Prometheus's textfile collector, which reads a file that is always whole.
pub fn write(file: &Path, ledger: &Ledger) {
    let written = ledger.pipelines().and_then(|names| console::metrics::gather(ledger, &names)).map(|figures| {
        // Runs of several pipelines may end at the same time.
        let part = file.with_extension(format!("{}.part", std::process::id()));
        fs::write(&part, console::metrics::text(&figures)).and_then(|()| fs::rename(&part, file))
    });
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(path = %file.display(), %error, "cannot write the metrics"),
        Err(error) => tracing::warn!(error = chain(&error), "cannot gather the metrics"),
    }
}

/// The most memory this process held so far, where the system tells.
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
