//! `check`: every plan against the rules.

mod judged;
mod policies;

use crate::args::{Check, CheckFormat, FailOn, Levels};
use crate::files::search::{self, Found};
use crate::{Exit, files, output};
use anyhow::{Result, bail};
use judged::{Judge, Judged};
use plan::check::Setting;
use plan::report::{
    CheckReport, Failure, Totals, check_json, check_markdown, diagnostics, github, sarif,
};
use rayon::prelude::*;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Plans that are held in memory at once.
const AT_ONCE: usize = 512;

pub fn check(arguments: &Check) -> Result<Exit> {
    let found = search::plans(&arguments.paths);
    if let Some(old) = &arguments.against {
        search::refuse_many(found.len(), old)?;
    }
    let judge = Judge::new(arguments, levels(&arguments.levels)?);
    let mut report = CheckReport::default();
    let mut totals = Totals::default();
    for some in found.chunks(AT_ONCE) {
        let judged: Vec<_> = if let [one] = some {
            vec![judge_one(&judge, one)]
        } else {
            some.par_iter().map(|one| judge_one(&judge, one)).collect()
        };
        for one in judged {
            match one {
                Ok(judged) => {
                    totals.add(&judged.diagnosed);
                    if arguments.format == CheckFormat::Text {
                        output::print(&text(&judged, arguments.verbose))?;
                    } else {
                        report.files.push(judged.diagnosed);
                    }
                }
                Err(failure) => {
                    output::complain_of(&failure.message);
                    report.failures.push(failure);
                }
            }
        }
    }
    judge.faults().iter().for_each(|fault| output::remark(fault));
    match arguments.format {
        CheckFormat::Text if arguments.quiet || totals.plans == 0 => {}
        CheckFormat::Text => output::print(&footer(&totals))?,
        CheckFormat::Json => output::print(&check_json(&report))?,
        CheckFormat::Sarif => output::print(&sarif(&report))?,
        CheckFormat::Github => output::print(&github(&report))?,
        CheckFormat::Markdown => output::print(&check_markdown(&report))?,
    }
    Ok(exit(arguments.fail_on, &totals, report.failures.is_empty()))
}

fn judge_one(
    judge: &Judge,
    found: &Result<Found, (PathBuf, anyhow::Error)>,
) -> Result<Judged, Failure> {
    let failure = |path: &Path, error: &anyhow::Error| Failure {
        path: files::name(path),
        message: format!("{error:#}"),
    };
    match found {
        Ok(found) => judge.judge(found).map_err(|error| failure(&found.path, &error)),
        Err((path, error)) => Err(failure(path, error)),
    }
}

fn exit(fail_on: FailOn, totals: &Totals, all_read: bool) -> Exit {
    let found = match fail_on {
        FailOn::Error => totals.errors > 0,
        FailOn::Warning => totals.errors + totals.warnings > 0,
        FailOn::Never => false,
    };
    match () {
        () if !all_read || totals.unreadable > 0 => Exit::Failed,
        () if found => Exit::Findings,
        () => Exit::Answered,
    }
}

/// The levels of the command line.
fn levels(flags: &Levels) -> Result<plan::check::Levels> {
    let mut levels = plan::check::Levels::default();
    let all = [
        ("-A", &flags.allow, Setting::Allow),
        ("-W", &flags.warn, Setting::Warn),
        ("-D", &flags.deny, Setting::Deny),
    ];
    for (flag, names, setting) in all {
        for name in names {
            if let Err(error) = levels.set(name, setting) {
                bail!("{flag} {name}: {error}; {}", error.advice());
            }
        }
    }
    Ok(levels)
}

fn text(judged: &Judged, verbose: bool) -> String {
    let file = &judged.diagnosed;
    let findings: Vec<_> = file.findings.iter().map(|one| one.finding.clone()).collect();
    let mut out = diagnostics(&file.path, &judged.text, &findings, output::width());
    if verbose {
        let policy = judged.policy.as_deref().unwrap_or("no policy");
        let found = match file.findings.len() {
            0 => "clean".to_owned(),
            1 => "1 finding".to_owned(),
            many => format!("{many} findings"),
        };
        let _ = writeln!(out, "{}: {found}, under {policy}", file.path);
        for (one, reason) in &file.allowed {
            let _ = writeln!(out, "  allowed {}: {reason}", one.finding.rule);
        }
    }
    out
}

fn footer(totals: &Totals) -> String {
    let line = totals.line();
    match totals.rule {
        Some(rule) => {
            format!("{line}\n`llmplan explain {rule}` says more, as for every rule\n")
        }
        None => format!("{line}\n"),
    }
}
