//! Arguments of `check` and `diff`.

use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Check {
    /// Plans, or folders whose *.toml files are plans (`-` for standard input)
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Format of the findings
    #[arg(long, value_enum, default_value = "text")]
    pub format: CheckFormat,
    /// The least that makes the exit code 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "error")]
    pub fail_on: FailOn,
    /// Report only what got worse since an older plan, or a folder of older plans
    #[arg(long, value_name = "OLD")]
    pub against: Option<PathBuf>,
    /// Put the picky rules in force too
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub levels: Levels,
    #[command(flatten)]
    pub policy: PolicyFlags,
    /// Print the findings and nothing else
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Name every plan, what it allows and why, and the policy it is under
    #[arg(short, long)]
    pub verbose: bool,
}

#[derive(Debug, Args)]
pub struct Levels {
    /// Do not look for what a rule or a family of rules finds
    #[arg(short = 'A', long, value_name = "ID|FAMILY", action = ArgAction::Append, help_heading = "Levels")]
    pub allow: Vec<String>,
    /// Make what it finds warnings
    #[arg(short = 'W', long, value_name = "ID|FAMILY", action = ArgAction::Append, help_heading = "Levels")]
    pub warn: Vec<String>,
    /// Make what it finds errors
    #[arg(short = 'D', long, value_name = "ID|FAMILY", action = ArgAction::Append, help_heading = "Levels")]
    pub deny: Vec<String>,
}

#[derive(Debug, Args)]
pub struct PolicyFlags {
    /// The policy, instead of the nearest llmplan.toml upwards from each plan
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    pub config: Option<PathBuf>,
    /// Look for no policy
    #[arg(long, conflicts_with = "config", help_heading = "Policy")]
    pub isolated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    Text,
    Json,
    Sarif,
    Github,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Never,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// The older plan (`-` for standard input)
    pub old: PathBuf,
    /// The newer plan (`-` for standard input)
    pub new: PathBuf,
    /// Format of the difference
    #[arg(long, value_enum, default_value = "text")]
    pub format: DiffFormat,
    /// Exit with 1 where the plans differ
    #[arg(long)]
    pub exit_code: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    Text,
    Json,
    Markdown,
}
