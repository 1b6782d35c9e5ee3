//! `diff`: what two plans choose differently, and what follows.

use crate::args::{Diff, DiffFormat};
use crate::commands::answer::{self, Derived};
use crate::{Exit, files, output};
use anyhow::{Result, bail};
use plan::file::{difference, stale};
use plan::report::{diff_blocks, diff_json, markdown, text};

pub fn diff(arguments: &Diff) -> Result<Exit> {
    if files::is_stdin(&arguments.old) && files::is_stdin(&arguments.new) {
        bail!("standard input holds one plan: name the other");
    }
    let (old, new) = match (answer::derived(&arguments.old)?, answer::derived(&arguments.new)?) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(exit), _) | (_, Err(exit)) => return Ok(exit),
    };
    let difference = difference(
        (&old.document.chosen, &old.derivation.derived),
        (&new.document.chosen, &new.derivation.derived),
    );
    let names = [files::name(&arguments.old), files::name(&arguments.new)];
    output::print(&match arguments.format {
        DiffFormat::Text => text(&diff_blocks(&difference, &names), output::width()),
        DiffFormat::Markdown => markdown(&diff_blocks(&difference, &names)),
        DiffFormat::Json => diff_json(&difference, &names),
    })?;
    for (name, side) in names.iter().zip([&old, &new]) {
        remark_on_stale(name, side);
    }
    Ok(if arguments.exit_code && !difference.is_empty() { Exit::Findings } else { Exit::Answered })
}

/// What is compared follows from the plans today; what stands in a file may be older.
fn remark_on_stale(name: &str, side: &Derived) {
    let Some(stands) = &side.document.derived else { return };
    let count = stale(stands, &side.derivation.derived).len();
    if count > 0 {
        output::remark(&format!(
            "{name}: its [derived] is stale in {count} places; compared is what follows"
        ));
    }
}
