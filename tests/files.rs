//! Properties of plan files: what is written reads back, nothing that people wrote is lost, and
//! no input makes reading panic. Each property is shown to fail on a planted mistake.

use plan::data::{Quality, Source, Stage};
use plan::derive::derive;
use plan::file::{Stale, chosen_text, derived_text, locate, read, stale, with_derived};
use plan::law::catalogue;
use plan::plan::{
    Allowance, Budget, Chosen, Cluster, Cost, Derived, Goal, KeyPath, LawChoice, MfuEvidence,
    ModelChoice, Run,
};
use plan::quantity::{Epochs, Flops, Quantity, Tokens, Weight, round_significant};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::ops::Range;
use std::process::{Command, Stdio};
use toml::Value;

/// What a property says of one case: nothing, or what is wrong.
type Verdict = Result<(), String>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn known(verdict: Verdict) -> Result<(), TestCaseError> {
    verdict.map_err(TestCaseError::fail)
}

/// Failures print their case; they leave no file behind.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const BOM: &str = "\u{feff}";

/// Any plan that people could write.
mod plans {
    use super::*;
    use prop::option::of;

    /// Letters, and everything that has a meaning in TOML or is easily mangled.
    pub fn texts(longest: usize) -> impl Strategy<Value = String> {
        const CHARS: &[char] = &[
            'a', 'Z', '7', '_', '-', '.', ' ', '\n', '"', '\'', '\\', '\t', '#', '=', '[', ']',
            '{', ',', 'é', 'ß', '名', '🚀', '\u{301}', '\u{2028}', '\u{feff}', '\u{7f}', '\u{1}',
            '\u{0}',
        ];
        prop::collection::vec(prop::sample::select(CHARS), 0..=longest)
            .prop_map(|chars| chars.into_iter().collect())
    }

    /// Texts of several lines.
    pub fn paragraphs() -> impl Strategy<Value = String> {
        let ends = prop::sample::select(&["\n", "\r\n", "\n\n", "\"\"\"\n", "'''", "\\\n"][..]);
        prop::collection::vec((texts(8), ends), 0..4)
            .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
    }

    /// A quantity in its accepted range, every order of magnitude as likely.
    pub fn quantity<Q: Quantity + std::fmt::Debug>() -> impl Strategy<Value = Q> {
        let low = Q::MIN.max(Q::MAX * 1e-12);
        let any = (libm::log(low)..libm::log(Q::MAX)).prop_map(libm::exp);
        let round = any.clone().prop_map(|value| round_significant(value, 2));
        let ends = prop::sample::select(vec![Q::MIN, Q::MAX]);
        prop_oneof![3 => any, 3 => round, 1 => ends].prop_map(|value| {
            let value = if Q::WHOLE { value.round() } else { value };
            Q::of(value.clamp(Q::MIN, Q::MAX))
        })
    }

    fn budgets() -> impl Strategy<Value = Budget> {
        (of(quantity()), of(quantity()), of(quantity()), of(quantity()), of(quantity())).prop_map(
            |(flops, accelerator_hours, days, usd, reserve)| Budget {
                flops,
                accelerator_hours,
                days,
                usd,
                reserve,
            },
        )
    }

    fn runs() -> impl Strategy<Value = Run> {
        let goals = prop::sample::select(vec![
            Goal::ComputeOptimal,
            Goal::Inference,
            Goal::FixedSize,
            Goal::DataLimited,
        ]);
        let sides = (of(quantity()), of(quantity()), of(quantity()), of(quantity()));
        (sides, of(texts(8)), of(quantity()), of(goals)).prop_map(
            |((tokens, tokens_per_param, epochs, loss), matches, inference_tokens, goal)| Run {
                tokens,
                tokens_per_param,
                epochs,
                loss,
                matches,
                inference_tokens,
                goal,
            },
        )
    }

    /// A name that is not blank.
    fn named() -> impl Strategy<Value = String> {
        texts(6).prop_map(|name| format!("{name}'s"))
    }

    fn sources() -> impl Strategy<Value = Source> {
        let qualities = prop::sample::select(vec![Quality::High, Quality::Good, Quality::Suspect]);
        (of(quantity()), of(qualities), of(quantity()), of(quantity())).prop_map(
            |(unique_tokens, quality, difficulty, max_epochs)| Source {
                unique_tokens,
                quality,
                difficulty,
                max_epochs: max_epochs.map(|most: Epochs| Epochs(most.0.max(1.0))),
            },
        )
    }

    fn stages() -> impl Strategy<Value = Stage> {
        let weights = quantity::<Weight>();
        (texts(8), prop::collection::btree_map(texts(6), weights, 0..4))
            .prop_map(|(name, mixture)| Stage { name, mixture: mixture.into(), ..Stage::default() })
    }

    fn clusters() -> impl Strategy<Value = Cluster> {
        let own = (of(quantity()), of(quantity()), of(quantity()), of(quantity()));
        let evidence = prop::sample::select(vec![
            MfuEvidence::Assumed,
            MfuEvidence::Published,
            MfuEvidence::Measured,
        ]);
        let facts = (of(texts(8)), of(quantity()), of(quantity()), of(quantity()));
        (facts, of(evidence), own).prop_map(
            |((accelerator, devices, mfu, tokens_per_second_per_device), mfu_evidence, own)| {
                Cluster {
                    accelerator,
                    devices,
                    mfu,
                    mfu_evidence,
                    tokens_per_second_per_device,
                    peak_flops: own.0,
                    memory_bytes: own.1,
                    memory_bandwidth: own.2,
                    node_devices: own.3,
                    ..Cluster::default()
                }
            },
        )
    }

    fn costs() -> impl Strategy<Value = Cost> {
        (of(quantity()), of(quantity())).prop_map(
            |(usd_per_accelerator_hour, usd_per_billion_tokens)| Cost {
                usd_per_accelerator_hour,
                usd_per_billion_tokens,
                price_as_of: None,
            },
        )
    }

    fn allowances() -> impl Strategy<Value = Allowance> {
        (texts(8), paragraphs())
            .prop_map(|(rule, reason)| Allowance { rule, reason: format!("because {reason}") })
    }

    /// Every table, each filled or not.
    pub fn any_chosen() -> impl Strategy<Value = Chosen> {
        let laws = (of(texts(8)), of(texts(8)), of(quantity()))
            .prop_map(|(name, file, k)| LawChoice { name, file, k });
        let models =
            of(quantity()).prop_map(|params| ModelChoice { params, ..ModelChoice::default() });
        let front = (of(paragraphs()), budgets(), runs(), laws, models);
        let data = (
            prop::collection::btree_map(named(), sources(), 0..4),
            prop::collection::vec(stages(), 0..3),
        );
        let back = (clusters(), costs(), prop::collection::vec(allowances(), 0..3));
        (front, data, back).prop_map(
            |((name, budget, run, law, model), (sources, stages), (cluster, cost, allow))| Chosen {
                name,
                budget,
                run,
                law,
                model,
                sources,
                stages,
                cluster,
                cost,
                allow,
                ..Chosen::default()
            },
        )
    }

    /// Plans that determine a run, with what follows from them.
    pub fn determined() -> impl Strategy<Value = (Chosen, Derived)> {
        let laws: Vec<String> = catalogue().iter().map(|law| law.name.clone()).collect();
        let flops = (libm::log(1e18)..libm::log(1e25)).prop_map(libm::exp);
        let tokens = (libm::log(1e8)..libm::log(1e14)).prop_map(libm::exp);
        let source = (tokens, of(1.0..9.0)).prop_map(|(tokens, epochs)| Source {
            unique_tokens: Some(Tokens(tokens)),
            max_epochs: epochs.map(Epochs),
            ..Source::default()
        });
        let sources = prop::collection::btree_map(named(), source, 0..4);
        (flops, of(prop::sample::select(laws)), sources, any::<bool>(), paragraphs()).prop_map(
            |(flops, law, sources, priced, reason)| {
                let mut chosen = Chosen { sources, ..Chosen::default() };
                chosen.budget.flops = Some(Flops(flops));
                chosen.law.name = law;
                if priced {
                    chosen.cluster.accelerator = Some("h100-sxm".to_owned());
                    chosen.cluster.devices = Some(Quantity::of(256.0));
                    chosen.cluster.mfu = Some(Quantity::of(0.4));
                    chosen.cost.usd_per_accelerator_hour = Some(Quantity::of(2.5));
                    chosen.allow = vec![Allowance {
                        rule: "a-rule".to_owned(),
                        reason: format!("because {reason}"),
                    }];
                }
                let derived = derive(&chosen).expect("a cap determines the run").derived;
                (chosen, derived)
            },
        )
    }
}

/// A plan's text as an editor may leave it.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each habit goes with any other")]
struct Habits {
    crlf: bool,
    bom: bool,
    comments: bool,
    final_newline: bool,
}

fn habits() -> impl Strategy<Value = Habits> {
    any::<[bool; 4]>().prop_map(|[crlf, bom, comments, final_newline]| Habits {
        crlf,
        bom,
        comments,
        final_newline,
    })
}

impl Habits {
    fn text(self, chosen: &Chosen) -> String {
        let mut text = chosen_text(chosen);
        if self.comments {
            text = format!("# why: [derived]\n\n{text}\n  # the end, [derived] follows\n");
        }
        if !self.final_newline {
            text.truncate(text.trim_end_matches('\n').len());
        }
        if self.crlf {
            text = text.replace('\n', "\r\n");
        }
        if self.bom { format!("{BOM}{text}") } else { text }
    }
}

/// Reading gives back what was printed.
fn round_trips(print: impl Fn(&Chosen) -> String, chosen: &Chosen) -> Verdict {
    let text = print(chosen);
    let document = read(text.as_bytes()).map_err(|error| format!("{error}\n{text}"))?;
    ensure(document.chosen == *chosen, || {
        format!("{:?} is not {chosen:?}\n{text}", document.chosen)
    })
}

/// Writing keeps what stands before the header, in the file's own line ends, and a second time
/// changes nothing.
fn keeps_bytes(
    write: impl Fn(&str, &Derived) -> Option<String>,
    text: &str,
    derived: &Derived,
) -> Verdict {
    let once = write(text, derived).ok_or("the plan was not written")?;
    ensure(once.starts_with(text), || format!("{text:?} became {once:?}"))?;
    let table = &once[text.len()..];
    let headers = table.lines().filter(|line| line.starts_with("[derived] ")).count();
    ensure(headers == 1, || format!("{headers} headers in {table}"))?;
    if text.contains("\r\n") {
        let bare = table.replace("\r\n", "").contains('\n');
        ensure(!bare, || format!("a bare newline in {table:?}"))?;
    } else if text.contains('\n') {
        ensure(!table.contains('\r'), || format!("a carriage return in {table:?}"))?;
    }
    let twice = write(&once, derived).ok_or("the plan was not written again")?;
    ensure(twice == once, || format!("{once:?} became {twice:?}"))
}

/// Right after writing nothing is stale.
fn is_fresh(
    write: impl Fn(&str, &Derived) -> Option<String>,
    text: &str,
    derived: &Derived,
) -> Verdict {
    let written = write(text, derived).ok_or("the plan was not written")?;
    let document = read(written.as_bytes()).map_err(|error| format!("{error}\n{written}"))?;
    let stands = document.derived.ok_or("nothing derived was read")?;
    let found = stale(&stands, derived);
    ensure(found.is_empty(), || format!("{found:?}\n{written}"))
}

/// The paths of all numbers in a table, those in arrays by their index.
fn numbers(table: &toml::Table) -> Vec<Vec<String>> {
    fn walk(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Table(table) => table.iter().map(|(k, v)| (k.clone(), v)).collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect()
            }
            Value::Float(_) | Value::Integer(_) => return found.push(path.clone()),
            _ => return,
        };
        for (key, child) in children {
            path.push(key);
            walk(child, path, found);
            path.pop();
        }
    }
    let mut found = Vec::new();
    walk(&Value::Table(table.clone()), &mut Vec::new(), &mut found);
    found
}

/// The table with one number made larger by a share of itself; `None` where it is zero.
fn nudged(table: &toml::Table, path: &[String], share: f64) -> Option<toml::Table> {
    let mut root = Value::Table(table.clone());
    let mut value = &mut root;
    for key in path {
        value = match value {
            Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?)?,
            other => other.get_mut(key.as_str())?,
        };
    }
    let number = value.as_float().or_else(|| value.as_integer()?.to_string().parse().ok())?;
    *value = Value::Float(number * (1.0 + share));
    let Value::Table(table) = root else { return None };
    (number != 0.0).then_some(table)
}

/// Any single number that moves by 1e-4 is told, and none that moves by 1e-6.
fn notices_changes(
    stale: impl Fn(&toml::Table, &Derived) -> Vec<Stale>,
    stands: &toml::Table,
    derived: &Derived,
) -> Verdict {
    for path in numbers(stands) {
        let Some(moved) = nudged(stands, &path, 1e-4) else { continue };
        let found = stale(&moved, derived);
        let told = found.len() == 1 && path.starts_with(&found[0].key.0[1..]);
        ensure(told, || format!("{path:?} moved, told was {found:?}"))?;
        let same = nudged(stands, &path, 1e-6).ok_or("it was not zero before")?;
        let found = stale(&same, derived);
        ensure(found.is_empty(), || format!("{path:?} is the same, told was {found:?}"))?;
    }
    Ok(())
}

/// A span lies in the text, and between characters.
fn is_span(text: &str, span: &Range<usize>) -> Verdict {
    ensure(text.get(span.clone()).is_some(), || format!("{span:?} of {} bytes", text.len()))
}

/// Every value's span holds that value, every table's span its key.
fn finds_values(locate: impl Fn(&str, &KeyPath) -> Option<Range<usize>>, text: &str) -> Verdict {
    let source = text.trim_start_matches(BOM);
    let tree: toml::Table = source.parse().map_err(|error| format!("{error}"))?;
    let mut open = vec![(KeyPath::default(), Value::Table(tree))];
    while let Some((path, value)) = open.pop() {
        let children: Vec<(String, Value)> = match value {
            Value::Table(table) => table.into_iter().collect(),
            Value::Array(items) => {
                items.into_iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect()
            }
            _ => Vec::new(),
        };
        for (key, child) in children {
            let path = path.clone().join(key.as_str());
            let span = locate(text, &path).ok_or_else(|| format!("{path} is not found"))?;
            is_span(text, &span)?;
            let slice = &text[span];
            if child.is_table() || child.is_array() {
                open.push((path, child));
            } else {
                let line: toml::Table = format!("x = {slice}")
                    .parse()
                    .map_err(|e| format!("{path}: {slice:?}: {e}"))?;
                ensure(line["x"] == child, || format!("{path}: {slice:?} is not {child}"))?;
            }
        }
    }
    Ok(())
}

/// Reading ends with a plan or with an error whose span can be shown.
fn reads_or_explains(bytes: &[u8]) -> Verdict {
    match read(bytes) {
        Ok(document) => ensure(document.text.as_bytes() == bytes, || "the text changed".to_owned()),
        Err(error) => match (&error.span, std::str::from_utf8(bytes)) {
            (Some(span), Ok(text)) => is_span(text, span),
            _ => ensure(!error.message.is_empty(), || "an error without a word".to_owned()),
        },
    }
}

fn write(text: &str, derived: &Derived) -> Option<String> {
    with_derived(text, derived).ok()
}

fn stands(derived: &Derived) -> toml::Table {
    let text = format!("format = 1\n{}", derived_text(derived));
    read(text.as_bytes()).expect("it was just written").derived.expect("it was just written")
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn chosen_tables_read_back(chosen in plans::any_chosen()) {
        known(round_trips(chosen_text, &chosen))?;
    }

    #[test]
    fn locate_finds_every_value(chosen in plans::any_chosen(), habits in habits()) {
        // a value that spans lines is another value with other line ends
        let habits = Habits { crlf: false, ..habits };
        known(finds_values(locate, &habits.text(&chosen)))?;
    }

    #[test]
    fn locate_falls_back_to_what_encloses(chosen in plans::any_chosen(), habits in habits()) {
        let text = habits.text(&chosen);
        let absent = KeyPath::from("format").join("deeper").join("0");
        let span = locate(&text, &absent).expect("its first key stands");
        known(is_span(&text, &span))?;
        prop_assert_eq!(&text[span], "1");
        prop_assert_eq!(locate(&text, &KeyPath::from("no-such-key.deeper")), None);
    }

    #[test]
    fn reading_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        known(reads_or_explains(&bytes))?;
    }

    #[test]
    fn reading_survives_slips_of_the_pen(
        chosen in plans::any_chosen(),
        habits in habits(),
        slips in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..6),
    ) {
        let mut bytes = habits.text(&chosen).into_bytes();
        for (place, kind, byte) in slips {
            let place = place.index(bytes.len());
            let common = b"=[]{}\"'#\n\r,.1eT%-"
                .get(usize::from(byte) % 18).copied().unwrap_or(b' ');
            match kind {
                0 => bytes[place] = byte,
                1 => bytes[place] = common,
                2 => bytes.insert(place, common),
                _ => drop(bytes.remove(place)),
            }
        }
        known(reads_or_explains(&bytes))?;
    }

    #[test]
    fn locate_survives_any_text(text in plans::paragraphs(), path in plans::texts(6)) {
        let path = KeyPath::from(path.as_str());
        if let Some(span) = locate(&text, &path) {
            known(is_span(&text, &span))?;
        }
    }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn writing_keeps_what_people_wrote((chosen, derived) in plans::determined(), habits in habits()) {
        let text = habits.text(&chosen);
        known(keeps_bytes(write, &text, &derived))?;
        // another table in its place changes nothing before it
        let once = write(&text, &Derived::default()).expect("it was written");
        let again = write(&once, &derived).expect("it was written again");
        prop_assert_eq!(again, write(&text, &derived).expect("it was written"));
    }

    #[test]
    fn what_was_written_is_not_stale((chosen, derived) in plans::determined(), habits in habits()) {
        known(is_fresh(write, &habits.text(&chosen), &derived))?;
    }

    #[test]
    fn a_moved_number_is_stale((_, derived) in plans::determined()) {
        known(notices_changes(stale, &stands(&derived), &derived))?;
    }
}

/// Python's `tomllib` reads TOML 1.0 and nothing later.
#[test]
fn python_reads_the_same_values() {
    let python = |script: &str| {
        let mut command = Command::new("python3");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null()).spawn()
    };
    let usable = python("import tomllib").and_then(|mut child| child.wait());
    if !usable.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3 >= 3.11 with tomllib is not installed");
        return;
    }
    let mut runner = TestRunner::deterministic();
    let mut texts = Vec::new();
    for _ in 0..100 {
        let chosen = plans::any_chosen().new_tree(&mut runner).expect("a plan").current();
        texts.push(chosen_text(&chosen));
    }
    for _ in 0..20 {
        let plan = (plans::determined(), habits()).new_tree(&mut runner).expect("a plan");
        let ((chosen, derived), habits) = plan.current();
        let habits = Habits { bom: false, ..habits }; // tomllib takes text without its mark
        texts.push(write(&habits.text(&chosen), &derived).expect("it was written"));
    }
    // floats as the texts of Python, which read back exactly
    let script = "import json, sys, tomllib\n\
        def plain(v):\n\
        \x20   if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}\n\
        \x20   if isinstance(v, list): return [plain(x) for x in v]\n\
        \x20   return type(v).__name__ + ' ' + str(v)\n\
        json.dump([plain(tomllib.loads(text)) for text in json.load(sys.stdin)], sys.stdout)";
    let mut child = python(script).expect("python3 was there before");
    let input = serde_json::to_string(&texts).expect("texts are JSON");
    let mut pipe = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || {
        std::io::Write::write_all(&mut pipe, input.as_bytes()).expect("python3 reads its input");
    });
    let output = child.wait_with_output().expect("python3 ends");
    writer.join().expect("the input was written");
    assert!(output.status.success(), "tomllib rejects a plan");
    let theirs: Vec<serde_json::Value> =
        serde_json::from_slice(&output.stdout).expect("JSON from python3");
    for (text, theirs) in texts.iter().zip(theirs) {
        let ours: toml::Table = text.parse().expect("a plan is TOML");
        assert!(same(&Value::Table(ours), &theirs), "{theirs}\n{text}");
    }
}

/// Whether Python read the same value, given as its type and text.
fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Table(ours), serde_json::Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(k, v)| theirs.get(k).is_some_and(|theirs| same(v, theirs)))
        }
        (Value::Array(ours), serde_json::Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (_, serde_json::Value::String(theirs)) => match (ours, theirs.split_once(' ')) {
            (Value::Float(ours), Some(("float", text))) => text.parse() == Ok(*ours),
            (Value::Integer(ours), Some(("int", text))) => text.parse() == Ok(*ours),
            (Value::Boolean(ours), Some(("bool", text))) => {
                text.to_lowercase().parse() == Ok(*ours)
            }
            // tomllib turns every CRLF into LF, within texts of several lines too
            (Value::String(ours), Some(("str", text))) => {
                text.replace('\r', "") == ours.replace('\r', "")
            }
            _ => false,
        },
        _ => false,
    }
}

mod planted {
    use super::*;

    fn sample() -> (Chosen, Derived) {
        let text =
            "format = 1\nbudget.flops = 1.234567e21\nsources.web = { unique_tokens = 9e9 }\n";
        let chosen = read(text.as_bytes()).expect("a plan").chosen;
        let derived = derive(&chosen).expect("a cap determines the run").derived;
        (chosen, derived)
    }

    #[test]
    fn a_printer_that_drops_a_digit_is_noticed() {
        let rounding = |chosen: &Chosen| {
            let mut chosen = chosen.clone();
            let flops = chosen.budget.flops.map(|flops| Flops(round_significant(flops.0, 6)));
            chosen.budget.flops = flops;
            chosen_text(&chosen)
        };
        assert!(round_trips(chosen_text, &sample().0).is_ok());
        assert!(round_trips(rounding, &sample().0).is_err());
    }

    #[test]
    fn a_writer_that_changes_line_ends_is_noticed() {
        let (chosen, derived) = sample();
        let text = chosen_text(&chosen).replace('\n', "\r\n");
        let unix =
            |text: &str, derived: &Derived| Some(write(text, derived)?.replace("\r\n", "\n"));
        let mixed = |text: &str, derived: &Derived| {
            let written = write(text, derived)?;
            Some(text.to_owned() + &written[text.len()..].replace("\r\n", "\n"))
        };
        let growing = |text: &str, derived: &Derived| Some(write(text, derived)? + "\r\n");
        assert!(keeps_bytes(write, &text, &derived).is_ok());
        assert!(keeps_bytes(unix, &text, &derived).is_err());
        assert!(keeps_bytes(mixed, &text, &derived).is_err());
        assert!(keeps_bytes(growing, &text, &derived).is_ok(), "what follows is replaced");
        let trimming = |text: &str, derived: &Derived| write(text.trim_end(), derived);
        assert!(keeps_bytes(trimming, &format!("{text}# the end  "), &derived).is_err());
    }

    #[test]
    fn a_writer_of_three_digits_is_noticed() {
        let (chosen, derived) = sample();
        let rough = |text: &str, derived: &Derived| {
            let mut derived = derived.clone();
            let run = derived.allocation.as_mut()?;
            run.tokens = Tokens(round_significant(run.tokens.0, 3));
            write(text, &derived)
        };
        assert!(is_fresh(write, &chosen_text(&chosen), &derived).is_ok());
        assert!(is_fresh(rough, &chosen_text(&chosen), &derived).is_err());
    }

    #[test]
    fn a_blind_or_pedantic_comparison_is_noticed() {
        let (_, derived) = sample();
        let stands = stands(&derived);
        assert!(notices_changes(stale, &stands, &derived).is_ok());
        assert!(notices_changes(|_, _| Vec::new(), &stands, &derived).is_err());
        let pedantic = |moved: &toml::Table, derived: &Derived| {
            let mut found = stale(moved, derived);
            if found.is_empty() && *moved != stands {
                let key = KeyPath::from("derived.allocation");
                found.push(Stale { key, stands: None, follows: None });
            }
            found
        };
        assert!(notices_changes(pedantic, &stands, &derived).is_err());
    }

    #[test]
    fn a_shifted_span_is_noticed() {
        let text = chosen_text(&sample().0);
        assert!(finds_values(locate, &text).is_ok());
        let shifted =
            |text: &str, key: &KeyPath| locate(text, key).map(|span| span.start + 1..span.end + 1);
        assert!(finds_values(shifted, &text).is_err());
        assert!(is_span("né", &(0..2)).is_err());
        assert!(is_span("né", &(0..9)).is_err());
    }
}
