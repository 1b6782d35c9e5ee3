//! The curriculum: the mixture at every stage and at chosen points, and what it draws.

mod json;
mod kept;
mod loader;

use super::answer::Answer;
use super::area::{self, Areas};
use super::block::{Block, shortened};
use crate::data::{Curriculum, Kind, Placed};
use crate::quantity::{Quantity, Steps, Tokens, significant};

pub use json::mix_json;

/// Points of the run at which the mixture is shown, unless said otherwise.
pub(super) const POINTS: u32 = 5;
/// Sources that are listed one by one.
const LISTED: usize = 40;
/// Columns of text for the stages of a table and the names before them.
const COLUMNS: usize = 66;
/// Hand-offs that are told one by one.
const HAND_OFFS: usize = 12;
/// Rows of the picture in a terminal.
const HEIGHT: u16 = 16;

/// The curriculum of a plan whose run is determined.
struct Course<'a> {
    curriculum: &'a Curriculum,
    placed: Vec<Placed>,
    /// Tokens of the run and of the stages on top of it.
    tokens: Tokens,
}

fn course<'a>(answer: &Answer<'a>) -> Option<Course<'a>> {
    let curriculum = answer.derivation.curriculum.as_ref()?;
    let run = answer.derivation.point?.tokens;
    let tokens = Tokens(run.0 + curriculum.tokens_after().0);
    Some(Course { curriculum, placed: curriculum.placed(run), tokens })
}

impl Course<'_> {
    /// Lets a picture be drawn of the run.
    fn draw<T>(&self, draw: impl FnOnce(&Areas) -> T) -> T {
        let stages: Vec<_> =
            self.placed.iter().map(|stage| (stage.name.clone(), stage.start, stage.end)).collect();
        let weights = |progress| self.curriculum.weights(&self.placed, progress);
        let names = &self.curriculum.names;
        draw(&Areas { names, stages: &stages, tokens: self.tokens.0, weights: &weights })
    }

    /// One constant mixture and nothing besides, which its draws tell in full.
    fn is_plain(&self) -> bool {
        let [stage] = self.placed.as_slice() else { return false };
        stage.first == stage.last && stage.mean == stage.first && stage.steps.is_none()
    }
}

impl Course<'_> {
    /// Whether a table has room for a column of so many letters for each stage.
    fn has_room(&self, cell: usize) -> bool {
        let columns = self.placed.iter().map(|stage| stage.name.chars().count().max(cell) + 2);
        let names = self.curriculum.names.iter().map(|name| shortened(name).chars().count());
        columns.sum::<usize>() + names.max().unwrap_or(0) <= COLUMNS
    }
}

/// The mixture over the run as a picture in text; `None` without stages.
pub(super) fn picture(answer: &Answer, width: u16, ascii: bool) -> Option<Block> {
    let course = course(answer)?;
    Some(Block::Picture(course.draw(|areas| area::text(areas, width, HEIGHT, ascii))))
}

/// The mixture over the run as an SVG; `None` without stages.
#[must_use]
pub fn mix_svg(answer: &Answer) -> Option<String> {
    course(answer).map(|course| course.draw(|areas| area::svg(areas)))
}

/// Stages, mixtures, points, draws, hand-offs, and what the loader does.
pub(super) fn blocks(answer: &Answer, at: u32) -> Vec<Block> {
    let Some(course) = course(answer) else {
        return Vec::new();
    };
    let mut blocks = Vec::new();
    if !course.is_plain() {
        blocks.extend([Block::Heading("Stages".to_owned()), stages(&course)]);
        blocks.extend(kinds(answer, &course));
        blocks.extend(training(&course));
        blocks.extend(mixtures(&course));
        blocks.push(Block::Heading("Mixture at points of the run".to_owned()));
        blocks.push(points(&course, at));
        if course.has_room(7) {
            blocks.push(Block::Heading("Tokens per source and stage".to_owned()));
            blocks.push(per_stage(&course, |tokens, _| Tokens(tokens).human()));
            blocks.extend(epochs(answer, &course));
        }
        blocks.extend(left_out(&course));
        blocks.extend(equal_epochs(answer, &course));
        blocks.extend(hand_offs(&course));
    }
    blocks.extend(kept::blocks(answer));
    blocks.extend(loader::blocks(answer));
    blocks
}

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

fn stages(course: &Course) -> Block {
    let kinds = course.placed.iter().any(|stage| stage.kind != Kind::Pretrain);
    let steps = course.placed.iter().any(|stage| stage.steps.is_some());
    let mut header = vec!["stage"];
    header.extend(kinds.then_some("kind"));
    header.extend(["tokens", "share", "from", "to"]);
    header.extend(steps.then_some("steps"));
    let rows = course.placed.iter().map(|stage| {
        let mut row = vec![stage.name.clone()];
        row.extend(kinds.then(|| stage.kind.to_string()));
        row.extend([
            stage.tokens.human(),
            percent(stage.end - stage.start),
            stage.start_tokens.human(),
            Tokens(stage.start_tokens.0 + stage.tokens.0).human(),
        ]);
        row.extend(steps.then(|| stage.steps.map_or("?".to_owned(), Quantity::human)));
        row
    });
    Block::table(&header, rows.collect(), if kinds { 2 } else { 1 })
}

/// What is the run and what comes on top of it.
fn kinds(answer: &Answer, course: &Course) -> Option<Block> {
    let data = answer.derivation.derived.data.as_ref()?;
    let after = course.curriculum.tokens_after();
    let run = answer.derivation.point?.tokens;
    let kinds = data.kinds.iter().map(|(kind, tokens)| format!("{kind} {}", tokens.human()));
    let kinds: Vec<String> = kinds.collect();
    let on_top = if after.0 > 0.0 {
        format!(
            " The run, the D of the law, is {}; {} come on top of it.",
            run.human(),
            after.human()
        )
    } else {
        String::new()
    };
    (!kinds.is_empty()).then(|| Block::Line(format!("  By kind: {}.{on_top}", kinds.join(", "))))
}

/// Sequences, batches and bases of the position embedding, where some stage states them.
fn training(course: &Course) -> Vec<Block> {
    let stated = |stage: &Placed| {
        let training = stage.training;
        training.sequence.is_some() || training.rope_base.is_some()
    };
    if !course.placed.iter().any(|stage| stated(stage) || stage.steps.is_some()) {
        return Vec::new();
    }
    let rows = course.placed.iter().map(|stage| {
        let training = stage.training;
        let or = |value: Option<String>| value.unwrap_or("?".to_owned());
        vec![
            stage.name.clone(),
            or(training.sequence.map(Quantity::human)),
            or(training.batch_tokens.map(|batch| crate::quantity::grouped(batch.0))),
            or(training.rope_base.map(Quantity::human)),
            or(stage.stepped().map(|tokens| crate::quantity::grouped(tokens.0))),
        ]
    });
    let header = ["stage", "sequence", "batch, tokens", "RoPE base", "tokens of its steps"];
    let mut blocks = vec![
        Block::Heading("Sequences and batches".to_owned()),
        Block::table(&header, rows.collect(), 1),
    ];
    let steps: Option<f64> = course.placed.iter().map(|stage| stage.steps.map(|s| s.0)).sum();
    let tokens: Option<f64> =
        course.placed.iter().map(|stage| stage.stepped().map(|tokens| tokens.0)).sum();
    blocks.extend(steps.zip(tokens).map(|(steps, tokens)| {
        Block::Line(format!(
            "  {} steps in all, {} tokens.",
            Steps(steps).human(),
            crate::quantity::grouped(tokens)
        ))
    }));
    blocks
}

/// The mixture of every stage, at its start and its end where it moves.
fn mixtures(course: &Course) -> Vec<Block> {
    if course.placed.len() < 2 || !course.has_room(14) {
        return Vec::new();
    }
    let mut header = vec!["source"];
    header.extend(course.placed.iter().map(|stage| stage.name.as_str()));
    let rows = course.curriculum.names.iter().take(LISTED).enumerate().map(|(index, name)| {
        let cells = course.placed.iter().map(|stage| {
            let (first, last) = (percent(stage.first[index]), percent(stage.last[index]));
            let number = first.trim_end_matches(" %");
            if stage.moves { format!("{number} to {last}") } else { first }
        });
        std::iter::once(shortened(name)).chain(cells).collect()
    });
    let heading = Block::Heading("Mixture of each stage".to_owned());
    vec![heading, Block::table(&header, rows.collect(), 1)]
}

/// Progress at one of so many points, the last one at the end of the run.
fn progress(point: u32, of: u32) -> f64 {
    f64::from(point) / f64::from(of.max(2) - 1)
}

fn points(course: &Course, of: u32) -> Block {
    let columns: Vec<Vec<f64>> = (0..of)
        .map(|point| course.curriculum.weights(&course.placed, progress(point, of)))
        .collect();
    let titles: Vec<String> =
        (0..of).map(|point| Tokens(course.tokens.0 * progress(point, of)).human()).collect();
    let mut header = vec!["source"];
    header.extend(titles.iter().map(String::as_str));
    let rows = course.curriculum.names.iter().take(LISTED).enumerate().map(|(index, name)| {
        let shares = columns.iter().map(|column| percent(column[index]));
        std::iter::once(shortened(name)).chain(shares).collect()
    });
    Block::table(&header, rows.collect(), 1)
}

/// A table of sources and stages: what each draws in each, and in all.
fn per_stage(course: &Course, cell: impl Fn(f64, &str) -> String) -> Block {
    let mut header = vec!["source"];
    header.extend(course.placed.iter().map(|stage| stage.name.as_str()));
    header.push("in all");
    let rows = course.curriculum.names.iter().take(LISTED).enumerate().map(|(index, name)| {
        let own: Vec<f64> =
            course.placed.iter().map(|stage| stage.mean[index] * stage.tokens.0).collect();
        let total = own.iter().sum();
        let cells = own.into_iter().chain([total]).map(|tokens| cell(tokens, name));
        std::iter::once(shortened(name)).chain(cells).collect()
    });
    Block::table(&header, rows.collect(), 1)
}

/// What a reader finds in the JSON alone.
fn left_out(course: &Course) -> Option<Block> {
    let (sources, stages) = (course.curriculum.names.len(), course.placed.len());
    let many = match (sources > LISTED, !course.has_room(7)) {
        (false, false) => return None,
        (true, false) => format!("{LISTED} of {sources} sources are shown"),
        (false, true) => format!("tokens in each of {stages} stages are left out"),
        (true, true) => {
            format!(
                "{LISTED} of {sources} sources are shown, tokens in each of {stages} stages left out"
            )
        }
    };
    Some(Block::Line(format!("  {many}; `--format json` has all.")))
}

/// Passes per source and stage, where there are several stages and every size is known.
fn epochs(answer: &Answer, course: &Course) -> Vec<Block> {
    let size = |name: &str| answer.chosen.sources.get(name).and_then(|source| source.unique_tokens);
    let sized = course.curriculum.names.iter().any(|name| size(name).is_some());
    if !sized || course.placed.len() < 2 {
        return Vec::new();
    }
    let passes = |tokens: f64, name: &str| {
        size(name).map_or("?".to_owned(), |size| (Tokens(tokens) / size).human())
    };
    vec![Block::Heading("Epochs per source and stage".to_owned()), per_stage(course, passes)]
}

/// What the sources would have to hold for the stated passes over everything.
fn equal_epochs(answer: &Answer, course: &Course) -> Option<Block> {
    let epochs = answer.chosen.run.epochs.filter(|_| course.curriculum.names.len() <= LISTED)?;
    let sizes = course.curriculum.names.iter().enumerate().map(|(index, name)| {
        let drawn: f64 = course.placed.iter().map(|stage| stage.mean[index] * stage.tokens.0).sum();
        format!("{name} {}", Tokens(drawn / epochs.0).human())
    });
    Some(Block::Line(format!(
        "  {} passes over every source would need these sizes: {}.",
        epochs.human(),
        sizes.collect::<Vec<_>>().join(", ")
    )))
}

/// Where a stage hands over to the next.
struct HandOff<'a> {
    from: &'a str,
    to: &'a str,
    tokens: Tokens,
    /// Steps until there, where those of every stage before it are known.
    step: Option<Steps>,
}

impl Course<'_> {
    fn hand_offs(&self) -> Vec<HandOff<'_>> {
        let mut step = Some(Steps(0.0));
        let pairs = self.placed.windows(2).map(|pair| {
            step = step.zip(pair[0].steps).map(|(sum, own)| Steps(sum.0 + own.0));
            let (from, to) = (pair[0].name.as_str(), pair[1].name.as_str());
            HandOff { from, to, tokens: pair[1].start_tokens, step }
        });
        pairs.collect()
    }
}

/// Where to evaluate: before and after each change of the mixture.
fn hand_offs(course: &Course) -> Option<Block> {
    let place = |hand_off: &HandOff| {
        let tokens = hand_off.tokens.human();
        match hand_off.step {
            Some(step) => format!("{tokens} tokens (step {})", step.human()),
            None => format!("{tokens} tokens"),
        }
    };
    let places: Vec<String> = course.hand_offs().iter().map(place).collect();
    (1..=HAND_OFFS).contains(&places.len()).then(|| {
        Block::Line(format!("  Evaluate before and after each hand-off: at {}.", places.join(", ")))
    })
}
