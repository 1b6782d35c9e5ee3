//! The best layout, what others hold and take, and why they lose.

mod json;
mod picture;

use super::block::Block;
use super::step::{count, degrees};
use crate::derive::LayoutSearch;
use crate::layout::{Layout, LayoutKeys};
use crate::model::{Convention, shapes};
use crate::plan::ModelChoice;
use crate::quantity::{Quantity, grouped, round_significant, significant};
use crate::search::{Candidate, Found};
use crate::throughput::mfu;
use std::fmt::Write as _;

/// Bytes of a GiB, in which PyTorch prints memory.
const GIB: f64 = 1_073_741_824.0;
/// Parts of a step that are told of the best, and of what makes another one slower.
const PARTS: usize = 3;
/// Layouts of the front in a table; JSON and CSV have all.
const ROWS: usize = 12;

/// A search and what it found, to be shown.
#[derive(Debug, Clone, Copy)]
pub struct LayoutView<'a> {
    /// The model in a few words.
    pub model: &'a str,
    /// What was searched.
    pub search: &'a LayoutSearch,
    /// What was found.
    pub found: &'a Found,
}

impl LayoutView<'_> {
    /// Everything, for a terminal of so many columns.
    #[must_use]
    pub fn blocks(&self, width: u16, ascii: bool) -> Vec<Block> {
        let found = self.found;
        let mut blocks = vec![Block::Heading("The best layout".to_owned())];
        blocks.push(Block::Line(format!("  {}", self.asked())));
        match &found.best {
            Some(best) => {
                blocks.extend(self.best(best));
                blocks.push(Block::Picture(format!("\n{}", self.toml(best))));
            }
            None => blocks.push(Block::Line(format!("  {}", self.none()))),
        }
        if !found.front.is_empty() {
            let title = "Time and memory: no other layout is as fast and holds as little";
            blocks.push(Block::Heading(title.to_owned()));
            blocks.push(Block::Picture(picture::text(self, width, ascii)));
            blocks.push(self.front());
        }
        if !found.runners_up.is_empty() {
            blocks.push(Block::Heading(
                "Runners-up: the fastest of other splits, and what takes longer".to_owned(),
            ));
            blocks.extend(self.runners_up());
        }
        if !found.too_large.is_empty() {
            blocks.push(Block::Heading("Faster, but too large".to_owned()));
            blocks.push(self.too_large());
        }
        blocks.push(Block::Heading("What was searched".to_owned()));
        blocks.push(Block::Line(format!("  {}", self.counts())));
        if !found.counts.refused.is_empty() {
            let refused = found.counts.refused.iter();
            let refused = refused.map(|(why, times)| format!("{why} ({})", count(*times)));
            let refused = refused.collect::<Vec<_>>().join("; ");
            blocks.push(Block::Line(format!("  Refused: {refused}.")));
        }
        blocks.extend(self.search.remarks.iter().cloned().map(Block::Note));
        blocks
    }

    /// The front as an SVG document of 900 x 420 pixels on white; none where it is empty.
    #[must_use]
    pub fn svg(&self) -> Option<String> {
        (!self.found.front.is_empty()).then(|| picture::svg(self))
    }

    /// Why layouts were refused.
    #[must_use]
    pub fn refusals(&self) -> String {
        let reasons = self.found.counts.refused.keys();
        reasons.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// Tokens per second of one device.
    fn rate(&self, candidate: &Candidate) -> f64 {
        self.search.tokens() / candidate.time.seconds() / self.devices()
    }

    fn devices(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let devices = self.search.devices as f64;
        devices
    }

    fn mfu(&self, candidate: &Candidate, convention: Convention) -> f64 {
        let (search, rate) = (self.search, self.rate(candidate));
        let (sequence, peak) = (search.setting.sequence, search.device.peak_flops);
        mfu(&search.shape, sequence, convention, rate, peak)
    }

    fn asked(&self) -> String {
        let search = self.search;
        let mut text = format!(
            "{} on {} x {}, {} sequences of {} tokens a step, {}; engine {}.",
            self.model,
            count(search.devices),
            search.accelerator,
            count(search.sequences),
            count(search.setting.sequence),
            search.setting.precision,
            search.engine.name,
        );
        let fixed = toml_lines(&search.fixed);
        if !fixed.is_empty() {
            let _ = write!(text, " Fixed: {}.", fixed.join(", "));
        }
        text
    }

    fn best(&self, best: &Candidate) -> Vec<Block> {
        let rate = self.rate(best);
        let seconds = best.time.seconds();
        let palm = Convention::Palm;
        let mut parts: Vec<_> = parts(best);
        parts.truncate(PARTS);
        let parts = parts.iter().map(|(name, s)| format!("{name} {}", percent(s / seconds)));
        vec![
            Block::Line(format!(
                "  {} tokens/s per device, predicted; {} MFU ({}), {} s a step.",
                grouped(round_significant(rate, 4)),
                percent(self.mfu(best, palm)),
                palm.name(),
                significant(seconds, 4),
            )),
            Block::Line(format!(
                "  Holds {} GiB with the context; a device has {}, of which {} are left free.",
                gib(best.bytes),
                gib(self.search.capacity),
                format_args!(
                    "{} %",
                    significant((1.0 - self.search.room() / self.search.capacity) * 100.0, 2)
                ),
            )),
            Block::Line(format!("  The step: {}.", parts.collect::<Vec<_>>().join(", "))),
        ]
    }

    /// The `[layout]` to choose.
    fn toml(&self, best: &Candidate) -> String {
        let lines = toml_lines(&self.search.keys(&best.layout));
        lines.iter().fold("  [layout]\n".to_owned(), |all, line| format!("{all}  {line}\n"))
    }

    fn none(&self) -> String {
        match self.found.front.last() {
            None => format!("No layout is legal: {}.", self.refusals()),
            Some(least) => format!(
                "No layout fits: the smallest holds {} GiB with the context ({}), and {} are \
                 to be had.",
                gib(least.bytes),
                short(&least.layout),
                gib(self.search.room()),
            ),
        }
    }

    fn front(&self) -> Block {
        let front = &self.found.front;
        // the ends and what lies evenly between them
        let last = front.len() - 1;
        let shown = ROWS.min(front.len());
        let place = |row: usize| if shown == 1 { 0 } else { row * last / (shown - 1) };
        let rows = (0..shown).map(|row| {
            let candidate = &front[place(row)];
            let best = self.found.best.is_some_and(|best| best == *candidate);
            let fits = if best { "best" } else { yes(candidate.fits) };
            vec![
                short(&candidate.layout),
                grouped(round_significant(self.rate(candidate), 4)),
                gib(candidate.bytes),
                fits.to_owned(),
            ]
        });
        Block::table(&["layout", "tokens/s", "GiB", "fits"], rows.collect(), 1)
    }

    /// A sentence for each: the parts of a step that take longer than the best's.
    fn runners_up(&self) -> Vec<Block> {
        let Some(best) = &self.found.best else { return Vec::new() };
        let seconds = best.time.seconds();
        let lines = self.found.runners_up.iter().map(|other| {
            let mut longer = other.longer(best);
            longer.truncate(2);
            let longer = longer.iter().map(|(name, s)| format!("{name} +{}", percent(s / seconds)));
            let slower = other.time.seconds() / seconds - 1.0;
            let slower = if slower > 0.0 {
                format!("{} slower", percent(slower))
            } else {
                "as fast, and met later".to_owned()
            };
            let mut why: Vec<String> = longer.collect();
            why.insert(0, slower);
            Block::Line(format!(
                "  {}: {}; {} GiB.",
                short(&other.layout),
                why.join(", "),
                gib(other.bytes)
            ))
        });
        lines.collect()
    }

    fn too_large(&self) -> Block {
        let room = self.search.room();
        let rows = self.found.too_large.iter().map(|other| {
            vec![
                short(&other.layout),
                grouped(round_significant(self.rate(other), 4)),
                gib(other.bytes),
                gib(other.bytes - room),
            ]
        });
        Block::table(&["layout", "tokens/s", "GiB", "over"], rows.collect(), 1)
    }

    fn counts(&self) -> String {
        let counts = &self.found.counts;
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = counts.discarded as f64 / (counts.legal.max(1)) as f64;
        format!(
            "{} legal layouts, all timed. The memory of {} was looked at, in {} simulations; \
             {} ({}) could not matter: parameters and optimizer alone hold what a faster one \
             holds in all.",
            count(counts.legal),
            count(counts.asked),
            count(counts.simulated),
            count(counts.discarded),
            percent(share),
        )
    }
}

/// The parts of a step, the longest first.
fn parts(candidate: &Candidate) -> Vec<(String, f64)> {
    candidate.longer(&Candidate { time: crate::throughput::StepTime::default(), ..*candidate })
}

/// A layout on a line.
fn short(layout: &Layout) -> String {
    let mut text = format!("{}{}", layout.strategy, degrees(layout));
    let _ = write!(text, ", {} x {}", layout.micro_batch, layout.micro_batches);
    if layout.recompute != crate::layout::Recompute::None {
        let _ = write!(text, ", {}", layout.recompute);
    }
    if layout.strategy.gathers() && !layout.reshard {
        text.push_str(", reshard off");
    }
    text
}

/// The keys of a layout as a plan has them.
fn toml_lines(keys: &LayoutKeys) -> Vec<String> {
    let text = toml::to_string(keys).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn gib(bytes: f64) -> String {
    significant(bytes / GIB, 3)
}

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

fn yes(fits: bool) -> &'static str {
    if fits { "yes" } else { "no" }
}

/// A model by its name and size.
#[must_use]
pub fn model_words(model: &ModelChoice, search: &LayoutSearch) -> String {
    let published = model.name.as_deref().and_then(|name| shapes().find(name).ok());
    let name = published.map(|published| published.title.clone()).or(model.config.clone());
    let params = format!("{} parameters", search.shape.params().human());
    name.map_or_else(|| params.clone(), |name| format!("{name}, {params}"))
}
