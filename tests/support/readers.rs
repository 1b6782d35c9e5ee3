//! Everything of the library that reads a file, with what is done with the file right after.

use plan::check::{Checked, Finding, Label, Level, Policy, Settings, check_under};
use plan::fit::{self, Filter, read as read_runs};
use plan::footprint::Series;
use plan::law::{LawFile, Power, PowerLaw, draws};
use plan::model::{read_config, shapes};
use plan::plan::Inputs;
use plan::quantity::FlopsPerParamToken;
use plan::report::{
    CheckReport, Diagnosed, check_json, check_markdown, diagnostics, github, sarif,
};
use std::fs;
use std::path::{Path, PathBuf};

/// A reader of files that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A plan: read, derived, checked under a policy, and reported in every format.
    Plan,
    /// `llmplan.toml`.
    Policy,
    /// A model's `config.json`, and a plan that names it.
    Config,
    /// Runs to fit a law to.
    Csv,
    /// A law file, and a plan that names it.
    Law,
    /// A grid's intensity over time, and a plan that names it.
    Series,
}

/// A policy with every requirement.
const POLICY: &str = "[levels]\nloader = \"deny\"\n\n[limits]\nflops = 1e23\naccelerator_hours = 500_000\n\
                      days = 60\nusd = 2e6\n\n[allowed]\naccelerators = [\"h100-sxm\", \"h200-sxm\"]\n\n\
                      [required]\nevaluate_every_steps = 1000\nevaluate_at_hand_offs = true\n\
                      mfu_evidence = \"published\"\n";

/// A plan that asks everything of its model.
const WITH_CONFIG: &str = "format = 1\nbudget.flops = 1e22\nmodel.config = \"file\"\n\
                           cluster = { accelerator = \"h100-sxm\", devices = 64, mfu = 0.4 }\n\
                           [layout]\nstrategy = \"fsdp2\"\nrecompute = \"full\"\n";

/// A plan that asks everything of its law.
const WITH_LAW: &str = "format = 1\nbudget.flops = 1e22\nlaw.file = \"file\"\nmodel.params = 7e9\n\
                        sources.web = { unique_tokens = 1e10 }\n";

/// A plan that asks everything of its grid.
const WITH_SERIES: &str = "format = 1\nbudget.flops = 1e22\nrun.tokens = 1e11\nmodel.params = 7e9\n\
                           cluster = { accelerator = \"h100-sxm\", devices = 640, mfu = 0.4 }\n\
                           [site]\ngrid_series = \"file\"\n";

impl Reader {
    /// Real files for this reader.
    pub fn seeds(self) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bytes = |path: &PathBuf| fs::read(path).unwrap();
        let toml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
        let is_policy = |path: &PathBuf| path.file_name().is_some_and(|n| n == "llmplan.toml");
        let folders = ["plans", "examples", "tests/plans"].map(|folder| root.join(folder));
        let files = || folders.iter().flat_map(|folder| within(folder)).filter(toml);
        match self {
            Self::Plan => files().filter(|path| !is_policy(path)).map(|p| bytes(&p)).collect(),
            Self::Policy => {
                let policies = files().filter(is_policy).map(|path| bytes(&path));
                policies.chain([POLICY.into()]).collect()
            }
            Self::Config => shapes().iter().map(|shape| shape.config.clone().into()).collect(),
            Self::Csv => {
                let runs = bytes(&root.join("examples/simulated-runs.csv"));
                let own = "Model Size,Training Tokens,FLOP,loss,weight\r\n\
                           70M,1.4e9,6e17,3.5,1\n\"1.2 B\",26B,1.9e20,2.6,0.5\n";
                let mixtures = bytes(&root.join("examples/simulated-mixtures.csv"));
                let optima = "flops,params,log_std\n1e18,1e8,0.1\n1e19,3e8,0.2\n1e20,1e9,0.1\n";
                vec![
                    runs,
                    own.into(),
                    "params,tokens,loss\n1e8,2e9,3.2\n1e9,2e10,2.6\n".into(),
                    mixtures,
                    optima.into(),
                ]
            }
            Self::Law => {
                let law = |draws: &[_]| LawFile::new("ours", plan::law::draws()[0], draws).text();
                let (n, d) = (Power::from([0.12, 0.497]), Power::from([1.4, 0.503]));
                let power = PowerLaw::new([0.12, 0.497], [1.4, 0.503]);
                let powers = LawFile::of_powers("ours", power, &[[n, d], [n, d]]);
                let mut repeats = LawFile::new("ours", plan::law::draws()[0], &[]);
                repeats.repeats = Some(plan::law::repeats());
                vec![
                    law(&[]).into(),
                    law(&draws()[..4]).into(),
                    law(draws()).into(),
                    powers.text().into(),
                    repeats.text().into(),
                ]
            }
            Self::Series => {
                let text = "Datetime (UTC),Carbon intensity gCO2eq/kWh (direct),Country\r\n\
                            2024-01-01 00:00:00,41.5,SE\r\n2024-01-01 01:00:00,40.2,SE\r\n\
                            2024-01-01 02:00:00,39.9,SE\r\n";
                vec![bytes(&root.join("examples/grid.csv")), text.into()]
            }
        }
    }

    /// Reads bytes and does with them what the program does; whether they were accepted.
    pub fn read(self, bytes: &[u8], index: u64) -> bool {
        match self {
            Self::Plan => {
                let policy = Policy::read(POLICY.as_bytes()).unwrap();
                let settings = Settings { policy, strict: true, ..Settings::default() };
                judge(&settings, bytes, &Inputs::new(), index)
            }
            Self::Policy => match Policy::read(bytes) {
                Ok(policy) => {
                    let settings = Settings { policy, ..Settings::default() };
                    judge(&settings, WITH_LAW.as_bytes(), &Inputs::new(), index);
                    true
                }
                Err(fault) => {
                    let label = Label { span: fault.span.clone(), ..Label::default() };
                    let mut finding = Finding::new(fault.message);
                    (finding.level, finding.help) = (Level::Error, fault.help);
                    finding.labels.push(label);
                    let text = String::from_utf8_lossy(bytes);
                    let shown = diagnostics("llmplan.toml", &text, &[finding], 80);
                    assert!(!shown.is_empty());
                    false
                }
            },
            Self::Config => {
                let text = String::from_utf8_lossy(bytes);
                let accepted = read_config(&text).is_ok_and(|config| {
                    config.shape.warnings(8).len() < 1000 && config.shape.count().total() > 0
                });
                named(WITH_CONFIG, &text, index);
                accepted
            }
            Self::Csv => {
                let filters: Vec<Filter> =
                    if index.is_multiple_of(2) { vec![] } else { vec!["loss<3".parse().unwrap()] };
                let drop = usize::try_from(index % 3).unwrap();
                let k = FlopsPerParamToken::TRAINING;
                let few = fit::Settings { bootstrap: 3, ..fit::Settings::default() };
                let optima = fit::read_optima(bytes, &[], &filters, k);
                let powers = optima.map(|read| fit::fit_power(&read.optima, &few).is_ok());
                let mixtures = fit::read_mixtures(bytes, &[], &filters).map(|read| {
                    let fitted = fit::fit_mixing(&read.sources, &read.runs, &few, &|| ());
                    fitted.is_ok_and(|fitted| fit::propose(&fitted, None).is_ok())
                });
                let runs = read_runs(bytes, &[], &filters, drop, k);
                let parabolas =
                    runs.as_ref().map(|read| fit::fit_isoflop(&read.runs, &few).is_ok());
                runs.is_ok()
                    || [powers.is_ok(), mixtures.is_ok(), parabolas.is_ok()].contains(&true)
            }
            Self::Law => {
                let text = String::from_utf8_lossy(bytes);
                named(WITH_LAW, &text, index);
                LawFile::read(&text).is_ok_and(|file| !file.law().name.is_empty())
            }
            Self::Series => {
                let text = String::from_utf8_lossy(bytes);
                named(WITH_SERIES, &text, index);
                Series::read(&text, None).is_ok_and(|series| !series.grams.is_empty())
            }
        }
    }
}

/// The files in a folder and below, sorted.
fn within(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let below = |path: PathBuf| if path.is_dir() { within(&path) } else { vec![path] };
    paths.into_iter().flat_map(below).collect()
}

/// Judges a plan that names a file of this text.
fn named(plan: &str, text: &str, index: u64) {
    let inputs = Inputs::from([("file".to_owned(), Ok(text.to_owned()))]);
    judge(&Settings::default(), plan.as_bytes(), &inputs, index);
}

/// Checks and reports a plan; whether it could be read and derived.
fn judge(settings: &Settings, bytes: &[u8], inputs: &Inputs, index: u64) -> bool {
    let checked: Checked = check_under(settings, bytes, |_| inputs.clone());
    let text = String::from_utf8_lossy(bytes);
    let width = u16::try_from(index % 120).unwrap();
    let shown = diagnostics("plan.toml", &text, &checked.findings, width);
    assert_eq!(shown.is_empty(), checked.findings.is_empty(), "{shown}");
    let readable = checked.readable;
    let files = vec![Diagnosed::new("plan.toml", &text, checked)];
    let report = CheckReport { files, ..CheckReport::default() };
    let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
    assert!(is_json(&check_json(&report)));
    assert!(github(&report).lines().all(|line| line.starts_with("::")), "{}", github(&report));
    assert!(check_markdown(&report).ends_with('\n'));
    // it holds every rule's page, which takes longer than the rest
    assert!(!index.is_multiple_of(64) || is_json(&sarif(&report)));
    readable
}
