//! The measured and tested ranges that `memory` quotes, computed anew from their files.

use plan::layout::{Layout, LayoutKeys, Recompute};
use plan::memory::{
    CONTEXT, LossKernel, MEASURED, MEASURED_STEPS, Profile, RESERVED, Setting, Suite, TRACKER,
    evidence, remedies, reserved, room, shown, step,
};
use plan::model::{Shape, ShapeKeys};

#[path = "support/rows.rs"]
mod rows;

use rows::{Row, number, rows};

/// The value at a share of sorted values, straight lines between them.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let place = share * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

#[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
fn float(row: &Row, key: &str) -> f64 {
    number(row, key) as f64
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn case(row: &Row) -> (Shape, Setting) {
    let keys: ShapeKeys = toml::from_str(&rows::shape(row)).unwrap();
    let layout = LayoutKeys {
        micro_batch: Some(number(row, "micro_batch")),
        recompute: (row["recompute"] == "true").then_some(Recompute::Full),
        reshard: Some(row["reshard"] == "true"),
        ..LayoutKeys::default()
    };
    let loss = if row["logits_kept"] == "true" { LossKernel::Eager } else { LossKernel::Released };
    let setting = Setting {
        layout: Layout::of(&layout, number(row, "ranks")).unwrap(),
        sequence: number(row, "sequence"),
        precision: plan::memory::Precision::Bf16,
        optimizer: plan::memory::Optimizer::AdamW,
        attention: plan::memory::AttentionKernel::Sdpa,
        loss,
        profile: Profile::Eager,
        adapter: None,
    };
    (keys.shape().unwrap(), setting)
}

/// The measured rows that are cases of the tracker, each with that case.
fn measured() -> Vec<(Row, Row)> {
    let cases = rows("fsdp_memory.csv");
    let found = rows("gpu_memory.csv").into_iter().filter_map(|row| {
        let case = cases.iter().find(|case| case["case"] == row["case"])?;
        Some((row, case.clone()))
    });
    found.collect()
}

#[test]
fn what_is_reserved_and_shown_is_what_was_measured() {
    let rows = rows("gpu_memory.csv");
    assert_eq!(rows.len(), MEASURED_STEPS);
    let ratio = |row: &Row| float(row, "reserved_bytes") / float(row, "allocated_bytes");
    let ratios = sorted(rows.iter().map(ratio).collect());
    for (stated, share) in RESERVED.into_iter().zip([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]) {
        let computed = percentile(&ratios, share);
        assert!((stated - computed).abs() < 5.1e-5, "{share}: {stated}, {computed}");
    }
    let context = |row: &Row| float(row, "device_used_bytes") - float(row, "reserved_bytes");
    let contexts = sorted(rows.iter().map(context).collect());
    let computed = [0.0, 0.5, 1.0].map(|share| percentile(&contexts, share));
    assert!(CONTEXT.into_iter().zip(computed).all(|(a, b)| (a - b).abs() < 0.5), "{computed:?}");
    let (reserved, shown) = (reserved(1e10), shown(1e10));
    assert!((reserved.bytes / 1e10 - percentile(&ratios, 0.5)).abs() < 1e-4);
    assert!((shown.bytes - reserved.bytes - percentile(&contexts, 0.5)).abs() < 1.0);
    assert!((8e10 - room(8e10) - percentile(&contexts, 0.5)).abs() < 1.0);
}

fn covers(suite: &Suite, cases: &[Row]) {
    assert_eq!(suite.cases, cases.len(), "{}", suite.what);
    for (key, stated) in [
        ("parameters", suite.params),
        ("ranks", suite.shards),
        ("sequence", suite.sequence),
        ("micro_batch", suite.micro_batch),
        ("vocab", suite.vocab),
    ] {
        let values = || cases.iter().map(|case| number(case, key));
        assert_eq!(stated, [values().min().unwrap(), values().max().unwrap()], "{key}");
    }
}

#[test]
fn the_ranges_are_those_of_the_cases() {
    covers(&TRACKER, &rows("fsdp_memory.csv"));
    let cases: Vec<Row> = measured().into_iter().map(|(_, case)| case).collect();
    covers(&MEASURED, &cases);
}

#[test]
fn the_errors_are_those_of_the_cases() {
    let off = |predicted: f64, seen: f64| (predicted / seen - 1.0).abs();
    let tracker = rows("fsdp_memory.csv").into_iter().map(|row| {
        let (shape, setting) = case(&row);
        off(step(&shape, &setting).unwrap().peak().bytes, float(&row, "peak_bytes"))
    });
    let gpu = measured().into_iter().map(|(row, of)| {
        let (shape, setting) = case(&of);
        let setting = Setting { profile: Profile::Cuda, ..setting };
        off(step(&shape, &setting).unwrap().peak().bytes, float(&row, "allocated_bytes"))
    });
    for (suite, errors) in [(&TRACKER, tracker.collect()), (&MEASURED, gpu.collect())] {
        let errors: Vec<f64> = sorted(errors);
        let (median, worst) = (percentile(&errors, 0.5), percentile(&errors, 1.0));
        assert!((suite.median_error - median).abs() < 5.1e-5, "{}: median {median}", suite.what);
        assert!((suite.worst_error - worst).abs() < 5.1e-5, "{}: worst {worst}", suite.what);
    }
}

/// Every case lies inside its own suite, and one step out of it does not.
#[test]
fn cases_lie_inside_their_suite() {
    for row in rows("fsdp_memory.csv") {
        let (shape, setting) = case(&row);
        let own = evidence(&shape, &setting);
        assert!(own.inside(), "{}: {:?}", row["case"], own.outside);
        let mut outside = setting;
        outside.layout.tp = 2;
        assert!(!evidence(&shape, &outside).inside());
        let longer = Setting { sequence: 131_073, ..setting };
        assert!(evidence(&shape, &longer).outside[0].contains("131,073 tokens"));
    }
}

/// A remedy's saving is the difference of two simulated steps, and the order is theirs.
#[test]
fn remedies_save_what_they_say() {
    for row in rows("fsdp_memory.csv").into_iter().step_by(9) {
        let (shape, setting) = case(&row);
        let now = step(&shape, &setting).unwrap().peak().bytes;
        let found = remedies(&shape, &setting);
        assert!(found.is_sorted_by(|a, b| a.saved_bytes >= b.saved_bytes));
        for remedy in found {
            let then = step(&shape, &remedy.setting).unwrap().peak().bytes;
            assert!((remedy.peak_bytes - then).abs() < 0.5, "{}", remedy.line());
            assert!((now - then - remedy.saved_bytes).abs() < 0.5 && then < now);
            assert_ne!(remedy.setting, setting);
        }
    }
}
