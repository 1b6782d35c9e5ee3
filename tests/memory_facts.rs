//! The measured and tested ranges that `memory` quotes, computed anew from their files.

use plan::layout::Layout;
use plan::memory::{
    CONTEXT, MEASURED, MEASURED_STEPS, OFFLOADED, Profile, RESERVED, Setting, TRACKER, evidence,
    remedies, reserved, room, shown, step,
};

#[path = "support/rows.rs"]
mod rows;
#[path = "support/setting.rs"]
mod setting;
#[path = "support/suite.rs"]
mod suite;
#[path = "support/tracked.rs"]
mod tracked;

use rows::{Row, number, rows};
use suite::{Case, bound, percentile, sorted};
use tracked::tracked;

#[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
fn float(row: &Row, key: &str) -> f64 {
    number(row, key) as f64
}

/// The measured rows that are cases of the tracker, each with that case.
fn measured(file: &str) -> Vec<(Row, Row)> {
    let cases = rows("fsdp_memory.csv");
    let found = rows(file).into_iter().filter_map(|row| {
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
    let ratios = sorted(rows.iter().map(ratio));
    for (stated, share) in RESERVED.into_iter().zip([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]) {
        let computed = percentile(&ratios, share);
        assert!((stated - computed).abs() < 5.1e-5, "{share}: {stated}, {computed}");
    }
    let context = |row: &Row| float(row, "device_used_bytes") - float(row, "reserved_bytes");
    let contexts = sorted(rows.iter().map(context));
    let computed = [0.0, 0.5, 1.0].map(|share| percentile(&contexts, share));
    assert!(CONTEXT.into_iter().zip(computed).all(|(a, b)| (a - b).abs() < 0.5), "{computed:?}");
    let (reserved, shown) = (reserved(1e10), shown(1e10));
    assert!((reserved.bytes / 1e10 - percentile(&ratios, 0.5)).abs() < 1e-4);
    assert!((shown.bytes - reserved.bytes - percentile(&contexts, 0.5)).abs() < 1.0);
    assert!((8e10 - room(8e10) - percentile(&contexts, 0.5)).abs() < 1.0);
}

#[test]
fn the_suites_are_what_their_cases_are() {
    let case = |row: &Row, profile: Profile, seen: f64| {
        let (shape, setting) = tracked(row);
        let setting = Setting { profile, ..setting };
        let ratio = step(&shape, &setting).unwrap().peak().bytes / seen;
        Case { shape, family: None, setting, ratio }
    };
    let tracker = rows("fsdp_memory.csv");
    let tracker = tracker.iter().map(|row| case(row, Profile::Eager, float(row, "peak_bytes")));
    bound(&TRACKER, &tracker.collect::<Vec<_>>());
    let gpu = measured("gpu_memory.csv");
    let gpu = gpu.iter().map(|(row, of)| case(of, Profile::Cuda, float(row, "allocated_bytes")));
    bound(&MEASURED, &gpu.collect::<Vec<_>>());
    let host = measured("gpu_offload.csv");
    let host = host.iter().map(|(row, of)| {
        let (shape, setting) = tracked(of);
        let layout = Layout { cpu_offload: true, ..setting.layout };
        let setting = Setting { profile: Profile::Cuda, layout, ..setting };
        let ratio = step(&shape, &setting).unwrap().peak().bytes / float(row, "allocated_bytes");
        Case { shape, family: None, setting, ratio }
    });
    bound(&OFFLOADED, &host.collect::<Vec<_>>());
}

/// One step out of its suite is told.
#[test]
fn cases_beyond_their_suite_are_told() {
    for row in rows("fsdp_memory.csv") {
        let (shape, setting) = tracked(&row);
        let mut outside = setting;
        outside.layout.tp = 2;
        assert!(!evidence(&shape, None, &outside).inside());
        let longer = Setting { sequence: 131_073, ..setting };
        assert!(evidence(&shape, None, &longer).outside[0].contains("131,073 tokens"));
    }
}

/// A remedy's saving is the difference of two simulated steps, and the order is theirs.
#[test]
fn remedies_save_what_they_say() {
    for row in rows("fsdp_memory.csv").into_iter().step_by(9) {
        let (shape, setting) = tracked(&row);
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
