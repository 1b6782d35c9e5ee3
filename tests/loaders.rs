//! Loaders against what their own functions read.
//!
//! The counts come from running the functions of each loader at the commit in its catalogue entry,
//! on numbered sequences (tokens for Megatron-LM): how many were drawn from a source, how many
//! different ones, and how often the most repeated one. Sizes and runs stand beside them.

use plan::data::loader::{End, Exhausted, Limit, Loader, Part, Place, Read, Weights, catalogue};
use plan::data::{Curriculum, Mixture, Ramp, Reading, Source, Sources, Stage};
use plan::fact::Fact as _;
use plan::law::repeats;
use plan::quantity::{Tokens, Weight};
use plan::report::{Block, Kind, explain, list, text};
use proptest::prelude::*;

const ALL: [Exhausted; 9] = [
    Exhausted::Wraps,
    Exhausted::WrapsUntilAll,
    Exhausted::RebuiltWithEpochs,
    Exhausted::RepeatsEarly,
    Exhausted::Resampled,
    Exhausted::DropsOut,
    Exhausted::Stops,
    Exhausted::Fails,
    Exhausted::Refuses,
];

fn loader(name: &str) -> &'static Loader {
    catalogue().find(name).expect("the loader is in the catalogue")
}

/// A source in a mixture, and what the loader's own code read of it.
struct Counted {
    size: f64,
    weight: f64,
    pool: f64,
    drawn: f64,
    distinct: f64,
    most: f64,
}

impl Counted {
    /// That the library's count of different ones is within a share of the source's size, and that
    /// it knows how often the most repeated one is read.
    #[track_caller]
    fn assert_read_by(&self, name: &str, share: f64) {
        let read = self.read_by(name);
        let off = (read.distinct.0 - self.distinct).abs();
        assert!(off <= share * self.size + 1e-6, "{} for {}", read.distinct.0, self.distinct);
        assert!((read.most_repeats - self.most).abs() < 0.5, "{} times", read.most_repeats);
    }

    fn read_by(&self, name: &str) -> Read {
        let tokens = (Tokens(self.drawn), Tokens(self.size));
        loader(name).reads(tokens.0, tokens.1, self.weight, Tokens(self.pool))
    }
}

/// Rows of size, weight, pool, drawn, distinct, most.
fn counted<const N: usize>(rows: [[f64; 6]; N]) -> [Counted; N] {
    rows.map(|[size, weight, pool, drawn, distinct, most]| Counted {
        size,
        weight,
        pool,
        drawn,
        distinct,
        most,
    })
}

/// huggingface/nanotron 2411b02, src/nanotron/data/nanoset.py: `Nanoset.build_nanoset_index` and
/// `build_nanoset_index_helper`, seed 1234.
#[test]
fn nanoset_repeats_a_part_before_it_has_read_the_whole() {
    let exact = counted([
        // 1,800 sequences: two epochs of the pool
        [800.0, 0.5, 900.0, 900.0, 450.0, 2.0],
        [100.0, 0.5, 900.0, 900.0, 100.0, 10.0],
        // 900: one
        [800.0, 0.5, 900.0, 450.0, 450.0, 1.0],
        [100.0, 0.5, 900.0, 450.0, 100.0, 5.0],
        // 1,800 with weights 0.9 and 0.1: 810 of 800 in an epoch
        [800.0, 0.9, 900.0, 1620.0, 800.0, 4.0],
        [100.0, 0.1, 900.0, 180.0, 90.0, 2.0],
        // 30,000 of three sources: two epochs and a half
        [8000.0, 0.6, 12_000.0, 17_979.0, 7200.0, 3.0],
        [1000.0, 0.1, 12_000.0, 3003.0, 1000.0, 6.0],
        [3000.0, 0.3, 12_000.0, 9018.0, 3000.0, 6.0],
    ]);
    for row in &exact {
        row.assert_read_by("nanotron-nanoset", 0.0);
    }
    let by_chance = counted([
        // less than an epoch, whose order is random
        [8000.0, 0.5, 9000.0, 2026.0, 2026.0, 1.0],
        [1000.0, 0.5, 9000.0, 1974.0, 931.0, 5.0],
        [80_000.0, 0.5, 90_000.0, 10_089.0, 10_089.0, 1.0],
        [10_000.0, 0.5, 90_000.0, 9911.0, 6694.0, 5.0],
    ]);
    for row in &by_chance {
        row.assert_read_by("nanoset", 0.01);
    }
}

/// NVIDIA/Megatron-LM d98e8a6, megatron/core/datasets: the epochs, `_build_document_index`,
/// `build_sample_idx` and `_build_shuffle_index` of a `GPTDataset` of 4,000 documents of 50 tokens,
/// sequences of 100, a surplus of 0.5 %, seed 1234. Of one and of three whole epochs, the surplus
/// reads a few tokens once more than counted here.
#[test]
fn megatron_builds_epochs() {
    let rows = counted([
        [200e3, 1.0, 200e3, 100e3, 100e3, 1.0],
        [200e3, 1.0, 200e3, 198e3, 198e3, 1.0],
        [200e3, 1.0, 200e3, 300e3, 200e3, 2.0],
        [200e3, 1.0, 200e3, 360e3, 198_550.0, 2.0],
        [200e3, 1.0, 200e3, 380e3, 199_700.0, 2.0],
        [200e3, 1.0, 200e3, 500e3, 200e3, 3.0],
        [200e3, 1.0, 200e3, 580e3, 199_950.0, 3.0],
    ]);
    for row in &rows {
        row.assert_read_by("megatron", 0.003);
    }
    let distinct = |row: &Counted| row.read_by("megatron").distinct.0;
    assert!(distinct(&rows[3]) < 199e3 && distinct(&rows[4]) > 199e3);
}

/// mosaicml/streaming 89e7bb9, streaming/base: `Stream.apply_weights`, `get_sampling` and
/// `StreamingDataset.resample_streams`, ten shards a stream, epochs of the default size.
#[test]
fn streaming_draws_every_epoch_anew() {
    let rows = counted([
        [80e3, 0.5, 90e3, 45e3, 45_000.0, 1.0],
        [80e3, 0.5, 90e3, 90e3, 64_693.0, 2.0],
        [80e3, 0.5, 90e3, 135e3, 73_367.0, 3.0],
        [10e3, 0.5, 90e3, 45e3, 10_000.0, 5.0],
        [10e3, 0.5, 90e3, 135e3, 10_000.0, 15.0],
        [80e3, 0.75, 90e3, 67_500.0, 67_500.0, 1.0],
        [10e3, 0.25, 90e3, 22_500.0, 10_000.0, 3.0],
    ]);
    for row in &rows {
        row.assert_read_by("mosaicml-streaming", 0.002);
    }
}

/// grain 0.2.18, which torchtitan b5bcd76 asks for: `MapDataset.mix` of two repeated ranges.
#[test]
fn grain_starts_again() {
    let rows = counted([
        [8000.0, 0.5, 9000.0, 9000.0, 8000.0, 2.0],
        [1000.0, 0.5, 9000.0, 9000.0, 1000.0, 9.0],
    ]);
    for row in &rows {
        row.assert_read_by("torchtitan", 0.0);
    }
}

/// datasets 5.2.0: `interleave_datasets` of 8,000 and 1,000 rows, probabilities 0.5 and 0.5, seed
/// 1, with each strategy: 2,010, 15,966 and 9,000 rows.
#[test]
fn interleaved_data_end_as_their_strategy_says() {
    let parts = parts(&[(0.5, 8000.0), (0.5, 1000.0)]);
    let (after, source) = stop(loader("hf-interleave").ends_at(&parts));
    assert!((after - 2010.0).abs() < 30.0 && source == 1, "{after}");
    let (after, source) = stop(loader("hf-interleave-all-exhausted").ends_at(&parts));
    assert!((after - 15_966.0).abs() < 100.0 && source == 0, "{after}");
    let (after, source) = stop(loader("hf-interleave-without-replacement").ends_at(&parts));
    assert!((after - 9000.0).abs() < 1e-6 && source == 0, "{after}");
    let rows = counted([
        [8000.0, 0.5, 9000.0, 8000.0, 8000.0, 1.0],
        [1000.0, 0.5, 9000.0, 7966.0, 1000.0, 8.0],
    ]);
    for row in &rows {
        row.assert_read_by("hf-all-exhausted", 0.0);
    }
}

/// Rows that were asked for but are not there are not drawn.
#[test]
fn a_source_that_ends_the_run_is_read_once_at_most() {
    for name in ["nanotron", "olmo-core", "hf-interleave", "hf-interleave-without-replacement"] {
        let read = loader(name).reads(Tokens(3e9), Tokens(1e9), 0.5, Tokens(9e9));
        assert_eq!(read, Read { drawn: Tokens(1e9), distinct: Tokens(1e9), most_repeats: 1.0 });
    }
}

/// allenai/OLMo-core fa6c501, `source_mixture.py`: sources of 8,000 and 1,000 tokens with ratios 0.8
/// and 0.2 are refused 6,000 tokens, "1000 < 1200", and read up to 5,000; huggingface/datatrove
/// 2c895af, dataset.py: sequence 20 of a folder of 20 is an `IndexError`.
#[test]
fn loaders_that_do_not_repeat_say_where_they_end() {
    let parts = parts(&[(0.8, 8000.0), (0.2, 1000.0)]);
    let limit = Limit { after: Tokens(5000.0), source: 1 };
    assert_eq!(loader("olmo-core").ends_at(&parts), End::Refuses(limit));
    assert_eq!(loader("nanotron").ends_at(&parts), End::Fails(limit));
    for name in ["levanter", "megatron", "nanoset", "mosaicml", "torchtitan"] {
        assert_eq!(loader(name).ends_at(&parts), End::Never, "{name}");
    }
}

#[test]
fn an_unknown_size_ends_nothing_and_a_weight_of_nought_never_runs_out() {
    let known = Part { weight: 0.5, size: Some(Tokens(1e9)) };
    let unknown = Part { size: None, ..known };
    let idle = Part { weight: 0.0, ..known };
    let first = Limit { after: Tokens(2e9), source: 1 };
    assert_eq!(Exhausted::Stops.ends_at(&[unknown, known]), End::Stops(first));
    assert_eq!(Exhausted::Stops.ends_at(&[idle, known]), End::Stops(first));
    // datasets 5.2.0: a thousand rows and no end from ten rows of probability 1 and ten of 0
    for all in [Exhausted::WrapsUntilAll, Exhausted::DropsOut] {
        assert_eq!(all.ends_at(&[unknown, known]), End::Never);
        assert_eq!(all.ends_at(&[idle, known]), End::Never);
    }
    for exhausted in ALL {
        assert_eq!(exhausted.ends_at(&[]), End::Never);
        assert_eq!(exhausted.ends_at(&[unknown]), End::Never);
    }
}

/// marin-community/levanter 9263f81, `MixtureDataset._compute_expected_counts_per_block`, blocks of
/// 2,048: 0.0004 is due 0 sequences in a block, 0.0005 one.
#[test]
fn levanter_draws_no_weight_below_one_in_a_block() {
    let least = loader("levanter").least_weight(1e6);
    assert!(0.0004 < least && least < 0.0005, "{least}");
    assert!((loader("levanter").least_weight(100.0) - 0.01).abs() < 1e-12);
    assert!((loader("megatron").least_weight(1e6) - 1e-6).abs() < 1e-18);
}

/// Counts of marin-community/marin 071105a, lib/levanter/src/levanter/data/mixture.py,
/// `_compute_expected_counts_per_block`, by hand: 819.2, 716.8, 511.18 and 0.82 of 2,048 are cut to
/// whole ones, and the two left over go to the largest. Of equal ones it is the first.
#[test]
fn levanter_rounds_down_in_blocks() {
    let counts = |weights: &[f64]| -> Vec<f64> {
        loader("levanter").drawn(weights).iter().map(|weight| weight * 2048.0).collect()
    };
    assert_eq!(counts(&[0.4, 0.35, 0.2496, 0.0004]), [821.0, 716.0, 511.0, 0.0]);
    assert_eq!(counts(&[0.3, 0.3, 0.4]), [614.0, 614.0, 820.0]);
    assert_eq!(counts(&[1.0 / 3.0; 3]), [684.0, 682.0, 682.0]);
    assert_eq!(counts(&[1.0]), [2048.0]);
    assert_eq!(loader("megatron").drawn(&[0.9996, 0.0004]), [0.9996, 0.0004]);

    let mixture = [0.0004, 0.2496, 0.35, 0.4];
    let course = Course { sizes: [Some(1e9); 4], stages: vec![(20.48e9, mixture, mixture)] };
    let plain = Mixture::over(&course.curriculum(), &course.sources());
    assert_eq!(plain.rounded(course.run()), None);
    let drawn = plain.read_by(loader("levanter"), false);
    let tokens: Vec<f64> =
        drawn.rounded(course.run()).unwrap().iter().map(|tokens| tokens.0 / 1e7).collect();
    assert_eq!(
        tokens.iter().map(|tokens| tokens.round()).collect::<Vec<_>>(),
        [0.0, 511.0, 716.0, 821.0]
    );
    let books = drawn.draws(course.run(), repeats()).next().unwrap();
    assert_eq!(books.read.unwrap().distinct, Tokens(0.0));
    assert_eq!(books.effective, Tokens(0.0), "what is never drawn is worth nothing");
}

/// numpy.allclose takes a sum of 1 + 1.0009e-5 and not 1 + 1.0011e-5 for one; `interleave_datasets`
/// takes 1 + 1.4901e-8 and not 1 + 1.4902e-8 (`NumPy` 2.4.6).
#[test]
fn sums_are_taken_as_the_loaders_take_them() {
    let olmo = loader("olmo-core").weights;
    assert!(olmo.accepts(1.0 + 1.0009e-5) && !olmo.accepts(1.0 + 1.0011e-5));
    assert!(olmo.accepts(1.0 - 1.0009e-5) && !olmo.accepts(1.0002));
    let datasets = loader("hf-interleave").weights;
    assert!(datasets.accepts(1.0 + 1.48e-8) && !datasets.accepts(1.0 + 1.5e-8));
    assert!(Weights::Normalised.accepts(101.0));
    assert!([0.0, -1.0, f64::INFINITY, f64::NAN].iter().all(|&s| !Weights::Normalised.accepts(s)));
}

/// The weights of the last stage of `SmolLM3` sum to 1.00565, huggingface/smollm (commit a041759),
/// `text/pretraining/smollm3/stage3_9T_11T.yaml`, which nanotron takes and OLMo-core would not.
#[test]
fn a_sum_off_by_half_a_per_cent_is_not_for_every_loader() {
    let takes: Vec<&str> = catalogue()
        .iter()
        .filter(|loader| loader.weights.accepts(1.00565))
        .map(|loader| loader.name.as_str())
        .collect();
    let normalise = [
        "nanotron",
        "nanotron-nanoset",
        "megatron",
        "mosaicml-streaming",
        "levanter",
        "torchtitan",
    ];
    assert_eq!(takes, normalise);
}

#[test]
fn every_loader_names_commit_file_and_traps() {
    let mut seen = std::collections::BTreeSet::new();
    for loader in catalogue().iter() {
        let name = &loader.name;
        let own = std::iter::once(name).chain(&loader.aliases);
        own.for_each(|own| assert!(seen.insert(own.to_lowercase()), "{own} twice"));
        assert!(has_commit(&loader.source), "{name}");
        assert!(loader.source.contains(".py"), "{name}");
        assert!(loader.traps.len() >= 3, "{name}");
        for trap in &loader.traps {
            let placed = [".py", ".cpp", ".md", "(same place)", "Generator.choice"];
            assert!(placed.iter().any(|place| trap.contains(place)), "{name}: {trap}");
            assert!(trap.ends_with('.'), "{name}: {trap}");
        }
        assert_eq!(loader.as_of().to_string(), "2026-11-23");
        // a repeat is worth an option only where there is none without it
        let once =
            matches!(loader.exhausted, Exhausted::Stops | Exhausted::Fails | Exhausted::Refuses);
        assert_eq!(loader.repeats_by.is_some(), once, "{name}");
    }
    assert_eq!(catalogue().iter().count(), 10);
}

/// Seven hexadecimal digits after `commit`.
fn has_commit(source: &str) -> bool {
    let after = source.split("commit ").skip(1);
    after.map(|rest| rest.chars().take_while(char::is_ascii_hexdigit).count()).all(|n| n == 7)
        && source.contains("commit ")
}

#[test]
fn only_nanotron_and_levanter_know_what_earlier_stages_read() {
    let kept = catalogue().iter().filter(|loader| loader.place == Place::Kept);
    assert_eq!(
        kept.map(|loader| loader.name.as_str()).collect::<Vec<_>>(),
        ["nanotron", "levanter"]
    );
}

#[test]
fn loaders_are_listed_and_explained() {
    let listed = text(&list(Kind::Loaders), 120);
    for loader in catalogue().iter() {
        assert!(listed.contains(&loader.name), "{listed}");
        for name in std::iter::once(&loader.name).chain(&loader.aliases) {
            let page = explain(name).expect("a loader can be explained");
            assert_eq!(page[0], Block::Heading(loader.title.clone()), "{name}");
            let cells = cells(&page);
            assert!(loader.traps.iter().all(|trap| cells.contains(trap)), "{name}");
            assert!(cells.contains(&loader.source) && cells.contains(&loader.keys), "{name}");
        }
    }
    assert!(explain("levantar").is_err_and(|unknown| unknown.nearest[0] == "levanter"));
}

#[test]
fn a_page_tells_the_facts() {
    let levanter = cells(&explain("levanter").expect("known"));
    let block = "2048 sequences, counts rounded down in each: least weight 0.049 %";
    let stages = "in one configuration, by step, on a multiple of the block: \
                  data.train_weights: [[step, {name: weight}], ...]";
    for fact in [block, stages, "is written as steps in one configuration", "starts again"] {
        assert!(levanter.iter().any(|cell| cell == fact), "{fact}: {levanter:#?}");
    }
    let megatron = cells(&explain("megatron").expect("known"));
    assert!(megatron.contains(&"32,766".to_owned()), "{megatron:#?}");
    let olmo = cells(&explain("olmo-core").expect("known"));
    assert!(olmo.contains(&"to 1 within 1.001e-5, or an error".to_owned()), "{olmo:#?}");
    assert!(olmo.contains(&"max_repetition_ratio".to_owned()), "{olmo:#?}");
}

fn cells(blocks: &[Block]) -> Vec<String> {
    let rows = blocks.iter().filter_map(|block| match block {
        Block::Rows { rows, .. } => Some(rows.iter().flatten().cloned()),
        _ => None,
    });
    rows.flatten().collect()
}

fn parts(parts: &[(f64, f64)]) -> Vec<Part> {
    parts.iter().map(|&(weight, size)| Part { weight, size: Some(Tokens(size)) }).collect()
}

#[track_caller]
fn stop(end: End) -> (f64, usize) {
    match end {
        End::Stops(limit) => (limit.after.0, limit.source),
        other => panic!("{other:?}"),
    }
}

// ---------------------------------------------------------------------------------------------
// What is read over the stages of a run

const NAMES: [&str; 4] = ["books", "code", "math", "web"];

/// Stages over the sources of [`NAMES`], as tokens by hand.
#[derive(Debug, Clone)]
struct Course {
    sizes: [Option<f64>; 4],
    /// Tokens of each stage, and the weights at its start and its end.
    stages: Vec<(f64, [f64; 4], [f64; 4])>,
}

impl Course {
    /// Every source has a part in the first stage, so that none is left out of the curriculum.
    fn sources(&self) -> Sources {
        let source = |(name, size): (&&str, Option<f64>)| {
            let unique_tokens = size.map(Tokens);
            ((*name).to_owned(), Source { unique_tokens, ..Source::default() })
        };
        NAMES.iter().zip(self.sizes).map(source).collect()
    }

    fn stages(&self) -> Vec<Stage> {
        let row = |weights: [f64; 4]| {
            let named = NAMES.iter().zip(weights);
            named.map(|(name, weight)| ((*name).to_owned(), Weight(weight))).collect()
        };
        let stage = |(index, &(tokens, from, to)): (usize, &(f64, [f64; 4], [f64; 4]))| Stage {
            name: format!("stage {index}"),
            tokens: Some(Tokens(tokens)),
            from: Some(plan::data::MixtureChoice::Given(row(from))),
            mixture: plan::data::MixtureChoice::Given(row(to)),
            ramp: Some(Ramp::Linear),
            ..Stage::default()
        };
        self.stages.iter().enumerate().map(stage).collect()
    }

    fn curriculum(&self) -> Curriculum {
        Curriculum::new(&self.sources(), &self.stages(), None).expect("the stages make a run")
    }

    fn run(&self) -> Tokens {
        Tokens(self.stages.iter().map(|(tokens, ..)| tokens).sum())
    }

    fn read_by(&self, loader: &Loader, repeat: bool) -> Reading {
        let curriculum = self.curriculum();
        let mixture = Mixture::over(&curriculum, &self.sources()).read_by(loader, repeat);
        let reading = mixture.reading(self.run());
        assert_eq!(curriculum.names, NAMES);
        assert_eq!(reading.sources.len(), NAMES.len());
        reading
    }

    /// Tokens that each stage asks of a source: a line from one weight to another is its middle.
    fn asked(&self, source: usize) -> Vec<f64> {
        let stages = self.stages.iter();
        stages.map(|(tokens, from, to)| tokens * f64::midpoint(from[source], to[source])).collect()
    }

    /// The sources of known size, with the tokens that each stage asks of them.
    fn known(&self) -> impl Iterator<Item = (usize, f64, Vec<f64>)> {
        let sized = self.sizes.iter().enumerate();
        sized.filter_map(|(source, size)| Some((source, (*size)?, self.asked(source))))
    }
}

fn any_course() -> impl Strategy<Value = Course> {
    let parts = || {
        prop::array::uniform4(0..10_u32).prop_map(|parts| {
            let sum = parts.iter().sum::<u32>();
            parts.map(|part| if sum == 0 { 0.25 } else { f64::from(part) / f64::from(sum) })
        })
    };
    let whole = prop::array::uniform4(1..10_u32)
        .prop_map(|parts| parts.map(|part| f64::from(part) / f64::from(parts.iter().sum::<u32>())));
    let sizes = prop::array::uniform4(prop::option::weighted(0.8, 8.0..12.0_f64));
    let stages = prop::collection::vec((1e9..1e11_f64, parts(), parts()), 1..5);
    (sizes, whole, stages).prop_map(|(sizes, whole, mut stages)| {
        stages[0].1 = whole;
        let sizes = sizes.map(|size| size.map(|power| libm::pow(10.0, power)));
        Course { sizes, stages }
    })
}

/// The loaders of the catalogue, each as it is and with its place in a source lost or kept.
fn kept_and_lost() -> impl Iterator<Item = (Loader, Loader)> {
    // blocks are rounded on top of that
    let placed = |loader: &Loader, place| Loader { place, block: None, ..loader.clone() };
    catalogue().iter().map(move |own| (placed(own, Place::Kept), placed(own, Place::Lost)))
}

fn goes_on(exhausted: Exhausted) -> bool {
    use Exhausted::{RebuiltWithEpochs, RepeatsEarly, Resampled, Wraps, WrapsUntilAll};
    matches!(exhausted, Wraps | WrapsUntilAll | RebuiltWithEpochs | RepeatsEarly | Resampled)
}

/// Whether two numbers of tokens are one, but for rounding.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// Two stages that read more of the books together than there are, and neither more than there is.
fn books_in_two_stages() -> Course {
    let (main, decay) = ([0.1, 0.1, 0.1, 0.7], [0.2, 0.1, 0.1, 0.6]);
    Course {
        sizes: [Some(6e9), None, Some(1e11), Some(1e12)],
        stages: vec![(48e9, main, main), (12e9, decay, decay)],
    }
}

#[test]
fn a_place_that_is_kept_adds_up_and_one_that_is_lost_does_not() {
    let course = books_in_two_stages();
    // 4.8 B and 2.4 B of 6 B
    let books = |name| course.read_by(loader(name), false).sources[0].expect("the size is known");
    // a tenth of a block of 2,048 sequences is 204 of them, a fifth 409
    let levanter = books("levanter");
    let drawn = 48e9 * 204.0 / 2048.0 + 12e9 * 409.0 / 2048.0;
    assert!(same(levanter.drawn.0, drawn) && same(levanter.distinct.0, 6e9), "{levanter:?}");
    let torchtitan = books("torchtitan");
    assert!(same(torchtitan.drawn.0, 7.2e9) && same(torchtitan.distinct.0, 4.8e9));
    let nanotron = course.read_by(loader("nanotron"), false);
    let [(1, End::Fails(Limit { source: 0, .. }))] = nanotron.ends[..] else {
        panic!("{nanotron:?}")
    };
    assert_eq!(course.read_by(loader("olmo-core"), false).ends, []);
}

#[test]
fn each_stage_of_a_lost_place_has_an_end_of_its_own() {
    let course = Course { sizes: [Some(2e9), None, None, Some(40e9)], ..books_in_two_stages() };
    // 48 B read 4.8 B books, of which 2 B last for 20 B; 12 B read 2.4 B, for 10 B
    let ends = course.read_by(loader("olmo-core"), false).ends;
    let [(0, End::Refuses(first)), (1, End::Refuses(second))] = ends[..] else {
        panic!("{ends:?}")
    };
    assert!(same(first.after.0, 20e9) && same(second.after.0, 10e9), "{ends:?}");
    assert_eq!((first.source, second.source), (0, 0));
}

#[test]
fn a_stage_that_takes_all_there_is_does_not_end_early() {
    let mixture = [0.1, 0.2, 0.3, 0.4];
    let stages = vec![(60e9, mixture, mixture)];
    let course = Course { sizes: [Some(6e9), Some(12e9), Some(18e9), Some(24e9)], stages };
    for loader in catalogue().iter() {
        assert_eq!(course.read_by(loader, false).ends, [], "{}", loader.name);
    }
    let mut short = course;
    short.sizes[0] = Some(5.999e9);
    let end = |name| short.read_by(loader(name), false).ends;
    assert!(matches!(end("nanotron")[..], [(0, End::Fails(Limit { source: 0, .. }))]));
    assert!(matches!(end("hf-interleave")[..], [(0, End::Stops(Limit { source: 0, .. }))]));
    assert_eq!(end("hf-all-exhausted"), []);
}

proptest! {
    /// No loader reads more different tokens than it draws or than there are, nor so few that its
    /// most repeated token could not make up for it; more drawn is never less read.
    #[test]
    fn reads_are_consistent(
        size in 1e3..1e12_f64,
        passes in 0.0..40.0_f64,
        more in 1.0..3.0_f64,
        weight in 1e-3..1.0_f64,
        others in 0.0..30.0_f64,
    ) {
        let pool = Tokens(size * (1.0 + others));
        for exhausted in ALL {
            let read = exhausted.reads(Tokens(size * passes), Tokens(size), weight, pool);
            let slack = 1e-9 * size;
            prop_assert!(read.distinct.0 <= size && read.distinct.0 <= read.drawn.0);
            prop_assert!(read.distinct.0 >= 0.0 && read.drawn.0 <= size * passes);
            prop_assert!(
                read.distinct.0 * read.most_repeats >= read.drawn.0 - slack,
                "{exhausted:?} {read:?}"
            );
            // the end of an epoch that is shuffled with the others is not read whole
            let slack = if exhausted == Exhausted::RebuiltWithEpochs { 0.0101 * size } else { slack };
            let further = exhausted.reads(Tokens(size * passes * more), Tokens(size), weight, pool);
            prop_assert!(further.distinct.0 >= read.distinct.0 - slack, "{exhausted:?}");
        }
    }

    /// A run as long as its end draws of every source what there is of it, at most.
    #[test]
    fn a_run_to_the_end_exhausts_one_source(
        sizes in prop::collection::vec(1e3..1e12_f64, 1..6),
        weights in prop::collection::vec(1e-3..1.0_f64, 6),
    ) {
        let total: f64 = weights.iter().take(sizes.len()).sum();
        let shares: Vec<(f64, f64)> =
            sizes.iter().zip(&weights).map(|(&size, weight)| (weight / total, size)).collect();
        let (after, source) = stop(Exhausted::Stops.ends_at(&parts(&shares)));
        for (index, (weight, size)) in shares.iter().enumerate() {
            prop_assert!(after * weight <= size * (1.0 + 1e-12));
            prop_assert!(index != source || after * weight >= size * (1.0 - 1e-12));
        }
        let (last, _) = stop(Exhausted::WrapsUntilAll.ends_at(&parts(&shares)));
        prop_assert!(shares.iter().all(|(weight, size)| last * weight >= size * (1.0 - 1e-12)));
        let (all, _) = stop(Exhausted::DropsOut.ends_at(&parts(&shares)));
        prop_assert!(after <= all * (1.0 + 1e-12) && all <= last * (1.0 + 1e-12));
    }

    /// What is drawn is what the stages ask for, by hand and by the mixture over the run; of a
    /// source that is not read again, no more than a data set has.
    #[test]
    fn what_is_drawn_is_what_the_stages_ask_for(course in any_course()) {
        let curriculum = course.curriculum();
        let mixture = Mixture::over(&curriculum, &course.sources());
        let taken: Vec<f64> =
            mixture.draws(course.run(), repeats()).map(|draw| draw.tokens.0).collect();
        for (kept, lost) in kept_and_lost() {
            let (whole, single) = (course.read_by(&kept, false), course.read_by(&lost, false));
            for (source, size, asked) in course.known() {
                let all: f64 = asked.iter().sum();
                prop_assert!(same(all, taken[source]));
                let (whole, single) = (whole.sources[source], single.sources[source]);
                let (whole, single) = (whole.unwrap().drawn.0, single.unwrap().drawn.0);
                if goes_on(lost.exhausted) {
                    prop_assert!(same(whole, all) && same(single, all), "{}", lost.name);
                } else {
                    let parts: f64 = asked.iter().map(|asked| asked.min(size)).sum();
                    prop_assert!(same(whole, all.min(size)), "{}", kept.name);
                    prop_assert!(same(single, parts), "{}", lost.name);
                }
            }
            for source in (0..NAMES.len()).filter(|source| course.sizes[*source].is_none()) {
                prop_assert!(whole.sources[source].is_none() && single.sources[source].is_none());
            }
        }
    }

    /// No more is distinct than is drawn or than there is, and the most repeated token can make up
    /// for the rest.
    #[test]
    fn no_more_is_distinct_than_there_is(course in any_course(), repeat in any::<bool>()) {
        for (kept, lost) in kept_and_lost() {
            for loader in [kept, lost] {
                let reading = course.read_by(&loader, repeat);
                for (source, size, _) in course.known() {
                    let read = reading.sources[source].unwrap();
                    let most = read.drawn.0.min(size) * (1.0 + 1e-12);
                    prop_assert!((0.0..=most).contains(&read.distinct.0), "{} {read:?}", loader.name);
                    let made_up = read.distinct.0 * read.most_repeats * (1.0 + 1e-9);
                    prop_assert!(made_up >= read.drawn.0, "{} {read:?}", loader.name);
                }
            }
        }
    }

    /// Repeats are worth less than fresh tokens, and a loader has no fewer of them than one pass after
    /// the other; the mixture is worth what its sources are.
    #[test]
    fn a_loader_adds_no_worth(course in any_course(), repeat in any::<bool>()) {
        let plain = Mixture::over(&course.curriculum(), &course.sources());
        let worth = |mixture: &Mixture| mixture.effective(course.run(), repeats()).0;
        for (kept, lost) in kept_and_lost() {
            for loader in [kept, lost] {
                let own = plain.clone().read_by(&loader, repeat);
                prop_assert!(worth(&own) <= worth(&plain) * (1.0 + 1e-12), "{}", loader.name);
                let apart: Vec<f64> =
                    own.draws(course.run(), repeats()).map(|draw| draw.effective.0).collect();
                prop_assert!(same(worth(&own), apart.iter().sum()), "{}", loader.name);
                let goes_round = loader.exhausted(repeat) == Exhausted::Wraps;
                if goes_round && loader.place == Place::Kept {
                    prop_assert!(same(worth(&own), worth(&plain)), "{}", loader.name);
                }
                let reading = own.reading(course.run());
                for (source, size, asked) in course.known() {
                    let (distinct, drawn) =
                        (reading.sources[source].unwrap().distinct.0, asked.iter().sum::<f64>());
                    // Muennighoff et al. 2023, eq. 5, over what is really read
                    let times = repeats().tokens;
                    let fresh = distinct
                        * (1.0 + times * -libm::expm1(-(drawn / distinct - 1.0) / times));
                    let expected = if drawn > distinct { fresh } else { drawn };
                    prop_assert!(same(apart[source], expected), "{} of {size}", loader.name);
                }
            }
        }
    }

    /// One pass after the other reads all that it can where the place is kept, and the longest of
    /// the stages where it is lost.
    #[test]
    fn a_lost_place_reads_no_more_than_a_kept_one(course in any_course()) {
        let wraps =
            Loader { exhausted: Exhausted::Wraps, block: None, ..loader("levanter").clone() };
        let kept = course.read_by(&Loader { place: Place::Kept, ..wraps.clone() }, false);
        let lost = course.read_by(&Loader { place: Place::Lost, ..wraps }, false);
        for (source, size, asked) in course.known() {
            let (kept, lost) = (kept.sources[source].unwrap(), lost.sources[source].unwrap());
            let longest = asked.iter().copied().fold(0.0, f64::max);
            prop_assert!(same(kept.distinct.0, asked.iter().sum::<f64>().min(size)));
            prop_assert!(same(lost.distinct.0, longest.min(size)));
            prop_assert!(lost.distinct.0 <= kept.distinct.0 * (1.0 + 1e-12));
            prop_assert!(lost.most_repeats >= kept.most_repeats);
        }
    }

    /// A data set ends where a source has less than is asked of it, and not before: a stage by
    /// itself where the place is lost, and the run where it is kept.
    #[test]
    fn ends_are_where_a_source_has_too_little(course in any_course()) {
        let close = |asked: f64, size: f64| (asked / size - 1.0).abs() < 1e-6;
        let clear = |(_, size, asked): (usize, f64, Vec<f64>)| {
            !close(asked.iter().sum(), size) && !asked.iter().any(|asked| close(*asked, size))
        };
        prop_assume!(course.known().all(clear));
        for exhausted in [Exhausted::Stops, Exhausted::Fails, Exhausted::Refuses] {
            let own = Loader { exhausted, repeats_by: None, ..loader("nanotron").clone() };
            let lost = course.read_by(&Loader { place: Place::Lost, ..own.clone() }, false);
            let mut ends = lost.ends.into_iter();
            for (stage, (tokens, ..)) in course.stages.iter().enumerate() {
                let lasts = |(source, size, asked): (usize, f64, Vec<f64>)| {
                    (tokens * size / asked[stage], source)
                };
                let all = course.known().map(lasts).filter(|(after, _)| after < tokens);
                let Some((after, source)) = all.min_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
                let (index, end) = ends.next().expect("this stage ends");
                let (End::Stops(limit) | End::Fails(limit) | End::Refuses(limit)) = end else {
                    return Err(TestCaseError::fail("an end that is none"));
                };
                prop_assert_eq!((index, limit.source), (stage, source));
                prop_assert!(same(limit.after.0, after), "{} for {after}", limit.after.0);
            }
            prop_assert_eq!(ends.next(), None);
            let kept = course.read_by(&Loader { place: Place::Kept, ..own }, false);
            let short = course.known().any(|(_, size, asked)| asked.iter().sum::<f64>() > size);
            prop_assert_eq!(!kept.ends.is_empty(), short);
        }
    }

    /// nanotron and OLMo-core go on where they are told to repeat; a loader without the option does
    /// as it did.
    #[test]
    fn repeat_turns_ends_off(course in any_course()) {
        for name in ["nanotron", "olmo-core"] {
            let reading = course.read_by(loader(name), true);
            prop_assert_eq!(&reading.ends, &[]);
            for (source, _, asked) in course.known() {
                let drawn = reading.sources[source].unwrap().drawn.0;
                prop_assert!(same(drawn, asked.iter().sum()), "{name}");
            }
        }
        for loader in catalogue().iter().filter(|loader| loader.repeats_by.is_none()) {
            prop_assert_eq!(course.read_by(loader, true), course.read_by(loader, false));
        }
    }
}

/// nanotron keeps its place: 4.8 B books in the first stage, and the 1.2 B left last for 6 B tokens
/// of the second.
#[test]
fn a_kept_place_ends_in_the_stage_that_takes_the_last() {
    let course = books_in_two_stages();
    let ends = course.read_by(loader("nanotron"), false).ends;
    let [(1, End::Fails(limit))] = ends[..] else { panic!("{ends:?}") };
    assert!(same(limit.after.0, 54e9), "{limit:?}");

    // 3 B books at a tenth are read in the first 30 B tokens, though the second stage has them too
    let mut short = course;
    short.sizes[0] = Some(3e9);
    let ends = short.read_by(loader("nanotron"), false).ends;
    let [(0, End::Fails(limit))] = ends[..] else { panic!("{ends:?}") };
    assert!(same(limit.after.0, 30e9), "{limit:?}");
}

/// `interleave_datasets` is told to repeat by `stopping_strategy="all_exhausted"`, which has an
/// entry of its own.
#[test]
fn interleaved_data_that_repeat_end_when_all_are_read() {
    let mixture = [0.25; 4];
    let course = Course { sizes: [Some(10e9); 4], stages: vec![(60e9, mixture, mixture)] };
    let repeated = course.read_by(loader("hf-interleave"), true);
    assert_eq!(repeated, course.read_by(loader("hf-interleave-all-exhausted"), false));
    assert!(matches!(repeated.ends[..], [(0, End::Stops(limit))] if same(limit.after.0, 40e9)));
}

/// A source that a stage does not name is not among its data sets: it is no source of probability 0.
#[test]
fn a_stage_ends_by_its_own_sources_alone() {
    let (main, decay) = ([0.25; 4], [0.0, 0.0, 0.0, 1.0]);
    let stages = vec![(40e9, main, main), (12e9, decay, decay)];
    let course = Course { sizes: [Some(10e9); 4], stages };
    let ends = course.read_by(loader("hf-interleave-all-exhausted"), false).ends;
    assert!(matches!(ends[..], [(1, End::Stops(limit))] if same(limit.after.0, 10e9)), "{ends:?}");
}
