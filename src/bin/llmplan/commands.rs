//! One function per command: flags become a plan in memory, `derive`, a view.

mod answer;
mod check;
mod diff;
mod fit;
mod footprint;
mod ladder;
mod layout;
mod memory;
mod model;
mod step;
mod throughput;

use crate::Exit;
use crate::args::{Arguments, Command, Explain};
use crate::flags::is_law_file;
use crate::{files, output};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::CommandFactory as _;
use plan::law::{Law, LawFile};
use plan::report;
use std::path::Path;

pub fn run(command: Command) -> Result<Exit> {
    match command {
        Command::Budget(arguments) => answer::budget(*arguments),
        Command::Plan(arguments) => answer::plan(&arguments),
        Command::Mix(arguments) => answer::mix(&arguments),
        Command::Model(arguments) => model::model(&arguments),
        Command::Memory(arguments) => memory::memory(*arguments),
        Command::Throughput(arguments) => throughput::throughput(*arguments),
        Command::Footprint(arguments) => footprint::footprint(*arguments),
        Command::Layout(arguments) => layout::layout(*arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Fit(arguments) => fit::fit(&arguments),
        Command::Ladder(arguments) => ladder::ladder(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Explain(arguments) => explain(&arguments),
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&plan::file::schema())? + "\n";
            output::print(&schema)?;
            Ok(Exit::Answered)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "llmplan", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Answered)
        }
        Command::Man { command } => man(command.as_deref()),
    }
}

/// A manual page in roff, from the same arguments as `--help`.
fn man(name: Option<&str>) -> Result<Exit> {
    let mut all = Arguments::command();
    all.build();
    let page = match name {
        None => all,
        Some(name) => {
            let Some(command) = all.find_subcommand(name) else {
                let names = all.get_subcommands().map(clap::Command::get_name);
                let names: Vec<_> = names.filter(|name| *name != "help").collect();
                bail!("there is no command `{name}`; there are {}", names.join(", "));
            };
            command.clone()
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    output::print(&String::from_utf8_lossy(&roff))?;
    Ok(Exit::Answered)
}

fn explain(arguments: &Explain) -> Result<Exit> {
    let blocks = match (&arguments.name, arguments.list) {
        (_, Some(kind)) => report::list(kind),
        (Some(file), None) if is_law_file(file) => report::explain_law(&law(file)?),
        (Some(name), None) => report::explain(name)?,
        (None, None) => Vec::new(),
    };
    output::print(&report::text(&blocks, output::width()))?;
    Ok(Exit::Answered)
}

/// The law of a file.
fn law(path: &str) -> Result<Law> {
    let text = String::from_utf8(files::read(Path::new(path))?)
        .with_context(|| format!("{path} is not UTF-8 text"))?;
    LawFile::read(&text).map(LawFile::law).map_err(|error| {
        let help = error.help.map_or(String::new(), |help| format!("; {help}"));
        anyhow!("{path}{}{help}", error.message)
    })
}
