//! The `affluenza` command.

mod args;
mod commands;
#[cfg(test)]
mod documented;
mod output;
mod platform;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

/// What was typed cannot be carried out as it is.
const EXIT_USAGE: u8 = 2;
/// It was tried and failed.
const EXIT_FAILED: u8 = 1;

fn main() -> ExitCode {
    // The engines run in copies of this program: they must get no further.
    affluenza_engine::run_if_child();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            output::complain(&args::one_line(&error));
            return ExitCode::from(EXIT_USAGE);
        }
        Err(help) => {
            // Nobody left to read it is no failure.
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    match commands::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&output::chain(&error));
            ExitCode::from(EXIT_FAILED)
        }
    }
}
