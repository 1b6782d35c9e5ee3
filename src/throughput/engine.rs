//! Engines: who splits, gathers, overlaps and recomputes how.

use super::constant::constants;
use crate::fact::{Catalogue, fact};
use crate::hardware::Family;
use crate::layout::Strategy;
use crate::memory::Profile;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use toml::value::Datetime;

/// Every engine, parsed when first asked for.
#[must_use]
pub fn engines() -> &'static Catalogue<Engine> {
    static ENGINES: LazyLock<Catalogue<Engine>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("engines.toml")));
    &ENGINES
}

/// A training engine of one time, as its published runs show it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// How it works, as far as time goes.
    pub mechanism: String,
    /// Where its runs and its mechanism are published.
    pub source: String,
    /// When that was read.
    pub as_of: Datetime,
    /// The strategy where none is stated.
    pub strategy: Strategy,
    /// The profile of `memory` that is nearest, where none is stated.
    pub profile: Profile,
    /// Whether attention is one kernel that never holds the scores.
    pub fused_attention: bool,
    /// Whether tensor-parallel devices share the stream between the products too.
    pub sequence_parallel: bool,
    /// What selective recomputation computes anew.
    pub selective: Selective,
    /// Share of the dense BF16 peak that a large product reaches.
    pub(super) products: BTreeMap<Family, Value>,
    /// Share of the dense FP8 peak.
    #[serde(default)]
    pub(super) products_fp8: BTreeMap<Family, Value>,
    /// Share of the dense BF16 peak that attention reaches, of the FLOPs that a causal mask leaves
    /// where it is fused, of all where it is not.
    pub(super) attention: BTreeMap<Family, Value>,
    /// Times that a layer's stream goes through memory, over the least.
    pub(super) stream: Value,
    /// Bytes of memory traffic for each logit of the loss.
    pub(super) loss_bytes: Value,
    /// Bytes of memory traffic for each score, forward, where attention is not fused.
    #[serde(default)]
    pub(super) score_bytes: Value,
    /// Times that attention takes where a head's width is no multiple of 8.
    #[serde(default = "Value::one")]
    pub(super) unaligned_head: Value,
    /// Times that a number is read or written to cast it to FP8, over the least.
    #[serde(default = "Value::one")]
    pub(super) cast: Value,
    /// The same with a scale for every row.
    #[serde(default = "Value::one")]
    pub(super) cast_rowwise: Value,
    /// Seconds that a pass over a layer costs whatever its size.
    #[serde(default)]
    pub(super) launch: Value,
    /// Times that a routed token goes through memory to be sorted, forward and backward.
    #[serde(default)]
    pub(super) dispatch: Value,
    /// Seconds that each expert of a device costs in a layer, whatever its size.
    #[serde(default)]
    pub(super) experts: Value,
    /// Share of the rate of other products that the experts' reach.
    #[serde(default = "Value::one")]
    pub(super) grouped: Value,
    /// Share of the step that every doubling of the nodes adds.
    #[serde(default)]
    pub(super) doubling: Value,
    /// Whether a token goes once to a node, which hands it on to the experts there.
    #[serde(default)]
    pub(super) relayed: bool,
    /// Families on which it works as another engine.
    #[serde(default)]
    pub(super) as_on: BTreeMap<Family, String>,
    /// Shares of the collectives' time that nothing hides.
    pub(super) exposed: ExposedShares,
}

fact!(Engine, "engine");

/// Shares of the collectives' time that nothing hides.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExposedShares {
    /// Of gathers and reductions unit by unit (FSDP); more than compute can hide never is.
    pub(super) sharded: Value,
    /// Of reductions and gathers once a step (`ZeRO` 1, data parallel).
    pub(super) once: Value,
    pub(super) tp: Value,
    /// The same where they run piece by piece beside the products.
    pub(super) async_tp: Value,
    /// As a share of attention's time; more than attention can hide never is.
    pub(super) cp: Value,
    pub(super) ep: Value,
}

/// What selective recomputation computes anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selective {
    /// The core of attention (Korthikanti et al. 2022, arXiv:2205.05198, section 5).
    Attention,
    /// Every second matrix product and what lies between them (torchtitan's operator policy).
    Products,
}

/// A number of an engine: its own, or a fitted one by its name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    Number(f64),
    Fitted(String),
}

impl Default for Value {
    fn default() -> Self {
        Self::Number(0.0)
    }
}

impl Value {
    fn one() -> Self {
        Self::Number(1.0)
    }

    /// The number.
    pub(super) fn get(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Fitted(name) => {
                constants().find(name).map_or(f64::NAN, |constant| constant.value)
            }
        }
    }
}

impl Engine {
    /// Families of accelerators that it was fitted on.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        self.products.keys().copied()
    }

    /// The engine as it works on a family.
    #[must_use]
    pub(super) fn on(&self, family: Option<Family>) -> &Self {
        let other = family.and_then(|family| self.as_on.get(&family));
        other.and_then(|name| engines().find(name).ok()).unwrap_or(self)
    }

    /// The engine of a profile.
    #[must_use]
    pub fn of_profile(profile: Profile) -> &'static str {
        match profile {
            Profile::Eager | Profile::Cuda | Profile::HuggingFace | Profile::TorchtitanEager => {
                "torchtitan-eager"
            }
            Profile::Torchtitan => "torchtitan",
            Profile::Megatron => "megatron",
            Profile::MegatronDeepspeed | Profile::MegatronDeepspeedBf16 => "megatron-deepspeed",
        }
    }

    /// The same engine with another value of one of its fitted numbers, for a calibration of one's
    /// own.
    #[must_use]
    pub fn with(&self, constant: &str, value: f64) -> Self {
        let mut engine = self.clone();
        for place in engine.values_mut() {
            if matches!(place, Value::Fitted(name) if name == constant) {
                *place = Value::Number(value);
            }
        }
        engine
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let e = &mut self.exposed;
        let tables = [&mut self.products, &mut self.products_fp8, &mut self.attention];
        let single = [
            &mut self.stream,
            &mut self.loss_bytes,
            &mut self.score_bytes,
            &mut self.unaligned_head,
            &mut self.cast,
            &mut self.cast_rowwise,
            &mut self.launch,
            &mut self.dispatch,
            &mut self.experts,
            &mut self.grouped,
            &mut self.doubling,
            &mut e.sharded,
            &mut e.once,
            &mut e.tp,
            &mut e.async_tp,
            &mut e.cp,
            &mut e.ep,
        ];
        tables.into_iter().flat_map(BTreeMap::values_mut).chain(single)
    }

    /// Whether its FP8 products were fitted.
    #[must_use]
    pub fn knows_fp8(&self) -> bool {
        !self.products_fp8.is_empty()
    }

    /// The fitted numbers that it uses, by their names.
    pub fn fitted(&self) -> impl Iterator<Item = &str> {
        let e = &self.exposed;
        let tables = [&self.products, &self.products_fp8, &self.attention];
        let single = [
            &self.stream,
            &self.loss_bytes,
            &self.score_bytes,
            &self.unaligned_head,
            &self.cast,
            &self.cast_rowwise,
            &self.launch,
            &self.dispatch,
            &self.experts,
            &self.grouped,
            &self.doubling,
            &e.sharded,
            &e.once,
            &e.tp,
            &e.async_tp,
            &e.cp,
            &e.ep,
        ];
        let all = tables.into_iter().flat_map(BTreeMap::values).chain(single);
        all.filter_map(|value| match value {
            Value::Fitted(name) => Some(name.as_str()),
            Value::Number(_) => None,
        })
    }
}
