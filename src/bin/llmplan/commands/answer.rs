//! `budget` and `plan`: a plan, what follows from it, and a view of that.

use crate::args::{self, Format, Mix, MixFormat, Output, Plan};
use crate::{Exit, files, output};
use anyhow::{Result, bail};
use plan::check::{Finding, Level, check_derived, check_with};
use plan::derive::{Derivation, DeriveError, derive_with};
use plan::file::{Document, chosen_text, read, rewritten, with_derived};
use plan::plan::{Budget, Chosen, DataChoice, Run};
use plan::report::{
    Answer, Show, Tally, csv, diagnostics, json, markdown, mix_json, mix_svg, text,
};
use std::path::Path;

/// A plan with its text and what follows.
pub(super) struct Derived {
    pub(super) document: Document,
    pub(super) derivation: Derivation,
}

pub fn budget(arguments: args::Budget) -> Result<Exit> {
    let started = match &arguments.file {
        Some(path) => match open(path)? {
            Ok(document) => Some(document),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let mut chosen = started.as_ref().map_or_else(Chosen::default, |d| d.chosen.clone());
    if arguments.chosen.params.is_some()
        && let Some(key) = chosen.model.stated().next()
    {
        bail!(
            "--params is a second size beside the plan's `{key}`; leave the flag out, or take \
             `{key}` out of the plan"
        );
    }
    let from_flag = arguments.chosen.law.is_some();
    arguments.chosen.apply(&mut chosen)?;
    // where the plan is, or will be
    let folder =
        arguments.file.as_deref().or(arguments.to.keep.as_deref()).unwrap_or(Path::new(""));
    if let Some(file) = chosen.law.file.as_mut().filter(|_| from_flag) {
        *file = files::from_plan(file, folder);
    }
    let document = changed(started, chosen);
    let derivation = match derive_with(&document.chosen, &files::inputs(folder, &document.chosen)) {
        Ok(derivation) => derivation,
        Err(error) => {
            let key = error.key.to_string();
            let of_shape = key.starts_with("model.") && key != "model.params";
            let place = if of_shape { key } else { blamed(&key) };
            bail!("{place}: {}", told(&error))
        }
    };
    let derived = Derived { document, derivation };
    refuse_nothing(&derived)?;
    if arguments.laws && arguments.regret && arguments.to.format == Some(Format::Csv) {
        bail!("a CSV holds one table: --laws or --regret");
    }
    let show = Show { laws: arguments.laws, regret: arguments.regret, ..Show::default() };
    answer(&derived, show, &arguments.to)?;
    for finding in check_derived(&derived.document, &derived.derivation).findings {
        if finding.level == Level::Error {
            output::remark(&format!("{}: {} [{}]", finding.level, finding.message, finding.rule));
        }
    }
    Ok(Exit::Answered)
}

/// The plan with other chosen values: what did not change keeps its lines.
pub(super) fn changed(started: Option<Document>, chosen: Chosen) -> Document {
    match started {
        Some(document) if document.chosen == chosen => document,
        Some(document) => {
            let text = rewritten(&document.text, &document.chosen, &chosen);
            Document {
                text: text.unwrap_or_else(|| chosen_text(&chosen)),
                chosen,
                derived: None,
                as_derived: false,
            }
        }
        None => Document { text: chosen_text(&chosen), chosen, derived: None, as_derived: false },
    }
}

/// What is wrong, and what would be right.
pub(super) fn told(error: &DeriveError) -> String {
    let advice = error.problem.advice().map_or(String::new(), |text| format!("; {text}"));
    format!("{}{advice}", error.problem)
}

/// A question without an answer: says what would bring one.
fn refuse_nothing(derived: &Derived) -> Result<()> {
    if derived.derivation.point.is_some() {
        return Ok(());
    }
    let chosen = &derived.document.chosen;
    let stated = chosen.budget != Budget::default() || chosen.run != Run::default();
    let missing = derived.derivation.missing.iter();
    match missing.map(|missing| blamed(&missing.key.to_string())).next() {
        Some(flag) if stated && flag == "--mfu" && !derived.derivation.remarks.is_empty() => bail!(
            "no run can be sized yet: {flag} is missing. {}",
            derived.derivation.remarks.join(" ")
        ),
        Some(flag) if stated && flag == "--mfu" && chosen.cluster.devices.is_none() => bail!(
            "no run can be sized yet: {flag} is missing, or --devices, with which it is predicted"
        ),
        Some(flag) if stated => bail!("no run can be sized yet: {flag} is missing"),
        _ => bail!("nothing to plan with: give a budget such as `--flops 1e21`, or a plan file"),
    }
}

pub fn plan(arguments: &Plan) -> Result<Exit> {
    let path = &arguments.file;
    if arguments.write && files::is_stdin(path) {
        bail!("--write needs a file; -o FILE keeps a plan from standard input");
    }
    let derived = match derived(path)? {
        Ok(derived) => derived,
        Err(exit) => return Ok(exit),
    };
    let checked = check_derived(&derived.document, &derived.derivation);
    if arguments.only.is_some() && matches!(arguments.to.format, Some(Format::Csv | Format::Toml)) {
        bail!("--only shows a section as text, json or markdown");
    }
    let writes = arguments.write || arguments.to.keep.is_some();
    let findings: Vec<Finding> = checked
        .findings
        .into_iter()
        .filter(|finding| !(writes && finding.rule.starts_with("derived-")))
        .collect();
    if arguments.write {
        let text = with_derived(&derived.document.text, &derived.derivation.derived)?;
        if text == derived.document.text {
            output::remark(&format!("{} is up to date", path.display()));
        } else {
            files::write(path, &text, true)?;
            output::remark(&format!("wrote {}", path.display()));
        }
    }
    let count = |error| findings.iter().filter(|f| (f.level == Level::Error) == error).count();
    let tally = Tally { errors: count(true), warnings: count(false) };
    let found = arguments.only.is_none().then_some(tally);
    let show = Show { only: arguments.only, found, ..Show::default() };
    answer(&derived, show, &arguments.to)?;
    let shown = matches!(arguments.to.format, None | Some(Format::Text));
    if shown && !findings.is_empty() && arguments.only.is_none() {
        let found =
            diagnostics(&files::name(path), &derived.document.text, &findings, output::width());
        output::print(&format!("\n{}", found.trim_end_matches('\n')))?;
        output::print("\n")?;
    }
    Ok(Exit::Answered)
}

pub fn mix(arguments: &Mix) -> Result<Exit> {
    let path = &arguments.file;
    is_drawing(arguments.plot.as_deref())?;
    let mut document = match open(path)? {
        Ok(document) => document,
        Err(exit) => return Ok(exit),
    };
    let stated = document.chosen.data.clone();
    document.chosen.data = DataChoice {
        loader: arguments.loader.clone().or(stated.loader.clone()),
        caps: arguments.caps.or(stated.caps),
        ..stated.clone()
    };
    let flagged = document.chosen.data != stated;
    let inputs = files::inputs(path, &document.chosen);
    let derivation = match derive_with(&document.chosen, &inputs) {
        Ok(derivation) => derivation,
        Err(error) if flagged && error.key.to_string().starts_with("data.") => {
            bail!("{}: {}", blamed(&error.key.to_string()), told(&error))
        }
        Err(_) => {
            let findings = check_with(document.text.as_bytes(), |_| inputs.clone()).findings;
            return Ok(refuse(path, &document.text, &findings));
        }
    };
    if derivation.mixture.is_none() {
        bail!("{} has no sources, or not their sizes: nothing is mixed", files::name(path));
    }
    if derivation.point.is_none() {
        bail!(
            "{} does not say how long the run is: add `run.tokens` or a budget",
            files::name(path)
        );
    }
    let answer = Answer { chosen: &document.chosen, derivation: &derivation };
    let rendered = match arguments.format {
        MixFormat::Text => {
            text(&answer.mix(output::width(), arguments.ascii, arguments.points), output::width())
        }
        MixFormat::Markdown => {
            markdown(&answer.mix(output::width(), arguments.ascii, arguments.points))
        }
        MixFormat::Json => mix_json(&answer, arguments.points),
    };
    if let Some(path) = &arguments.plot {
        let Some(svg) = mix_svg(&answer) else {
            bail!("without [[stages]] there is nothing to draw");
        };
        if drawn(path, &svg, arguments.force)? {
            return Ok(Exit::Answered);
        }
    }
    output::print(&rendered)?;
    Ok(Exit::Answered)
}

/// A picture goes into a file whose name says what it is.
pub(super) fn is_drawing(plot: Option<&Path>) -> Result<()> {
    if let Some(plot) = plot
        && !files::is_stdin(plot)
        && !plot.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg"))
    {
        let svg = plot.with_extension("svg");
        bail!("--plot draws an SVG: let the file end in `.svg`, such as {}", svg.display());
    }
    Ok(())
}

/// Keeps a picture; whether it went to standard output, where nothing else is to go.
pub(super) fn drawn(path: &Path, svg: &str, force: bool) -> Result<bool> {
    if files::is_stdin(path) {
        output::print(svg)?;
        return Ok(true);
    }
    files::write(path, svg, force)?;
    output::remark(&format!("wrote {}", path.display()));
    Ok(false)
}

/// Reads and derives a plan; one that cannot be is shown with its fault.
pub(super) fn derived(path: &Path) -> Result<Result<Derived, Exit>> {
    let document = match open(path)? {
        Ok(document) => document,
        Err(exit) => return Ok(Err(exit)),
    };
    let inputs = files::inputs(path, &document.chosen);
    if let Ok(derivation) = derive_with(&document.chosen, &inputs) {
        return Ok(Ok(Derived { document, derivation }));
    }
    let checked = check_with(document.text.as_bytes(), |_| inputs.clone());
    Ok(Err(refuse(path, &document.text, &checked.findings)))
}

/// Reads a plan; a file that is none is shown with its fault.
pub(super) fn open(path: &Path) -> Result<Result<Document, Exit>> {
    let bytes = files::read(path)?;
    if let Ok(document) = read(&bytes) {
        Ok(Ok(document))
    } else {
        let text = String::from_utf8_lossy(&bytes);
        Ok(Err(refuse(
            path,
            &text,
            &check_with(&bytes, |chosen| files::inputs(path, chosen)).findings,
        )))
    }
}

pub(super) fn refuse(path: &Path, text: &str, findings: &[Finding]) -> Exit {
    let shown = diagnostics(&files::name(path), text, findings, output::width());
    output::remark(shown.trim_end());
    Exit::Failed
}

/// A key as the flag that a user knows.
pub(super) fn blamed(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    if key == "law.name" || key == "law.file" {
        "--law".to_owned()
    } else if key == "site.grid" || key == "site.grid_series" {
        "--grid".to_owned()
    } else {
        format!("--{}", last.replace('_', "-"))
    }
}

/// Prints the answer, or keeps it in a file.
fn answer(derived: &Derived, show: Show, to: &Output) -> Result<()> {
    let Derived { document, derivation } = derived;
    let answer = Answer { chosen: &document.chosen, derivation };
    deliver(derived, to, |format| {
        Ok(match format {
            Format::Text => text(&answer.blocks(show), output::width()),
            Format::Toml => with_derived(&document.text, &derivation.derived)?,
            Format::Json => json(&answer, show),
            Format::Csv => csv(&answer, show),
            Format::Markdown => markdown(&answer.blocks(show)),
        })
    })
}

/// Prints what is rendered in the format that is asked for, or keeps it, or the plan, in a file.
pub(super) fn deliver(
    Derived { document, derivation }: &Derived,
    to: &Output,
    render: impl FnOnce(Format) -> Result<String>,
) -> Result<()> {
    let rendered = render(to.format.unwrap_or(Format::Text))?;
    let Some(path) = &to.keep else {
        return output::print(&rendered);
    };
    if files::is_stdin(path) {
        return output::print(&rendered);
    }
    if let Some(Format::Json | Format::Csv | Format::Markdown) = to.format {
        files::write(path, &rendered, to.force)?;
    } else {
        let schema = files::schema_line(path).filter(|_| !document.text.starts_with("#:schema"));
        let text = format!("{}{}", schema.unwrap_or_default(), document.text);
        files::write(path, &with_derived(&text, &derivation.derived)?, to.force)?;
        if to.format != Some(Format::Toml) {
            output::print(&rendered)?;
        }
    }
    output::remark(&format!("wrote {}", path.display()));
    Ok(())
}
