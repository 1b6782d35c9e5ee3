//! The layouts of Calculon's search against ours.
//!
//! Calculon (github.com/calculon-ai/calculon, commit caa4b11, Apache-2.0) loops over executions in
//! `calculon/llm/optimal_execution.py`; here its loops are told anew, and counted. Its own counts are
//! those of `bin/calculon llm-optimal-execution MODEL DEVICES BATCH float16
//! systems/a100_80e.json OUT -d`, run on 2026-11-24.

use super::network::{grouped, network};
use plan::hardware::{self, Device, UserDevice};
use plan::layout::{Layout, LayoutKeys, Recompute, Strategy};
use plan::memory::{AttentionKernel, LossKernel, Optimizer, Precision, Profile, Setting};
use plan::model::{Block, FeedForward, Mlp, Shape, Stack};
use plan::search::Question;
use plan::throughput::{Clock, Work, engines};

/// A model of `models/`, and how it is searched.
#[derive(Clone, Copy)]
pub struct Space {
    pub hidden: u64,
    pub heads: u64,
    pub layers: u64,
    pub devices: u64,
    /// At most so many sequences a step: the largest multiple of the data-parallel devices.
    pub batch: u64,
}

pub const SEQUENCE: u64 = 2048;
/// `megatron-22B.json` on 8 devices.
pub const MEGATRON_22B: Space = Space { hidden: 6144, heads: 64, layers: 48, devices: 8, batch: 4 };
/// `gpt3-175B.json` on 1,024 devices.
pub const GPT3_175B: Space =
    Space { hidden: 12_288, heads: 96, layers: 96, devices: 1024, batch: 1536 };

/// What both searches turn over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Core {
    pub tp: u64,
    pub pp: u64,
    pub dp: u64,
    pub interleave: u64,
    pub micro_batch: u64,
    /// Sequences of a step.
    pub batch: u64,
    /// 0, 1, 2: none, attention, full.
    pub recompute: u8,
    /// Whether optimizer states are sharded.
    pub sharded: bool,
}

fn factors(number: u64) -> impl Iterator<Item = u64> {
    (1..=number).filter(move |n| number.is_multiple_of(*n))
}

impl Space {
    /// Every core, with the executions that Calculon makes of it: its kinds and overlaps of
    /// collectives, offloads and networks, which ours derives or does not have.
    pub fn each(&self, mut found: impl FnMut(Core, u64)) {
        let when = |condition: bool, ways: u64| if condition { ways } else { 1 };
        for tp in factors(self.devices) {
            if !self.hidden.is_multiple_of(tp) || !self.heads.is_multiple_of(tp) {
                continue;
            }
            for pp in factors((self.devices / tp).min(self.layers)) {
                if !self.devices.is_multiple_of(tp * pp) || !self.layers.is_multiple_of(pp) {
                    continue;
                }
                let dp = self.devices / tp / pp;
                if dp > self.batch {
                    continue;
                }
                let batch = self.batch / dp * dp;
                // two networks for every axis that is one; overlap of data and tensor parallel
                let axes = when(tp > 1, 2) * when(pp > 1, 2) * when(dp > 1, 2);
                let overlaps = when(dp > 1, 2) * when(tp > 1, 3);
                let chunks = if pp == 1 { 1 } else { self.layers / pp };
                for interleave in factors(chunks) {
                    for recompute in 0..3 {
                        let full = recompute == 2;
                        // all-reduce, p2p and reduce-scatter, which may gather anew
                        let collectives = if full { 3 } else { 4 };
                        // weights, optimizer and, unless recomputed, activations
                        let offloads = if full { 4 } else { 8 };
                        for sharded in [true, false] {
                            if sharded && dp == 1 {
                                continue;
                            }
                            for micro_batch in factors(batch / dp) {
                                if !(micro_batch * SEQUENCE).is_multiple_of(tp) {
                                    continue;
                                }
                                let core = Core {
                                    tp,
                                    pp,
                                    dp,
                                    interleave,
                                    micro_batch,
                                    batch,
                                    recompute,
                                    sharded,
                                };
                                found(core, axes * overlaps * collectives * offloads);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The model, with the vocabulary that Narayanan et al. (2021) pad GPT-2's to.
    pub fn shape(&self) -> Shape {
        let mlp = Mlp { width: 4 * self.hidden, gated: false, bias: false };
        let attention = grouped(self.heads, self.heads, self.hidden / self.heads);
        let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
        network(self.hidden, 51_200, true, vec![Stack { layers: self.layers, block }])
    }

    /// Our search over the same dimensions: no context parallel, tensor parallel over nodes too
    /// unless `in_node`.
    pub fn ask<T>(&self, in_node: bool, answer: impl FnOnce(&Question) -> T) -> T {
        let shape = self.shape();
        let work = Work::of(&shape, SEQUENCE);
        let engine = engines().find("megatron-2022").expect("known");
        let a100 = hardware::catalogue().find("a100-sxm-80gb").expect("known");
        let device = Device::of(self.devices, Some(a100), None, &UserDevice::default());
        let device = device.expect("its node is known");
        let setting = Setting {
            layout: Layout::of(&LayoutKeys::default(), 1).expect("one device"),
            sequence: SEQUENCE,
            precision: Precision::Bf16,
            optimizer: Optimizer::AdamW,
            attention: AttentionKernel::Sdpa,
            loss: LossKernel::Fused,
            profile: Profile::Megatron,
            adapter: None,
            family: None,
        };
        let clock = Clock::new(&work, engine, &device, setting.precision, setting.optimizer);
        answer(&Question {
            shape: &shape,
            setting,
            clock: clock.expect("BF16 is known"),
            devices: self.devices,
            node_devices: if in_node { device.links.node_devices } else { self.devices },
            sequences: self.batch,
            room: 80e9 * 0.95,
            strategies: vec![Strategy::Zero1, Strategy::Ddp],
            fixed: LayoutKeys { cp: Some(1), ..LayoutKeys::default() },
            breadth: plan::search::Breadth::All,
        })
    }
}

/// A core as a layout of ours.
pub fn layout(core: &Core) -> Layout {
    let sharded = core.sharded;
    Layout {
        strategy: if sharded { Strategy::Zero1 } else { Strategy::Ddp },
        dp_replicate: if sharded { 1 } else { core.dp },
        dp_shard: if sharded { core.dp } else { 1 },
        tp: core.tp,
        pp: core.pp,
        cp: 1,
        ep: 1,
        interleave: core.interleave,
        micro_batch: core.micro_batch,
        micro_batches: core.batch / core.dp / core.micro_batch,
        recompute: [Recompute::None, Recompute::Selective, Recompute::Full]
            [usize::from(core.recompute)],
        reshard: true,
        cpu_offload: false,
        schedule: plan::layout::PipelineSchedule::default(),
        async_tp: false,
    }
}

/// A layout of ours as a core.
pub fn core(layout: &Layout) -> Core {
    let dp = layout.data_parallel();
    Core {
        tp: layout.tp,
        pp: layout.pp,
        dp,
        interleave: layout.interleave,
        micro_batch: layout.micro_batch,
        batch: dp * layout.micro_batch * layout.micro_batches,
        recompute: match layout.recompute {
            Recompute::None => 0,
            Recompute::Selective => 1,
            Recompute::Full => 2,
        },
        sharded: layout.strategy == Strategy::Zero1,
    }
}
