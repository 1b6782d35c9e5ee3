//! `llmplan`: arguments to the library, its answers to the terminal.

mod args;
mod commands;
mod files;
mod flags;
mod output;
mod progress;

use clap::Parser as _;
use std::process::ExitCode;

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Answered.
    Answered = 0,
    /// `check` found an error.
    Findings = 1,
    /// Could not run.
    Failed = 2,
}

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    arguments.color.write_global();
    let exit = commands::run(arguments.command).unwrap_or_else(|error| {
        if output::is_broken_pipe(&error) {
            return Exit::Answered;
        }
        output::complain(&error);
        Exit::Failed
    });
    ExitCode::from(exit as u8)
}
