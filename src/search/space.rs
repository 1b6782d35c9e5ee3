//! Every legal layout, degree by degree.

use super::{Breadth, Counts, Question, Reason};
use crate::layout::{Layout, PipelineSchedule, Recompute, Strategy};
use crate::memory::{Setting, possible};
use crate::model::FeedForward;

/// Largest degrees of a short list.
const STAGES: u64 = 16;
const CHUNKS: u64 = 4;
const EXPERTS: u64 = 64;
const SEQUENCES: u64 = 8;
const CONTEXT: u64 = 8;
/// Tokens up to which a short list leaves a sequence whole.
const WHOLE: u64 = 16_384;

/// Calls `found` with every legal layout, and counts what is refused.
pub(super) fn each(question: &Question, found: &mut dyn FnMut(&Layout)) -> Counts {
    let mut space = Space { q: question, found, counts: Counts::default() };
    space.tensor();
    space.counts
}

/// What is searched, and what comes of it.
struct Space<'a> {
    q: &'a Question<'a>,
    found: &'a mut dyn FnMut(&Layout),
    counts: Counts,
}

/// Degrees that are decided before a strategy is.
#[derive(Clone, Copy)]
struct Split {
    tp: u64,
    pp: u64,
    cp: u64,
    data: u64,
}

impl Space<'_> {
    fn refuse(&mut self, reason: Reason) {
        *self.counts.refused.entry(reason).or_default() += 1;
    }

    /// The divisors of so many devices, or the one that is fixed.
    fn degrees(&mut self, of: u64, fixed: Option<u64>, reason: Reason) -> Vec<u64> {
        match fixed {
            None => divisors(of),
            Some(degree) if degree > 0 && of.is_multiple_of(degree) => vec![degree],
            Some(_) => {
                self.refuse(reason);
                Vec::new()
            }
        }
    }

    /// Of degrees that are open those up to `most`, where the list is a short one.
    fn listed(&self, mut degrees: Vec<u64>, fixed: Option<u64>, most: u64) -> Vec<u64> {
        if self.q.breadth == Breadth::Short && fixed.is_none() {
            degrees.retain(|degree| *degree <= most);
        }
        degrees
    }

    fn tensor(&mut self) {
        let q = self.q;
        for tp in self.degrees(q.devices, q.fixed.tp, Reason::Devices) {
            let heads = |tp: u64| {
                q.shape.blocks().all(|(_, block)| block.attention.heads().is_multiple_of(tp))
            };
            if tp > q.node_devices && q.fixed.tp.is_none() {
                self.refuse(Reason::AcrossNodes);
            } else if !heads(tp) {
                self.refuse(Reason::Heads);
            } else {
                self.pipeline(tp);
            }
        }
    }

    fn pipeline(&mut self, tp: u64) {
        let q = self.q;
        let short = q.breadth == Breadth::Short;
        let pps = self.degrees(q.devices / tp, q.fixed.pp, Reason::Devices);
        for pp in self.listed(pps, q.fixed.pp, STAGES) {
            if pp > q.shape.layers() {
                self.refuse(Reason::Stages);
                continue;
            }
            let layers = q.shape.layers();
            // as in `Stages`: embedding and head may stand for a layer each
            let even = layers.is_multiple_of(pp) || (layers + 2).is_multiple_of(pp);
            if short && q.fixed.pp.is_none() && !even {
                continue;
            }
            let rest = q.devices / tp / pp;
            let most = if q.setting.sequence > WHOLE { CONTEXT } else { 1 };
            let cps = self.degrees(rest, q.fixed.cp, Reason::Devices);
            for cp in self.listed(cps, q.fixed.cp, most) {
                let data = rest / cp;
                if !q.setting.sequence.is_multiple_of(cp) {
                    self.refuse(Reason::Sequence);
                } else if q.sequences.is_multiple_of(data) {
                    self.data(Split { tp, pp, cp, data });
                } else {
                    self.refuse(Reason::Batch);
                }
            }
        }
    }

    fn data(&mut self, split: Split) {
        let q = self.q;
        for &strategy in &q.strategies {
            let copies = match strategy {
                Strategy::Dp | Strategy::Ddp => vec![split.data],
                // one copy is fsdp2, and a copy on every device is ddp
                Strategy::Hsdp => divisors(split.data)
                    .into_iter()
                    .filter(|copies| *copies > 1 && *copies < split.data)
                    .collect(),
                _ => vec![1],
            };
            for dp_replicate in copies {
                let dp_shard = split.data / dp_replicate;
                let fixed = q.fixed.dp_replicate.is_none_or(|n| n == dp_replicate)
                    && q.fixed.dp_shard.is_none_or(|n| n == dp_shard);
                if fixed {
                    self.experts(split, strategy, dp_replicate, dp_shard);
                } else {
                    self.refuse(Reason::Copies);
                }
            }
        }
    }

    fn experts(&mut self, split: Split, strategy: Strategy, dp_replicate: u64, dp_shard: u64) {
        let q = self.q;
        let mesh = dp_shard * split.cp * split.tp;
        let searched = if q.shape.has_experts() { q.fixed.ep } else { q.fixed.ep.or(Some(1)) };
        let eps = self.degrees(mesh, searched, Reason::Experts);
        for ep in self.listed(eps, searched, EXPERTS) {
            let whole = q.shape.blocks().all(|(_, block)| match &block.feed_forward {
                FeedForward::Experts(experts) => experts.count.is_multiple_of(ep),
                FeedForward::Dense(_) => true,
            });
            if !whole {
                self.refuse(Reason::Experts);
                continue;
            }
            self.inside(&Layout {
                strategy,
                dp_replicate,
                dp_shard,
                tp: split.tp,
                pp: split.pp,
                cp: split.cp,
                ep,
                interleave: 1,
                micro_batch: 1,
                micro_batches: 1,
                recompute: Recompute::None,
                reshard: true,
                cpu_offload: false,
                schedule: PipelineSchedule::default(),
                async_tp: q.fixed.async_tp.unwrap_or(false) && split.tp > 1,
            });
        }
    }

    /// What is left where the devices are shared out.
    fn inside(&mut self, split: &Layout) {
        let q = self.q;
        let schedule = q.fixed.schedule.filter(|_| split.pp > 1).unwrap_or_default();
        let layers = q.shape.layers();
        let chunks = if split.pp > 1 && layers.is_multiple_of(split.pp) {
            divisors(layers / split.pp)
        } else {
            vec![1]
        };
        let interleaves = match q.fixed.interleave {
            Some(fixed) if chunks.contains(&fixed) => vec![fixed],
            Some(_) => return self.refuse(Reason::Schedule),
            None => self.listed(chunks, None, CHUNKS),
        };
        let local = q.sequences / split.data_parallel();
        let micro_batches = self.micro_batches(local);
        let recomputes = [Recompute::None, Recompute::Selective, Recompute::Full];
        let recomputes: Vec<_> = recomputes
            .into_iter()
            .filter(|recompute| q.fixed.recompute.is_none_or(|fixed| fixed == *recompute))
            .collect();
        let reshards = match (split.strategy.gathers(), q.fixed.reshard) {
            (false, _) => vec![true],
            (true, Some(fixed)) => vec![fixed],
            (true, None) if q.breadth == Breadth::Short => vec![true],
            (true, None) => vec![true, false],
        };
        for interleave in interleaves {
            if interleave > 1 && schedule == PipelineSchedule::ZbH1 {
                self.refuse(Reason::Schedule);
                continue;
            }
            for &recompute in &recomputes {
                for &reshard in &reshards {
                    for &(micro_batch, micro_batches) in &micro_batches {
                        self.layout(&Layout {
                            interleave,
                            micro_batch,
                            micro_batches,
                            recompute,
                            reshard,
                            schedule,
                            ..*split
                        });
                    }
                }
            }
        }
    }

    /// Ways to cut a device's sequences into micro-batches.
    fn micro_batches(&mut self, local: u64) -> Vec<(u64, u64)> {
        let fixed = &self.q.fixed;
        let ways = self.degrees(local, fixed.micro_batch, Reason::MicroBatch);
        let ways = self.listed(ways, fixed.micro_batch, SEQUENCES);
        let ways = ways.into_iter().map(|each| (each, local / each));
        ways.filter(|(_, times)| fixed.micro_batches.is_none_or(|fixed| fixed == *times)).collect()
    }

    fn layout(&mut self, layout: &Layout) {
        let setting = Setting { layout: *layout, ..self.q.setting };
        match possible(self.q.shape, &setting) {
            Ok(()) => {
                self.counts.legal += 1;
                (self.found)(layout);
            }
            Err(error) => self.refuse(Reason::Engine(error.key)),
        }
    }
}

/// Divisors, from 1 on.
fn divisors(number: u64) -> Vec<u64> {
    let small = (1..).take_while(|n| n * n <= number).filter(|n| number.is_multiple_of(*n));
    let mut out: Vec<u64> = small.flat_map(|n| [n, number / n]).collect();
    out.sort_unstable();
    out.dedup();
    out
}
