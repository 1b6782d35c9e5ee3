//! Results to standard output, remarks to standard error.

use std::io::{self, Write as _};

/// Columns of a terminal that does not tell its own, and of a pipe.
const COLUMNS: u16 = 80;
/// Wider lines than this are hard to read.
const WIDEST: u16 = 120;

/// Width for text on standard output.
pub fn width() -> u16 {
    match terminal_size::terminal_size_of(io::stdout()) {
        Some((width, _)) => width.0.clamp(40, WIDEST),
        None => COLUMNS,
    }
}

/// Prints a result; styles are stripped where they are not wanted.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Says something about the run.
pub fn remark(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Says why a command could not run, with its causes.
pub fn complain(error: &anyhow::Error) {
    complain_of(&format!("{error:#}"));
}

/// Says what could not be done.
pub fn complain_of(message: &str) {
    remark(&format!("\u{1b}[1;31merror\u{1b}[0m: {message}"));
}

/// Whether whoever read the output has stopped reading.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}
