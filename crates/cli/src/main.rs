#![doc = include_str!("../README.md")]

mod args;
mod commands;
mod dead_letters;
mod output;
mod platform;
mod settings;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::FromArgMatches as _;

use crate::args::Args;

/// Exit code if the command line is invalid.
const EXIT_USAGE: u8 = 2;
/// Exit code if the command was run and failed.
const EXIT_FAILED: u8 = 1;
/// Exit code of a report that was written and has no data.
const EXIT_NO_DATA: u8 = 3;

fn main() -> ExitCode {
    // Engines run in copies of this program, which must not continue past this line.
    affluenza_engine::run_if_child();
    let matches = args::command().try_get_matches();
    let args = match matches.and_then(|matches| Args::from_arg_matches(&matches)) {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            output::complain(&args::one_line(&error));
            return ExitCode::from(EXIT_USAGE);
        }
        Err(help) => return ended(help.print().context(output::UNWRITABLE)),
    };
    ended(commands::run(args))
}

/// Returns the exit code of a result, and prints an error. A closed standard output is not a failure.
fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain_of(&error);
            ExitCode::from(match error.is::<commands::NoFigures>() {
                true => EXIT_NO_DATA,
                false => EXIT_FAILED,
            })
        }
    }
}
