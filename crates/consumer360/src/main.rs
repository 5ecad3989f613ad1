//! The command line: one binary, one YAML.
//!
//! `main` maps outcomes to exit codes; `run` is the table of contents of a run.

mod cli;
mod commands;
mod exit;
mod figures;
mod handouts;
mod lineage;
mod log;
mod metrics;
mod progress;
mod run;
mod runtime;
mod schedule;
mod serve;
mod summary;
mod telemetry;
mod tell;
mod traces;
mod workers;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, ClusterCommand, Command, StateCommand};
use exit::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.report();
            failure.code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    if cli.command.computes() {
        runtime::keep_memory();
    }
    if let Some(folder) = &cli.directory {
        std::env::set_current_dir(folder).map_err(|e| Failure::usage(format!("cannot change to {}: {e}", folder.display())))?;
    }
    let Cli { global, command, .. } = cli;
    match command {
        Command::Run(options) if options.slot => serve::due_now(&global, &options.pipeline),
        Command::Run(options) => run::command(&global, &options),
        Command::Serve(options) => serve::command(&global, &options),
        Command::Cluster { command: ClusterCommand::Worker(options) } => workers::command(&global, &options),
        Command::Schedule { command } => schedule::command(&global, &command),
        Command::Retry(options) => run::again(&global, &options, false),
        Command::Publish(options) => run::again(&global, &options, true),
        Command::Plan { pipeline } => commands::plan(&global, &pipeline),
        Command::Backfill(options) => commands::backfill(&global, &options),
        Command::Rollback(options) => commands::rollback(&global, &options),
        Command::Diff(options) => commands::diff(&global, &options),
        Command::Status(options) => commands::status(&global, &options),
        Command::Unlock { pipeline } => commands::unlock(&global, &pipeline),
        Command::State { command: StateCommand::Repair { pipelines } } => commands::repair(&global, &pipelines),
        Command::Init(options) => commands::init(&global, &options),
        Command::Doctor { pipeline } => commands::doctor(&global, &pipeline),
        Command::Validate(options) => commands::validate(&global, &options),
        Command::Show(options) => commands::show(&global, &options),
        Command::Report(options) => commands::report(&global, &options),
        Command::Powerbi(options) => commands::powerbi(&global, &options),
        Command::Export(options) => commands::export(&global, &options),
        Command::Describe { table } => commands::describe(&global, table.as_deref()),
        Command::Runs { command } => commands::runs(&global, &command),
        Command::Sample(options) => commands::sample(&global, &options),
        Command::Schema { of } => commands::schema(of),
        Command::Man { to } => commands::man(&to),
        Command::Completions { shell } => commands::completions(shell),
    }
}
