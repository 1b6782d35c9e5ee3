//! `llmplan footprint`: energy and carbon as papers print them, and when to run.

#![expect(clippy::float_cmp, reason = "numbers are printed exactly")]

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use plan::footprint::{
    Moment, Power, Schedule, Series, SeriesError, contiguous, grids, kg_co2e, operators, prices,
    rated_powers, with_pauses,
};
use plan::hardware;
use proptest::prelude::*;
use serde_json::Value;
use std::time::Instant;

/// Kilograms of a paper's own assumptions, and megawatt-hours.
fn counted(hours: f64, watts: f64, pue: f64, grams: f64) -> (f64, f64) {
    let power = Power { watts, overhead: 1.0, overhead_range: None, pue };
    let kwh = power.kwh(hours);
    (kg_co2e(kwh, grams), kwh / 1e3)
}

/// Touvron et al. 2023 (arXiv:2302.13971), table 15: GPU-hours, megawatt-hours and tonnes; 400 W, PUE 1.1,
/// 0.385 kg/kWh. Megawatt-hours are cut off to whole ones, tonnes rounded.
#[test]
fn llama_1_prints_the_same_energy_and_carbon() {
    let rows = [
        (82_432.0, 36.0, 14.0),
        (135_168.0, 59.0, 23.0),
        (530_432.0, 233.0, 90.0),
        (1_022_362.0, 449.0, 173.0),
    ];
    for (hours, mwh, tonnes) in rows {
        let (kg, own) = counted(hours, 400.0, 1.1, 385.0);
        assert_eq!(own.floor(), mwh, "{hours}");
        assert_eq!((kg / 1e3).round(), tonnes, "{hours}");
    }
}

/// Touvron et al. 2023 (arXiv:2307.09288), table 2: GPU-hours, watts and tonnes to the second
/// digit, the others cut off; PUE 1.1 and 0.385 kg/kWh as before. The 34B model drew 350 W.
#[test]
fn llama_2_prints_the_same_carbon() {
    let rows = [
        (184_320.0, 400.0, 31.22),
        (368_640.0, 400.0, 62.44),
        (1_038_336.0, 350.0, 153.90),
        (1_720_320.0, 400.0, 291.42),
    ];
    for (hours, watts, tonnes) in rows {
        let (kg, _) = counted(hours, watts, 1.1, 385.0);
        assert_eq!((kg / 10.0).floor() / 100.0, tonnes, "{hours}");
    }
}

/// Rae et al. 2021 (arXiv:2112.11446): 4,096 TPU v3 for 920 h at 283 W each, PUE 1.08, 0.33 kg/kWh:
/// 380 t. Patterson et al. 2021 (arXiv:2104.10350): GPT-3, 1,287 megawatt-hours at 0.429 kg/kWh: 552 t.
#[test]
fn gopher_and_gpt_3_print_the_same_carbon() {
    let (kg, _) = counted(4096.0 * 920.0, 283.0, 1.08, 330.0);
    assert_eq!((kg / 1e3).round(), 380.0);
    assert_eq!((kg_co2e(1_287_000.0, 429.0) / 1e3).round(), 552.0);
}

/// BLOOM's servers and Granite's sites lie in the range of the default draw (arXiv:2211.02001;
/// Granite 3.0 prints 174.6 megawatt-hours for 192,030 H100-hours, with a PUE
/// that is taken as 1.1).
#[test]
fn the_range_of_the_draw_holds_what_was_measured() {
    let rated = |name| rated_powers().find(name).unwrap().watts * plan::footprint::DRAW;
    let [low, high] = plan::footprint::OVERHEAD_RANGE;
    let bloom = 433_196.0 / 1_082_990.0 * 1e3 / rated("a100-sxm-80gb");
    assert!(low - 1e-3 <= bloom && bloom <= high, "{bloom}");
    let granite = 174_600.0 / 192_030.0 * 1e3 / rated("h100-sxm");
    assert!(low <= granite / 1.1 && granite / 1.1 <= high, "{granite}");
}

/// Every fact is dated, and every accelerator that is named is one of the catalogue.
#[test]
fn facts_are_sound() {
    for price in prices().iter() {
        assert!(hardware::catalogue().find(&price.name).is_ok(), "{}", price.name);
        assert!(0.0 < price.low && price.low <= price.middle && price.middle <= price.high);
        assert!(price.as_of.date.is_some() && !price.source.is_empty());
    }
    for power in rated_powers().iter() {
        let known = hardware::catalogue().find(&power.name).map(|own| own.name.as_str());
        assert_eq!(known, Ok(power.name.as_str()));
    }
    let mut names: Vec<&str> = Vec::new();
    for grid in grids().iter() {
        assert!((2019..=2026).contains(&grid.year) && (0.0..1000.0).contains(&grid.grams_per_kwh));
        names.push(&grid.name);
        names.extend(grid.aliases.iter().map(String::as_str));
    }
    names.extend(operators().iter().map(|operator| operator.name.as_str()));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name of two grids");
    assert_eq!(grids().find("france").unwrap().grams_per_kwh, 56.0);
    assert!(operators().iter().all(|operator| (1.0..2.0).contains(&operator.pue)));
}

/// The least sum of all ways to run, by looking at every one of them.
fn brute(grams: &[f64], work: usize, resume: usize) -> Option<f64> {
    let steps = grams.len();
    let sums = (0_u32..1 << steps).filter_map(|mask| {
        let (mut done, mut sum, mut length, mut first) = (0, 0.0, 0, true);
        for (step, grams) in grams.iter().chain([&0.0]).enumerate() {
            if step < steps && mask >> step & 1 == 1 {
                length += 1;
                sum += grams;
            } else if length > 0 {
                let lost = if first { 0 } else { resume };
                done += usize::checked_sub(length, lost).filter(|done| *done > 0)?;
                (length, first) = (0, false);
            }
        }
        (done == work).then_some(sum)
    });
    sums.reduce(f64::min)
}

/// Whether a schedule does its work within the window and sums to what it says.
fn is_sound(schedule: &Schedule, grams: &[f64], work: usize, resume: usize) {
    let sum: f64 = schedule.runs.iter().flat_map(|run| &grams[run.clone()]).sum();
    assert_eq!(sum, schedule.intensity);
    assert_eq!(schedule.steps(), work + resume * schedule.pauses());
    assert!(schedule.runs.windows(2).all(|pair| pair[0].end < pair[1].start), "{schedule:?}");
    assert!(schedule.end() <= grams.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The optimum is that of all ways to run.
    #[test]
    fn schedules_are_optimal(
        grams in prop::collection::vec(0_u16..1000, 1..12),
        work in 1_usize..12,
        resume in 0_usize..4,
    ) {
        let grams: Vec<f64> = grams.into_iter().map(f64::from).collect();
        prop_assume!(work <= grams.len());
        let paused = with_pauses(&grams, work, resume).unwrap();
        is_sound(&paused, &grams, work, resume);
        prop_assert_eq!(Some(paused.intensity), brute(&grams, work, resume));
        let whole = contiguous(&grams, work).unwrap();
        is_sound(&whole, &grams, work, resume);
        let sums = grams.windows(work).map(|run| run.iter().sum::<f64>());
        prop_assert_eq!(Some(whole.intensity), sums.reduce(f64::min));
    }
}

/// A year in hours, of which any part is worked: under a second, and never worse than one piece.
#[test]
#[expect(clippy::disallowed_methods, reason = "the time is what is tested")]
fn a_year_in_hours_is_planned_within_a_second() {
    let grams: Vec<f64> = (0..8760_u32)
        .map(|hour| f64::from((hour * 7919 + hour * hour % 911) % 500) + 100.0)
        .collect();
    for work in [240, 4380] {
        let begun = Instant::now();
        let paused = with_pauses(&grams, work, 1).unwrap();
        let whole = contiguous(&grams, work).unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        is_sound(&paused, &grams, work, 1);
        assert!(paused.intensity <= whole.intensity);
        let most = if cfg!(debug_assertions) { 5.0 } else { 1.0 };
        assert!(seconds < most, "{work} of 8,760 h took {seconds} s");
    }
    let mut sorted = grams.clone();
    sorted.sort_by(f64::total_cmp);
    // without a price for pauses the cheapest hours are taken
    let free = with_pauses(&grams, 240, 0).unwrap();
    assert_eq!(free.intensity, sorted[..240].iter().sum::<f64>());
}

fn fault(text: &str) -> String {
    Series::read(text, None).expect_err(text).to_string()
}

#[test]
fn series_are_read_with_their_zones() {
    let text = "Datetime (UTC),Zone,Carbon intensity gCO2eq/kWh (direct)\n\
                2024-01-01 00:00:00,FR,31\n2024-01-01 01:00:00,FR,29.5\n";
    let series = Series::read(text, None).unwrap();
    assert_eq!((series.step, series.start), (3600, Moment(1_704_067_200)));
    assert_eq!(series.grams, [31.0, 29.5]);
    // the hour that a clock leaves out is none of universal time
    let spring = "from,intensity\n2024-03-31T01:00+01:00,5\n2024-03-31T03:00+02:00,6\n";
    assert_eq!(Series::read(spring, None).unwrap().grams, [5.0, 6.0]);
    let two = "timestamp,carbon intensity (direct),carbon intensity (life cycle)\n\
               2024-01-01T00:00Z,1,2\n2024-01-01T00:30Z,3,4\n";
    assert!(fault(two).contains("could each be the intensity"), "{}", fault(two));
    let own = Series::read(two, Some("Carbon intensity (life cycle)")).unwrap();
    assert_eq!((own.grams, own.step), (vec![2.0, 4.0], 1800));
}

#[test]
fn faults_of_a_series_are_told_with_line_and_column() {
    let of = |rows: &str| fault(&format!("timestamp,gco2e_per_kwh\n{rows}"));
    let hour = "2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n";
    for (rows, told) in [
        (
            "2024-01-01T00:00Z,1\n2024-01-01 01:00,2\n",
            "line 3, column 1 (`timestamp`): `2024-01-01 01:00` has no time zone",
        ),
        (
            "2024-01-01T00:00Z,1\n2024-01-01,2\n",
            "line 3, column 1 (`timestamp`): `2024-01-01` has no time of day",
        ),
        (
            &format!("{hour}2024-01-01T04:00Z,3\n"),
            "line 4, column 1 (`timestamp`): 2 rows are missing between 2024-01-01T01:00Z and 2024-01-01T04:00Z",
        ),
        (
            &format!("{hour}2024-01-01T01:00Z,3\n"),
            "line 4, column 1 (`timestamp`): 2024-01-01T01:00Z stands in line 3 already",
        ),
        (
            &format!("{hour}2024-01-01T00:00Z,3\n"),
            "line 4, column 1 (`timestamp`): 2024-01-01T00:00Z is earlier than 2024-01-01T01:00Z",
        ),
        (
            &format!("{hour}2024-01-01T02:30Z,3\n"),
            "comes 90 min after the row before, other rows 60 min",
        ),
        ("2024-01-01T00:00Z,-3\n", "line 2, column 2 (`gco2e_per_kwh`): `-3` is no intensity"),
        ("2024-01-01T00:00Z,\n", "line 2, column 2 (`gco2e_per_kwh`): `` is no intensity"),
        ("2024-01-01T00:00Z,nan\n", "`nan` is no intensity"),
        ("2024-01-01T00:00Z,9000\n", "`9000` is no intensity"),
        ("2024-01-01T00:00Z,1\n2024-01-02T01:00Z,2\n", "even steps of a day at most"),
        ("2024-01-01T00:00Z,1\n", "two rows at least"),
        ("2024-01-01T00:00Z,1,5\n", "line 2: 3 fields where the header has 2"),
    ] {
        assert!(of(rows).contains(told), "{told:?} is not in {}", of(rows));
    }
    assert_eq!(Series::read("", None), Err(SeriesError::Empty));
    assert!(fault("a,b\n1,2\n").contains("no column holds moments"));
    assert!(fault("time,b\n1,2\n").contains("no column holds the intensity"));
    assert!(fault("time,moer_lbs_per_mwh,carbon lb\n1,2,3\n").contains("not in g CO2e per kWh"));
}

const LLAMA_70B: [&str; 13] = [
    "footprint",
    "--accelerator",
    "a100-sxm-80gb",
    "--accelerator-hours",
    "1720320",
    "--watts-per-accelerator",
    "400",
    "--server-overhead",
    "1",
    "--pue",
    "1.1",
    "--grams-per-kwh",
    "385",
];

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(folder.run(&arguments).answers()).unwrap()
}

#[test]
fn a_paper_is_counted_from_the_command_line() {
    let folder = Folder::new();
    let json = json(&folder, &LLAMA_70B);
    assert_eq!((json["kg_co2e"].as_f64().unwrap() / 10.0).round() / 100.0, 291.42);
    assert_eq!(json["of"], "budget");
    assert!(json["kwh_range"].is_null(), "everything is stated");
    assert_eq!(json["published_as_of"], "2025-03-17");
    let csv: Vec<&str> = LLAMA_70B.iter().copied().chain(["--format", "csv"]).collect();
    let csv = folder.run(&csv).answers().to_owned();
    assert!(csv.starts_with("quantity,value,low,high\naccelerator_hours,1720320,,\n"), "{csv}");
    let markdown: Vec<&str> = LLAMA_70B.iter().copied().chain(["--format", "markdown"]).collect();
    assert!(folder.run(&markdown).answers().contains("| carbon | 291 t CO2e |"));
}

/// `LLaMA` 7B took 82,432 hours of A100s (arXiv:2302.13971, table 15): without a utilisation the hours
/// are those of whole runs, and hold it.
#[test]
fn hours_without_a_utilisation_are_those_of_whole_runs() {
    let folder = Folder::new();
    let run =
        ["footprint", "--params", "6.7B", "--tokens", "1T", "--usd-per-accelerator-hour", "2"];
    let on = |accelerator| {
        let site = ["--accelerator", accelerator, "--grid", "fr", "--devices", "256"];
        [run.as_slice(), &site].concat()
    };
    let own = json(&folder, &on("a100-sxm-80gb"));
    assert_eq!(own["of"], "run, by published whole runs");
    let number = |value: &Value| value.as_f64().unwrap();
    let ends = |name: &str| [number(&own[name][0]), number(&own[name][1])];
    let [low, high] = ends("accelerator_hours_80");
    assert!(low < 82_432.0 && 82_432.0 < high && high / low < 2.5, "{low} {high}");
    assert!((ends("usd_80")[1] / high / 2.0 - 1.0).abs() < 1e-12);
    // energy is uncertain in the hours and in what servers draw
    let [least, most] = ends("kwh_range");
    assert!(most / least > high / low && own["assumed"]["cluster.mfu"].is_object());
    // nothing is published of such a device
    folder.run(&on("mi300x")).fails_with("a run and --mfu");
}

/// The time of steps is a share of the run's; that of published runs unless stated.
#[test]
fn the_time_of_steps_is_a_share_of_the_runs() {
    let hours = |goodput: &str| {
        let text = format!(
            "format = 1\n[run]\ntokens = 1e12\n[model]\nname = \"llama-3.1-8b\"\n[cluster]\n\
             accelerator = \"h100-sxm\"\n[training]\nengine = \"torchtitan\"\nsequence = 8192\n\
             [layout]\nstrategy = \"fsdp2\"\ndp_shard = 64\nmicro_batch = 1\n[site]\ngrid = \"fr\"\n{goodput}"
        );
        let document = plan::file::read(text.as_bytes()).unwrap();
        plan::derive::derive(&document.chosen).map(|derived| derived.footprint.unwrap())
    };
    let (steps, run) = (hours("[operations]\ngoodput = 1\n").unwrap(), hours("").unwrap());
    assert!((run.hours * plan::footprint::GOODPUT / steps.hours - 1.0).abs() < 1e-12);
    let wide = |range: Option<[f64; 2]>| range.map_or(1.0, |[low, high]| high / low);
    assert!(wide(run.hours_80) >= wide(steps.hours_80));
    let error = hours("[operations]\ngoodput = 0\n").unwrap_err();
    assert_eq!(error.key.to_string(), "operations.goodput");
}

/// Forty-eight hours of which the second day emits half of the first.
fn two_days() -> String {
    (0..48).fold("timestamp,gco2e_per_kwh\n".to_owned(), |all, hour| {
        let (day, grams) = (1 + hour / 24, if hour < 24 { 200 } else { 100 });
        all + &format!("2024-02-0{day}T{:02}:00Z,{grams}\n", hour % 24)
    })
}

const TEN_HOURS: [&str; 9] = [
    "footprint",
    "--accelerator",
    "h100-sxm",
    "--devices",
    "8",
    "--accelerator-hours",
    "80",
    "--grid",
    "grid.csv",
];

#[test]
fn a_run_waits_for_the_cleaner_day() {
    let folder = Folder::new().with("grid.csv", two_days());
    let own = json(&folder, &TEN_HOURS);
    let schedule = &own["schedule"];
    assert_eq!(schedule["start"], "2024-02-02T00:00Z");
    assert_eq!(schedule["hours_later"], 24.0);
    let (now, best) = (&schedule["kg_co2e_at_once"], &schedule["kg_co2e"]);
    assert!((now.as_f64().unwrap() / best.as_f64().unwrap() - 2.0).abs() < 1e-12);
    assert_eq!(own["waiting"]["work_steps"], 10);
    let with = |more: &[&'static str]| [&TEN_HOURS[..], more].concat();
    let early = json(&folder, &with(&["--deadline", "2024-02-02T05:00Z"]));
    assert_eq!(early["schedule"]["start"], "2024-02-01T19:00Z");
    folder
        .run(&with(&["--deadline", "2024-02-01T09:00Z"]))
        .fails_with("--deadline: the run takes 10 h: started at 2024-02-01T00:00Z it ends at 2024-02-01T10:00Z, after the deadline");
    folder.run(&with(&["--deadline", "soon"])).fails_with("--deadline: `soon` is no date and time");
    folder
        .run(&with(&["--earliest-start", "2024-02-02T20:00Z"]))
        .fails_with("--grid: `grid.csv`: the run takes 10 h from 2024-02-02T20:00Z");
    folder
        .run(&with(&["--earliest-start", "2025-02-02T20:00Z"]))
        .fails_with("--earliest-start: the series spans 2024-02-01T00:00Z to 2024-02-03T00:00Z");
    let text = folder.run(&with(&["--ascii", "--plot", "a.svg"])).answers().to_owned();
    assert!(text.contains("Start 2024-02-02T00:00Z") && text.is_ascii(), "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let svg = std::fs::read_to_string(folder.path("a.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("g CO2e/kWh"));
    folder.run(&with(&["--plot", "a.png"])).fails_with("ends in `.svg`".trim_start_matches("ends"));
}

/// A fault stands under its key, in the plan.
#[test]
fn faults_of_a_plan_have_a_caret() {
    let plan = |site: &str| {
        format!(
            "format = 1\n[budget]\naccelerator_hours = 80\n[cluster]\naccelerator = \"h100-sxm\"\n\
             devices = 8\n[site]\n{site}\n"
        )
    };
    let folder =
        Folder::new().with("grid.csv", two_days().replacen("2024-02-01T03:00Z,200\n", "", 1));
    for (site, told) in [
        ("grid_series = \"grid.csv\"", "line 5, column 1 (`timestamp`): one row is missing"),
        ("grid = \"frace\"", "france"),
        ("deadline = 2024-02-01", "has no time of day"),
        ("deadline = 2024-02-01T00:00:00Z", "belongs to a series"),
        ("pue = 0.9", "0.9"),
        ("operator = \"gogle\"", "google"),
    ] {
        let folder_path = folder.path("plan.toml");
        std::fs::write(&folder_path, plan(site)).unwrap();
        let run = folder.run(&["footprint", "plan.toml"]);
        run.fails_with(told);
        assert!(run.err.contains("plan.toml:8:") && run.err.contains('^'), "{}", run.err);
    }
    std::fs::write(
        folder.path("plan.toml"),
        plan("grid = \"fr\"").replace(
            "80\n",
            "80\n[cost]\nprice_as_of = 2025-03-01\nusd_per_accelerator_hour = 2\n",
        ),
    )
    .unwrap();
    let text = folder.run(&["footprint", "plan.toml"]).answers().to_owned();
    assert!(text.contains("The plan's price is of 2025-03-01."), "{text}");
    assert!(folder.run(&["explain", "fr"]).answers().contains("56 g CO2e/kWh, mean of 2023"));
    assert!(folder.run(&["explain", "--list", "operators"]).answers().contains("uptime-average"));
    folder.run(&["footprint", "--accelerator", "h100-sxm"]).fails_with("--accelerator-hours");
}

const OPERATIONS: &str = r#"format = 1
[budget]
flops = 1e23
[cluster]
accelerator = "h100-sxm"
devices = 1024
mfu = 0.4
[site]
grid = "fr"
[operations]
checkpoint_seconds = 45
keep_checkpoints = 4
"#;

#[test]
fn a_plan_says_how_often_to_save() {
    let folder = Folder::new().with("plan.toml", OPERATIONS);
    let run = folder.run(&["plan", "plan.toml", "--only", "operations", "--format", "json"]);
    let json: Value = serde_json::from_str(run.answers()).unwrap();
    let own = &json["operations"];
    let number = |key: &str| own[key].as_f64().unwrap_or_else(|| panic!("{key} in {own}"));
    // 419 failures in 54 days of 16,384 accelerators, on 1,024
    let between = 54.0 * 24.0 / 419.0 * 16.0;
    assert!((number("hours_between_failures") / between - 1.0).abs() < 1e-9);
    let young = (2.0 * 45.0 * between * 3600.0_f64).sqrt();
    assert!((number("best_checkpoint_seconds") / young - 1.0).abs() < 0.02);
    assert!((0.9..1.0).contains(&number("goodput")));
    assert_eq!(number("kept_bytes"), 4.0 * number("checkpoint_bytes"));
    assert!(number("last_percent_nats") > 0.0 && number("percent_at_optimum_nats") > 0.0);
    let text = folder.run(&["plan", "plan.toml"]).answers().to_owned();
    assert!(text.contains("Operations") && text.lines().all(|line| line.len() <= 80), "{text}");
}

#[test]
fn a_cluster_that_fails_too_often_is_refused() {
    let rate = "accelerator_hours_between_failures = 1\n";
    let folder = Folder::new().with("plan.toml", format!("{OPERATIONS}{rate}"));
    let run = folder.run(&["plan", "plan.toml"]);
    run.fails_with("the run makes no way");
    let zero = rate.replace('1', "0");
    let folder = Folder::new().with("plan.toml", format!("{OPERATIONS}{zero}"));
    let run = folder.run(&["plan", "plan.toml"]);
    run.fails_with("plan.toml:13:");
    assert!(run.err.contains('^'), "{}", run.err);
}
