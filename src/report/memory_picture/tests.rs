use super::*;
use crate::layout::{Layout, LayoutKeys, Recompute};
use crate::memory::{
    AttentionKernel, Label, LossKernel, Optimizer, Precision, Profile, Setting, step,
};
use crate::model::shapes;
use approx::assert_abs_diff_eq;

const GIB: f64 = 1_073_741_824.0;

/// A step of a published model, cut to so many layers where that is said.
fn run(
    name: &str,
    layers: Option<u64>,
    keys: &LayoutKeys,
    sequence: u64,
    loss: LossKernel,
) -> Step {
    let mut shape = shapes().find(name).unwrap().shape().unwrap();
    if let Some(layers) = layers {
        shape.stacks.truncate(1);
        shape.stacks[0].layers = layers;
    }
    let setting = Setting {
        layout: Layout::of(keys, 64).unwrap(),
        sequence,
        precision: Precision::Bf16,
        optimizer: Optimizer::AdamW,
        attention: AttentionKernel::Sdpa,
        loss,
        profile: Profile::Eager,
        adapter: None,
        family: None,
    };
    step(&shape, &setting).unwrap()
}

fn llama(layers: Option<u64>, recompute: bool) -> Step {
    let recompute = recompute.then_some(Recompute::Full);
    let keys = LayoutKeys { recompute, ..LayoutKeys::default() };
    run("llama-3-8b", layers, &keys, 8192, LossKernel::Eager)
}

/// Steps of several models, layers, lengths and ways.
fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, layers) in [
        ("llama-3-8b", None),
        ("llama-3-8b", Some(1)),
        ("llama-3-8b", Some(2)),
        ("llama-3.1-405b", None),
        ("gpt2", None),
        ("qwen2.5-7b", Some(5)),
    ] {
        for sequence in [1, 512, 8192] {
            for (recompute, reshard, loss) in [
                (None, true, LossKernel::Eager),
                (Some(Recompute::Full), true, LossKernel::Released),
                (None, false, LossKernel::Eager),
            ] {
                let keys =
                    LayoutKeys { recompute, reshard: Some(reshard), ..LayoutKeys::default() };
                steps.push(run(name, layers, &keys, sequence, loss));
            }
        }
    }
    // nothing at all, and no tokens
    steps.push(Step { tokens: 1.0, sequence: 1.0, ..Step::default() });
    steps.push(Step { tokens: 0.0, ..llama(Some(3), false) });
    steps
}

#[test]
fn groups_add_up_to_what_is_held() {
    let mut seen = 0;
    for step in steps() {
        let mut most = 0.0_f64;
        for stretch in step.timeline.stretches(step.tokens) {
            for moment in &stretch.moments {
                let groups = group(|label| moment.held(label));
                assert_abs_diff_eq!(groups.iter().sum::<f64>(), moment.bytes, epsilon = 0.0);
                assert!(groups.iter().all(|&bytes| bytes >= 0.0), "{:?} {groups:?}", stretch.phase);
                most = most.max(moment.bytes);
                seen += 1;
            }
        }
        assert_abs_diff_eq!(most, step.peak().bytes, epsilon = 0.0);
    }
    assert!(seen > 10_000, "{seen}");
}

#[test]
fn the_track_covers_the_step_and_keeps_its_peak() {
    for step in steps() {
        let peak = step.peak();
        let picture = Picture::of(&step, None);
        let cells = &picture.track.cells;
        let highest = cells.iter().find(|cell| cell.from <= picture.at && picture.at <= cell.to);
        let bytes = highest.map_or(0.0, |cell| cell.held.iter().sum());
        assert_abs_diff_eq!(bytes, peak.bytes, epsilon = 0.0);
        if let (Some(first), Some(last)) = (cells.first(), cells.last()) {
            assert_eq!((first.from, last.to), (0.0, 1.0));
        }
        for pair in cells.windows(2) {
            assert_abs_diff_eq!(pair[0].to, pair[1].from, epsilon = 0.0);
        }
        assert!(cells.iter().all(|cell| cell.from < cell.to), "{}", cells.len());
        for of in [10, 73, 200] {
            let column = |column| picture.column(column, of).iter().sum::<f64>();
            let most = (0..of).map(column).fold(0.0, f64::max) * picture.scale.top;
            assert!((most - peak.bytes).abs() <= 1e-9 * peak.bytes, "{most} {}", peak.bytes);
        }
    }
}

#[test]
fn a_picture_of_very_many_layers_is_small() {
    let step = llama(Some(20_000), false);
    let picture = Picture::of(&step, None);
    assert!(picture.track.cells.len() < 1_500, "{}", picture.track.cells.len());
    let cells = picture.track.cells.iter().map(|cell| cell.held.iter().sum::<f64>());
    assert_abs_diff_eq!(cells.fold(0.0, f64::max), step.peak().bytes, epsilon = 0.0);
    assert!(svg(&step, None).len() < 400_000);
}

#[test]
fn text_is_as_wide_as_asked_and_of_one_height() {
    for step in steps() {
        for width in [24, 40, 57, 80, 120] {
            for (ascii, device) in [(false, Some(80.0 * GIB)), (true, Some(GIB)), (true, None)] {
                let text = text(&step, device, width, ascii);
                let columns = |line: &str| line.chars().count();
                let widest = text.lines().map(columns).max();
                assert_eq!(widest, Some(usize::from(width)), "{text}");
                let height = text.lines().count();
                // axis, ticks, phases, blank, title, areas and those gathered, caption
                let more = 5 + GROUPS.len() + 1 + 2;
                assert!(height <= usize::from(HEIGHT) + more, "{height}\n{text}");
                assert_eq!(text.is_ascii(), ascii, "{text}");
                assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            }
        }
    }
}

#[test]
fn the_peak_is_named_with_its_bytes_and_phase() {
    for recompute in [false, true] {
        let step = llama(None, recompute);
        let peak = step.peak();
        let shown = format!("peak {:.1} GiB, backward of the loss", peak.bytes / GIB);
        let text = text(&step, None, 80, false);
        assert!(text.contains(&format!("▼ {shown}")), "{text}");
        assert!(svg(&step, None).contains(&shown));
        let logits = peak.held(Label::Logits) + peak.held(Label::Loss);
        let line = text.lines().find(|line| line.starts_with("▓b▓ logits and loss")).unwrap();
        let figures = format!("{:.1} GiB, {:.0} %", logits / GIB, 100.0 * logits / peak.bytes);
        assert!(line.ends_with(&figures), "{line}");
        let mark = |line: &&str| line.contains('▼');
        let column = text.lines().find(mark).unwrap().chars().position(|c| c == '▼').unwrap();
        let phases = text.lines().find(|line| line.starts_with("phase")).unwrap();
        let edges: Vec<usize> =
            phases.chars().enumerate().filter(|(_, c)| *c == '│').map(|(at, _)| at).collect();
        assert!(edges[0] <= column && column < edges[1], "the peak is in the loss\n{text}");
    }
}

#[test]
fn phases_are_named_in_order() {
    for layers in [Some(1), Some(2), None] {
        let text = text(&llama(layers, false), None, 80, true);
        let phases = text.lines().find(|line| line.starts_with("phase")).unwrap();
        let names: Vec<&str> = phases["phase".len()..].split('|').map(str::trim).collect();
        assert_eq!(names, ["forward", "loss", "backward", "optimizer"]);
        let ticks = text.lines().find(|line| line.starts_with("layer")).unwrap();
        let numbers = ticks["layer".len()..].split([' ', '|']).filter(|word| !word.is_empty());
        let wanted: &[&str] = match layers {
            Some(1) => &["1", "1"],
            Some(_) => &["1", "2", "2", "1"],
            None => &["1", "32", "32", "1"],
        };
        assert_eq!(numbers.collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn a_device_is_a_line_where_it_is_near() {
    let step = llama(None, false);
    let line = |gib: f64| text(&step, Some(gib * GIB), 80, true);
    let (fits, exceeded, far_above) = (line(80.0), line(40.0), line(288.0));
    let row = |text: &str| text.lines().position(|line| line.contains(" device ")).unwrap();
    let dashed = |text: &str| text.lines().nth(row(text)).unwrap().to_owned();
    assert!(dashed(&fits).contains("-- device 80 GiB ---"), "{fits}");
    assert!(!dashed(&fits).contains('='), "{fits}");
    assert!(dashed(&exceeded).contains("==="), "{exceeded}");
    assert!(row(&exceeded) > row(&fits));
    assert!(dashed(&far_above).ends_with("^ device 288 GiB"), "{far_above}");
    let [drawn, named] = [80.0, 288.0].map(|gib| svg(&step, Some(gib * GIB)));
    let strokes = |svg: &str| svg.matches("stroke=\"#B00020\"").count();
    assert!(strokes(&drawn) > 20, "{}", strokes(&drawn));
    assert!(drawn.contains("device 80 GiB"));
    assert_eq!(strokes(&named), 0);
    assert!(named.contains("↑ device 288 GiB"));
    for none in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
        assert_eq!(text(&step, Some(none), 80, true), text(&step, None, 80, true));
    }
}

#[test]
fn documents_hold_numbers_alone_and_are_the_same_each_time() {
    for step in steps() {
        for device in [None, Some(80.0 * GIB)] {
            let svg = svg(&step, device);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg:.400}");
            assert_eq!(svg, super::svg(&step, device));
            // what is outside the picture would be a number that saturated
            let points = svg.split("points=\"").skip(1).flat_map(|rest| {
                let points = rest.split('"').next().unwrap_or_default();
                points.split([' ', ',']).filter(|number| !number.is_empty())
            });
            for number in points {
                let number: i32 = number.parse().unwrap();
                assert!((0..=9000).contains(&number), "{number}");
            }
        }
    }
}

#[test]
fn numbers_have_the_unit_of_the_peak() {
    let gib = Scale::of(68.45 * GIB, 80.0 * GIB);
    let numbers = [68.45, 0.04, 0.06, 0.0].map(|x| gib.number(x * GIB));
    assert_eq!(numbers, ["68.5", "<0.1", "0.1", "0.0"]);
    assert_eq!(gib.print(80.0 * GIB), "80 GiB");
    let ticks: Vec<String> = gib.ticks(4).into_iter().map(|tick| tick.1).collect();
    assert_eq!(ticks, ["0 GiB", "20", "40", "60", "80"]);
    let mib = Scale::of(3.0 * 1_048_576.0, 3.5 * 1_048_576.0);
    assert_eq!(mib.print(3.0 * 1_048_576.0 + 5000.0), "3.00 MiB");
    assert_eq!(mib.ticks(4)[1].1, "0.5");
    let large = Scale::of(2000.0 * 1024.0 * GIB, 1e18);
    assert_eq!([0.4, 0.6].map(|x| large.number(x * 1024.0 * GIB)), ["<1", "1"]);
    assert_eq!(Scale::of(0.0, 0.0).ticks(2).len(), 3);
    assert_eq!(Scale::of(1500.0 * 1024.0 * GIB, 1e18).print(1500.0 * 1024.0 * GIB), "1500 TiB");
}
