//! The measured and tested ranges that `memory` quotes, computed anew from their files.

use plan::layout::{Layout, LayoutKeys, Strategy};
use plan::memory::{
    Adapter, Base, Context, Device, Estimate, MEASURED, NCCL, OFFLOADED, Over, Profile, REPLICATED,
    Ratios, Setting, TENSOR, TRACKER, evidence, fits, remedies, step,
};
use plan::model::{Shape, shapes};

#[path = "support/percentile.rs"]
mod percentile;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/setting.rs"]
mod setting;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/suite.rs"]
mod suite;
#[path = "support/tracked.rs"]
mod tracked;

use percentile::{percentile, rounded, sorted};
use rows::{Row, number, rows};
use setting::plain;
use spread::spread;
use suite::{Case, bound};
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

/// Every step of FSDP2 that one GPU ran under the fake process group, each with its case.
fn fsdp() -> Vec<(Row, Row)> {
    let random = rows("gpu_random.csv").into_iter().map(|row| (row.clone(), row));
    measured("gpu_memory.csv").into_iter().chain(random).collect()
}

/// A step on two GPUs with NCCL between them.
fn two_ranks(row: &Row) -> (Shape, Setting) {
    let mut row = row.clone();
    row.insert("logits_kept".to_owned(), "true".to_owned());
    let (shape, setting) = tracked(&row);
    let keys = match row["way"].as_str() {
        "ddp" => LayoutKeys { strategy: Some(Strategy::Ddp), ..LayoutKeys::default() },
        "tp" => LayoutKeys { tp: Some(2), ..LayoutKeys::default() },
        _ => LayoutKeys::default(),
    };
    let Layout { micro_batch, recompute, reshard, .. } = setting.layout;
    let reshard = (row["way"] != "ddp").then_some(reshard);
    let (micro_batch, recompute) = (Some(micro_batch), Some(recompute));
    let layout = LayoutKeys { micro_batch, recompute, reshard, ..keys };
    let layout = Layout::of(&layout, 2).unwrap();
    (shape, Setting { layout, profile: Profile::Cuda, ..setting })
}

/// NCCL moves what the fake process group does not, and a rank holds as much.
#[test]
fn ranks_with_nccl_between_them_hold_what_one_alone_holds() {
    let (mut worst, mut steps): (f64, u32) = (0.0, 0);
    for row in rows("gpu_ranks.csv").iter().filter(|row| row["way"] == "fsdp2") {
        let (shape, setting) = two_ranks(row);
        let peak = step(&shape, &setting).unwrap().peak().bytes;
        worst = worst.max((peak / float(row, "allocated_bytes") - 1.0).abs());
        steps += 1;
    }
    assert_eq!(steps, 12);
    assert!(worst < 0.003, "{worst}");
    let context = Context::of(&of(Profile::Cuda, 1)).bytes;
    for (way, stated) in ["fsdp2", "tp"].into_iter().zip(NCCL) {
        let rows = rows("gpu_ranks.csv").into_iter().filter(|row| row["way"] == way);
        let beside =
            rows.map(|row| float(&row, "device_used_bytes") - float(&row, "reserved_bytes"));
        let found = percentile(&sorted(beside), 0.5) - context;
        assert!((found - stated).abs() < 0.5, "{way}: {found}");
    }
}

/// A setting of a profile on so many devices.
fn of(profile: Profile, devices: u64) -> Setting {
    let keys = LayoutKeys { strategy: Some(profile.strategy()), ..LayoutKeys::default() };
    Setting { profile, ..plain(&keys, devices) }
}

/// Our own measurements, each with the profile whose steps they are.
fn own() -> [(Setting, Vec<Row>); 3] {
    let cases = rows("fsdp_memory.csv");
    let sharded = |row: &Row| cases.iter().any(|case| case["case"] == row["case"]);
    let (mut fsdp, mut hugging_face): (Vec<Row>, Vec<Row>) =
        rows("gpu_memory.csv").into_iter().partition(sharded);
    fsdp.extend(rows("gpu_random.csv"));
    hugging_face.extend(rows("gpu_families.csv"));
    let mut tuned = rows("gpu_lora.csv");
    tuned.extend(rows("gpu_qlora.csv"));
    let adapter = Some(Adapter { rank: 16, base: Base::Bf16 });
    [
        (of(Profile::Cuda, 1), fsdp),
        (of(Profile::HuggingFace, 1), hugging_face),
        (Setting { adapter, ..of(Profile::HuggingFace, 1) }, tuned),
    ]
}

#[test]
fn what_is_reserved_and_shown_is_what_was_measured() {
    for (setting, rows) in own() {
        let ratios = Ratios::of(&setting);
        if ratios.over == Over::Allocated {
            let ratio = |row: &Row| float(row, "reserved_bytes") / float(row, "allocated_bytes");
            spread(ratios, rows.iter().map(ratio));
        }
        let beside = |row: &Row| float(row, "device_used_bytes") - float(row, "reserved_bytes");
        let beside = sorted(rows.iter().map(beside));
        let context = Context::of(&setting);
        let [least, most] = context.range.unwrap();
        if setting.adapter.is_some() {
            // too few for a median of their own
            assert!(least <= beside[0] && beside[beside.len() - 1] <= most);
        } else {
            let computed = [0.0, 0.5, 1.0].map(|share| percentile(&beside, share));
            let off = |(a, b): (f64, f64)| (a - b).abs() > 0.5;
            let stated = [least, context.bytes, most];
            assert!(!stated.into_iter().zip(computed).any(off), "{computed:?}");
        }
        assert!((8e10 - context.room(8e10) - context.bytes).abs() < 1e-3);
        assert_eq!(context.whole(), Some(context.bytes));
    }
    // FSDP2's allocator is simulated
    let ratios = Ratios::of(&of(Profile::Cuda, 1));
    assert_eq!(ratios.over, Over::Reserved);
    let ratio = |(row, case): (Row, Row)| {
        let (shape, setting) = tracked(&case);
        let step = step(&shape, &Setting { profile: Profile::Cuda, ..setting }).unwrap();
        float(&row, "reserved_bytes") / step.reserved()
    };
    let ratio: Vec<f64> = fsdp().into_iter().map(ratio).collect();
    spread(ratios, ratio.iter().copied());
    let errors = sorted(ratio.iter().map(|ratio| (1.0 / ratio - 1.0).abs()));
    assert_eq!(rounded(percentile(&errors, 0.5), 3), "0.067");
    // the eager profile is FSDP2's on a GPU
    assert_eq!(Ratios::of(&of(Profile::Eager, 8)), Ratios::of(&of(Profile::Cuda, 8)));
    assert_eq!(Context::of(&of(Profile::Eager, 8)), Context::of(&of(Profile::Cuda, 8)));
}

/// What a step takes is what its own profile's measurements say of its peak.
#[test]
fn every_profile_answers_from_its_own_measurements() {
    let shape = shapes().find("llama-3-8b").unwrap().shape().unwrap();
    for profile in [Profile::HuggingFace, Profile::Megatron] {
        let setting = of(profile, 8);
        let setting = Setting { loss: profile.loss(), ..setting };
        let step = step(&shape, &setting).unwrap();
        let device = Device::of(&step, &setting);
        let peak = step.peak().bytes;
        assert_eq!((device.allocated, device.ratios), (Some(peak), Ratios::of(&setting)));
        let [low, middle, high] = [1, 3, 5].map(|place| device.ratios.of[place]);
        let near = |bytes: f64, ratio: f64| (bytes / peak / ratio - 1.0).abs() < 1e-9;
        let Estimate { bytes, range } = device.reserved;
        assert!(near(bytes, middle) && near(range[0], low) && near(range[1], high), "{profile}");
        let beside = device.shown.bytes - bytes;
        assert!((beside - device.context.bytes).abs() < 1e-3, "{profile}");
        // between devices NCCL's buffers come on top
        assert!(device.context.nccl_beside && device.context.whole().is_none());
        assert_eq!(step.on_device(), None);
        // what is allocated has to find room beside the context
        let least = peak + device.context.bytes;
        assert!(fits(&step, &setting, least) && !fits(&step, &setting, least - 1.0));
        assert!(device.reserved.bytes + device.context.bytes > least);
    }
    // nobody has measured the context of these
    for profile in [Profile::Torchtitan, Profile::TorchtitanEager, Profile::Megatron] {
        assert!(!Context::of(&of(profile, 1)).own, "{profile}");
    }
}

#[test]
fn the_suites_are_what_their_cases_are() {
    let case = |row: &Row, profile: Profile, seen: f64| {
        let (shape, setting) = tracked(row);
        let setting = Setting { profile, ..setting };
        let ratio = step(&shape, &setting).unwrap().peak().bytes / seen;
        Case { shape, setting, ratio }
    };
    let tracker = rows("fsdp_memory.csv");
    let tracker = tracker.iter().map(|row| case(row, Profile::Eager, float(row, "peak_bytes")));
    bound(&TRACKER, &tracker.collect::<Vec<_>>());
    let gpu = fsdp();
    let gpu = gpu.iter().map(|(row, of)| case(of, Profile::Cuda, float(row, "allocated_bytes")));
    bound(&MEASURED, &gpu.collect::<Vec<_>>());
    for (way, suite) in [("ddp", &REPLICATED), ("tp", &TENSOR)] {
        let cases = rows("gpu_ranks.csv").into_iter().filter(|row| row["way"] == way);
        let cases = cases.map(|row| {
            let (shape, setting) = two_ranks(&row);
            let peak = step(&shape, &setting).unwrap().peak().bytes;
            Case { shape, setting, ratio: peak / float(&row, "allocated_bytes") }
        });
        bound(suite, &cases.collect::<Vec<_>>());
    }
    let host = measured("gpu_offload.csv");
    let host = host.iter().map(|(row, of)| {
        let (shape, setting) = tracked(of);
        let layout = Layout { cpu_offload: true, ..setting.layout };
        let setting = Setting { profile: Profile::Cuda, layout, ..setting };
        let ratio = step(&shape, &setting).unwrap().peak().bytes / float(row, "allocated_bytes");
        Case { shape, setting, ratio }
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
        assert!(!evidence(&shape, &outside).inside());
        let longer = Setting { sequence: 131_073, ..setting };
        assert!(evidence(&shape, &longer).outside[0].contains("131,073 tokens"));
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
