//! Shapes that hurt: they train, but slower or worse than their neighbours.

use super::relatives::float;
use super::shape::{Attention, FeedForward, Positions, Shape};
use crate::quantity::grouped;
use std::collections::BTreeSet;

/// Hidden width over layers of the published shapes: `SmolLM2` 135M 19.2, BLOOM and Command R 204.8.
pub const USUAL_ASPECT: [f64; 2] = [19.0, 205.0];

/// Matrix tiles that the fast kernels fill: 128 columns.
const TILE: u64 = 128;
/// Most published models have heads of this width or of twice as much.
const HEAD: u64 = 64;
/// Widths of heads for which FlashAttention-2 has a kernel (`HEADDIM_SWITCH` in its `static_switch.h`);
/// any other runs in the next one. Versions before had those of [`DROPPED`] too.
const KERNELS: [u64; 6] = [32, 64, 96, 128, 192, 256];
const DROPPED: [u64; 2] = [160, 224];

/// Something about a shape that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// What is unusual.
    pub message: String,
    /// What to write in its place.
    pub help: String,
    /// Why it costs, with its measurement where one is known.
    pub evidence: String,
}

/// Kinds of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarningKind {
    /// The hidden width does not fill tiles on every tensor-parallel rank.
    Hidden,
    /// Nor does the feed-forward's.
    Ffn,
    /// Heads are not of a width that attention kernels are made for.
    HeadDim,
    /// The vocabulary does not fill tiles on every tensor-parallel rank.
    Vocab,
    /// Deeper or wider than any model of the catalogue.
    Aspect,
    /// Sequences are longer than the table of learned positions.
    Positions,
}

const TILES: &str = "a tile of a matrix product that is partly empty costs as much as a full one \
    (NVIDIA, Matrix Multiplication Background User's Guide). BigScience on 320 A100: 94 TFLOP/s at \
    width 14,400, which is no multiple of 128, 120 at 13,824, which is one; the widths of the heads \
    differ there too, so that not all of it need be the tiles (bigscience-workshop/bigscience, \
    commit 9e64ede, train/tr11-176B-ml/chronicles-prequel.md)";
const EIGHTHS: &str = "BigScience's 176B-class runs on 384 A100, before FlashAttention: at width 13,824, \
    128 heads of 108 reached 100 TFLOP/s, 96 of 144 130 and 64 of 216 134; the number of heads \
    differs with their width (bigscience-workshop/bigscience, commit 9e64ede, \
    train/tr11-176B-ml/chronicles-prequel.md)";
const VOCAB: &str = "the head is the largest matrix of a small model, and Megatron-LM pads the \
    vocabulary to a multiple of 128 x tp by default (--make-vocab-size-divisible-by)";
const ASPECT: &str =
    "hidden width over layers is 19 to 205 in the published shapes of the catalogue";

impl Shape {
    /// What hurts, on so many tensor-parallel ranks (1 for none).
    #[must_use]
    pub fn warnings(&self, tp: u64) -> Vec<Warning> {
        let tile = TILE.saturating_mul(tp.max(1));
        let ranks = if tp > 1 { format!(" x {tp} tensor-parallel ranks") } else { String::new() };
        let off_tile = |kind, name: &str, value: u64, evidence: &str| {
            (!value.is_multiple_of(tile)).then(|| Warning {
                kind,
                message: format!("{name} {value} is not a multiple of {TILE}{ranks}"),
                help: nearest_multiples(value, tile),
                evidence: evidence.to_owned(),
            })
        };
        let mut warnings = Vec::new();
        warnings.extend(off_tile(WarningKind::Hidden, "hidden width", self.hidden, TILES));
        for (name, width) in self.ffn_widths() {
            warnings.extend(off_tile(WarningKind::Ffn, name, width, TILES));
        }
        warnings.extend(self.head_widths().into_iter().filter_map(off_head));
        if !self.vocab.is_multiple_of(tile) {
            let padded = self.vocab.next_multiple_of(tile);
            warnings.push(Warning {
                kind: WarningKind::Vocab,
                message: format!("vocabulary {} is not a multiple of {TILE}{ranks}", self.vocab),
                help: format!("pad it to {padded}, with rows that no token uses"),
                evidence: VOCAB.to_owned(),
            });
        }
        let aspect = self.aspect();
        let [least, most] = USUAL_ASPECT;
        if !(least..=most).contains(&aspect) {
            let deep = aspect < least;
            warnings.push(Warning {
                kind: WarningKind::Aspect,
                message: format!(
                    "{} of width {}: {} than any model of the catalogue",
                    match self.layers() {
                        1 => "1 layer".to_owned(),
                        layers => format!("{layers} layers"),
                    },
                    self.hidden,
                    if deep { "deeper for its width" } else { "wider for its depth" }
                ),
                help: format!(
                    "take {} layers",
                    if deep { "fewer, wider" } else { "more, narrower" }
                ),
                evidence: ASPECT.to_owned(),
            });
        }
        warnings
    }

    /// That sequences of so many tokens reach beyond the learned positions, where there are some.
    #[must_use]
    pub fn too_few_positions(&self, sequence: f64) -> Option<Warning> {
        let Positions::Learned(rows) = self.positions else {
            return None;
        };
        (sequence > float(rows.into())).then(|| Warning {
            kind: WarningKind::Positions,
            message: format!(
                "sequences of {} tokens, but {} learned positions",
                grouped(sequence),
                grouped(float(rows.into()))
            ),
            help: "shorten the sequences, or give the table as many rows".to_owned(),
            evidence: "a learned table of positions has no row behind its end, and the parameters \
                       are counted with the rows that it has"
                .to_owned(),
        })
    }

    /// Inner widths of dense feed-forwards and of experts, each once.
    fn ffn_widths(&self) -> BTreeSet<(&'static str, u64)> {
        let widths = self.blocks().map(|(_, block)| match block.feed_forward {
            FeedForward::Dense(mlp) => ("feed-forward width", mlp.width),
            FeedForward::Experts(experts) => ("expert width", experts.expert.width),
        });
        widths.collect()
    }

    /// Widths of queries and values, each once.
    fn head_widths(&self) -> BTreeSet<u64> {
        let widths = self.blocks().flat_map(|(_, block)| match block.attention {
            Attention::Grouped(grouped) => [grouped.head_dim; 2],
            Attention::Latent(latent) => {
                [latent.nope_dim.saturating_add(latent.rope_dim), latent.value_dim]
            }
        });
        widths.collect()
    }
}

fn off_head(width: u64) -> Option<Warning> {
    (!width.is_multiple_of(HEAD)).then(|| Warning {
        kind: WarningKind::HeadDim,
        message: format!("heads of width {width} are not a multiple of {HEAD}"),
        help: "take heads of 64 or 128, and as many as fit".to_owned(),
        evidence: if width.is_multiple_of(8) { kernel(width) } else { EIGHTHS.to_owned() },
    })
}

/// In which kernel of FlashAttention-2 a head runs.
fn kernel(width: u64) -> String {
    let next = KERNELS.into_iter().find(|kernel| *kernel >= width);
    match next {
        None => format!("FlashAttention-2 takes heads of {} at most", KERNELS[KERNELS.len() - 1]),
        Some(own) if own == width => format!(
            "FlashAttention-2 has a kernel for heads of {width} and pads nothing; most published \
             models have 64 or 128, and no measurement is known here of what {width} costs beside them"
        ),
        Some(next) => {
            let dropped = DROPPED.contains(&width);
            let version = if dropped { ", whose older versions have one of its own" } else { "" };
            format!(
                "FlashAttention-2{version} runs heads of {width} in its kernel for {next}: {} of {next} \
                 columns are padding (csrc/flash_attn/src/static_switch.h)",
                next - width
            )
        }
    }
}

fn nearest_multiples(value: u64, tile: u64) -> String {
    let above = value.checked_next_multiple_of(tile).unwrap_or(value);
    match above.saturating_sub(tile) {
        0 => format!("the next that is: {above}"),
        below => format!("the nearest that are: {below} and {above}"),
    }
}
