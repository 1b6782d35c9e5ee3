//! One step as allocations and frees in order.

use super::label::Label;
use super::line::Line;
use std::fmt;

/// An allocation, or a free where the size is negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// What it holds.
    pub label: Label,
    /// Bytes.
    pub size: Line,
    /// The stream that asks for it.
    pub lane: Lane,
    /// Which block of its layer it is; 0 where its kind and size say enough.
    pub name: u32,
}

impl Event {
    /// An allocation or a free of the computing stream.
    #[must_use]
    pub fn new(label: Label, size: Line) -> Self {
        Self { label, size, lane: Lane::Compute, name: 0 }
    }
}

/// A stream of a device: the allocator keeps the memory of each apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Where operators run.
    Compute,
    /// Where units are gathered (FSDP2's copy-in stream).
    Gather,
    /// Where gradients are reduced (FSDP2's reduce-scatter stream).
    Reduce,
}

impl Lane {
    /// How many there are.
    pub(super) const COUNT: usize = 3;
}

/// A part of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// What is held during the whole step.
    Start,
    /// The embedding.
    Embedding,
    /// Forward of a layer, the first of a run of like ones, counted from 0.
    Forward(u64),
    /// Final norm and head.
    Head,
    /// The loss.
    Loss,
    /// Backward of the loss.
    LossBackward,
    /// Backward of head and final norm.
    HeadBackward,
    /// Backward of a layer, the first (highest) of a run of like ones.
    Backward(u64),
    /// Backward of the embedding.
    EmbeddingBackward,
    /// Reduction of the gradients that are left.
    Reduce,
    /// The optimizer's step.
    Optimizer,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Embedding => "embedding",
            Self::Forward(layer) => return write!(f, "forward of layer {}", layer + 1),
            Self::Head => "forward of the head",
            Self::Loss => "loss",
            Self::LossBackward => "backward of the loss",
            Self::HeadBackward => "backward of the head",
            Self::Backward(layer) => return write!(f, "backward of layer {}", layer + 1),
            Self::EmbeddingBackward => "backward of the embedding",
            Self::Reduce => "reduction of the last gradients",
            Self::Optimizer => "optimizer step",
        })
    }
}

impl Phase {
    /// The same phase, so many layers further on.
    pub(super) fn later(self, repeats: u64) -> Self {
        match self {
            Self::Forward(layer) => Self::Forward(layer + repeats),
            Self::Backward(layer) => Self::Backward(layer.saturating_sub(repeats)),
            other => other,
        }
    }
}

/// Events that happen a number of times in a row, once for each of like layers.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    phase: Phase,
    times: u64,
    events: Vec<Event>,
}

/// One training step on one device: allocations and frees in order, like layers told once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    runs: Vec<Run>,
}

/// The height of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Peak {
    /// Bytes held at once.
    pub bytes: f64,
    /// When.
    pub phase: Phase,
    /// What was allocated last.
    pub last: Label,
    held: [f64; Label::ALL.len()],
}

impl Peak {
    /// Bytes of one kind at the peak.
    #[must_use]
    pub fn held(&self, label: Label) -> f64 {
        self.held[label as usize]
    }
}

/// What is held at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Bytes.
    pub bytes: f64,
    held: [f64; Label::ALL.len()],
}

impl Moment {
    /// Bytes of one kind.
    #[must_use]
    pub fn held(&self, label: Label) -> f64 {
        self.held[label as usize]
    }
}

/// A layer or another part of the step, as it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Which part.
    pub phase: Phase,
    /// What is held after each allocation and free, in order.
    pub moments: Vec<Moment>,
}

impl Timeline {
    /// Appends events that happen so many times in a row.
    pub(super) fn push(&mut self, phase: Phase, times: u64, events: Vec<Event>) {
        if times > 0 && !events.is_empty() {
            self.runs.push(Run { phase, times, events });
        }
    }

    /// The largest sum of what is held at once, for a micro-batch of so many tokens.
    ///
    /// From one of like layers to the next the level moves by the same amount, so the height of a
    /// run of them is at its first or its last.
    #[must_use]
    pub fn peak(&self, tokens: f64) -> Peak {
        let mut walk = Walk::new(tokens);
        for run in &self.runs {
            let before = walk.held;
            walk.through(run, 0);
            if run.times > 1 {
                walk.skip(&before, run.times - 2);
                walk.through(run, run.times - 1);
            }
        }
        walk.peak
    }

    /// The largest sum of what is held at once as a closed form: the upper envelope of the levels
    /// after every event, each a line in the tokens of the micro-batch.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        let mut lines = Vec::new();
        self.levels(|level| lines.push(level));
        Envelope::over(lines)
    }

    /// The most tokens of a micro-batch that never holds more than so many bytes; none where not
    /// even one token fits. One question needs no envelope, which sorts every level.
    #[must_use]
    pub fn most_tokens(&self, bytes: f64) -> Option<f64> {
        let mut most = f64::INFINITY;
        self.levels(|level| most = most.min(level.most_tokens(bytes)));
        (most >= 1.0).then_some(most.floor())
    }

    /// Every level that an allocation reaches, the layers between the first and the last of like
    /// ones left out.
    fn levels(&self, mut reach: impl FnMut(Line)) {
        let mut level = Line::ZERO;
        for run in &self.runs {
            let start = level;
            level = levels(run, level, &mut reach);
            if run.times > 1 {
                let skipped = (level - start) * times(run.times - 2);
                level = levels(run, level + skipped, &mut reach);
            }
        }
    }

    /// The whole step in order, layer by layer: what is held after every allocation and free of
    /// a micro-batch of so many tokens. The most of all is the [`peak`](Self::peak).
    pub fn stretches(&self, tokens: f64) -> impl Iterator<Item = Stretch> {
        let mut walk = Walk::new(tokens);
        let starting = self.runs.iter().filter(|run| run.phase == Phase::Start);
        let (starts, mut started) = (starting.map(|run| run.times).sum::<u64>(), 0);
        let repeated = self.runs.iter().flat_map(|run| (0..run.times).map(move |i| (run, i)));
        repeated.filter_map(move |(run, repeat)| {
            let moments = run.events.iter().map(|event| {
                walk.event(event);
                Moment { bytes: walk.level, held: walk.held }
            });
            let mut moments: Vec<Moment> = moments.collect();
            if run.phase == Phase::Start {
                // what is held throughout is made unit by unit, and is one moment
                started += 1;
                if started < starts {
                    return None;
                }
                moments.drain(..moments.len() - 1);
            }
            Some(Stretch { moments, phase: run.phase.later(repeat) })
        })
    }

    /// The events in order: each run of like layers once, with the number of these.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Phase, u64, &[Event])> {
        self.runs.iter().map(|run| (run.phase, run.times, run.events.as_slice()))
    }

    /// What is left of one kind when the step is over.
    #[must_use]
    pub fn left(&self, label: Label) -> Line {
        let mut left = Line::ZERO;
        for run in &self.runs {
            for event in run.events.iter().filter(|event| event.label == label) {
                left += event.size * times(run.times);
            }
        }
        left
    }
}

#[expect(clippy::cast_precision_loss, reason = "layers are few")]
fn times(layers: u64) -> f64 {
    layers as f64
}

fn levels(run: &Run, mut level: Line, reach: &mut impl FnMut(Line)) -> Line {
    for event in &run.events {
        level += event.size;
        if event.size.fixed > 0.0 || event.size.per_token > 0.0 {
            reach(level);
        }
    }
    level
}

struct Walk {
    tokens: f64,
    level: f64,
    held: [f64; Label::ALL.len()],
    peak: Peak,
}

impl Walk {
    fn new(tokens: f64) -> Self {
        let held = [0.0; Label::ALL.len()];
        let peak = Peak { bytes: 0.0, phase: Phase::Start, last: Label::Parameters, held };
        Self { tokens, level: 0.0, held, peak }
    }

    fn event(&mut self, event: &Event) {
        let size = event.size.at(self.tokens);
        self.level += size;
        self.held[event.label as usize] += size;
    }

    fn through(&mut self, run: &Run, repeat: u64) {
        for event in &run.events {
            self.event(event);
            if self.level > self.peak.bytes {
                self.peak = Peak {
                    bytes: self.level,
                    phase: run.phase.later(repeat),
                    last: event.label,
                    held: self.held,
                };
            }
        }
    }

    /// Goes past more layers like the one walked since `before`.
    fn skip(&mut self, before: &[f64; Label::ALL.len()], layers: u64) {
        let layers = times(layers);
        for (now, before) in self.held.iter_mut().zip(before) {
            let moved = (*now - before) * layers;
            *now += moved;
            self.level += moved;
        }
    }
}

/// The peak of a step as a function of its micro-batch: the highest of a few lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Rising slopes; each is highest somewhere.
    lines: Vec<Line>,
}

impl Envelope {
    /// Keeps the lines that are highest for some number of tokens from 1 on.
    fn over(mut lines: Vec<Line>) -> Self {
        lines.sort_by(|a, b| a.per_token.total_cmp(&b.per_token).then(a.fixed.total_cmp(&b.fixed)));
        let mut kept: Vec<Line> = Vec::new();
        for line in lines {
            while let Some(&last) = kept.last() {
                let covered = line.per_token <= last.per_token || line.at(1.0) >= last.at(1.0);
                let shadowed = kept.len() > 1 && {
                    // where the line before meets this one, the last one is not above them
                    let before = kept[kept.len() - 2];
                    let meet = (before.fixed - line.fixed) / (line.per_token - before.per_token);
                    last.at(meet) <= line.at(meet)
                };
                if !(covered || shadowed) {
                    break;
                }
                kept.pop();
            }
            kept.push(line);
        }
        Self { lines: kept }
    }

    /// The peak for a micro-batch of so many tokens, bytes.
    #[must_use]
    pub fn peak(&self, tokens: f64) -> f64 {
        self.lines.iter().fold(0.0, |most, line| line.at(tokens).max(most))
    }

    /// The most tokens of a micro-batch whose peak is not above so many bytes; none where not
    /// even one token fits.
    #[must_use]
    pub fn most_tokens(&self, bytes: f64) -> Option<f64> {
        let fits = self.lines.iter().map(|line| line.most_tokens(bytes));
        let most = fits.fold(f64::INFINITY, f64::min);
        (most >= 1.0).then_some(most.floor())
    }
}
