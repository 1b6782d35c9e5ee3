//! An engine's numbers on one device.

use super::ThroughputError;
use super::engine::{Engine, Value};
use crate::hardware::{Device, Family};
use crate::memory::{Optimizer, Precision};
use std::collections::BTreeMap;

/// Share of a memory's bandwidth that a streaming kernel reaches; chosen, for
/// what an engine streams is fitted on top of it.
const MEMORY: f64 = 0.8;
/// Share of a fast link that collectives reach: 235 of 300 GB/s measured on 8 A100, 396 of 450 for
/// a pair of H200 (stas00/ml-engineering, commit 744d01e, network/README.md).
const LINK: f64 = 0.8;
/// Share of a network that collectives reach; chosen a little below that of links.
const NETWORK: f64 = 0.75;
/// Seconds before the first byte of a collective.
pub(super) const LATENCY: f64 = 1e-5;
/// Bytes of memory traffic for a parameter in the optimizer, beside those for its states, which are
/// read and written: weight, gradient, the 16-bit copy, and the gradient set to zero.
const UPDATE: f64 = 24.0;
/// Bytes of a parameter, and of its gradient, in FP32.
const FP32: f64 = 4.0;

/// What an engine reaches on one device, plain numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    /// FLOP/s of products outside the blocks, and inside unless they are FP8.
    pub(super) products: f64,
    /// FLOP/s of products inside the blocks.
    pub(super) inner: f64,
    /// Bytes of casting for each number of a product.
    pub(super) cast: f64,
    /// FLOP/s of attention.
    pub(super) attention: f64,
    /// Bytes/s of streaming kernels.
    pub(super) memory: f64,
    /// Bytes/s of collectives within a node and between nodes.
    pub(super) link: f64,
    pub(super) network: f64,
    pub(super) node_devices: f64,
    pub(super) stream: f64,
    pub(super) loss_bytes: f64,
    pub(super) score_bytes: f64,
    pub(super) unaligned_head: f64,
    pub(super) launch: f64,
    pub(super) dispatch: f64,
    pub(super) experts: f64,
    pub(super) grouped: f64,
    pub(super) doubling: f64,
    pub(super) sharded: f64,
    pub(super) once: f64,
    pub(super) tp: f64,
    pub(super) async_tp: f64,
    pub(super) cp: f64,
    pub(super) ep: f64,
    /// Whether a node hands tokens on to its experts.
    pub(super) relayed: bool,
    /// Bytes of memory traffic for a parameter in the optimizer.
    pub(super) update: f64,
    /// Bytes of a gradient that is reduced.
    pub(super) reduced: f64,
}

impl Rates {
    pub(super) fn of(
        engine: &Engine,
        device: &Device,
        precision: Precision,
        optimizer: Optimizer,
    ) -> Result<Self, ThroughputError> {
        let products = reached(&engine.products, device) * device.peak_flops;
        let fp8 = || {
            let fault = |message: String, help: &str| ThroughputError {
                key: "training.precision",
                message,
                help: help.to_owned(),
            };
            if !engine.knows_fp8() {
                let message = format!("{} was not fitted with FP8", engine.name);
                return Err(fault(message, "take `bf16`, or an engine that was"));
            }
            let peak = device.fp8_flops.ok_or_else(|| {
                fault("the accelerator has no FP8 peak here".to_owned(), "take `bf16`")
            })?;
            Ok(reached(&engine.products_fp8, device) * peak)
        };
        let exposed = &engine.exposed;
        let cast = match precision {
            Precision::Fp8 => &engine.cast,
            Precision::Fp8Rowwise => &engine.cast_rowwise,
            _ => &Value::Number(0.0),
        };
        Ok(Self {
            products,
            inner: if precision.fp8() { fp8()? } else { products },
            // a 16-bit number is read, one of 8 bits written
            cast: 3.0 * cast.get(),
            attention: attention(engine, device) * device.peak_flops,
            memory: MEMORY * device.memory_bandwidth,
            link: LINK * device.links.link,
            network: NETWORK * device.links.network,
            node_devices: super::float(device.links.node_devices.max(1)),
            stream: engine.stream.get(),
            loss_bytes: engine.loss_bytes.get(),
            score_bytes: engine.score_bytes.get(),
            unaligned_head: engine.unaligned_head.get(),
            launch: engine.launch.get(),
            dispatch: engine.dispatch.get(),
            experts: engine.experts.get(),
            grouped: engine.grouped.get(),
            doubling: engine.doubling.get(),
            sharded: exposed.sharded.get(),
            once: exposed.once.get(),
            tp: exposed.tp.get(),
            async_tp: exposed.async_tp.get(),
            cp: exposed.cp.get(),
            ep: exposed.ep.get(),
            relayed: engine.relayed,
            update: UPDATE + 2.0 * optimizer.states(FP32),
            reduced: precision.kept(),
        })
    }
}

/// The share for a family; for others the mean of those that were fitted.
fn by_family(table: &BTreeMap<Family, Value>, family: Option<Family>) -> f64 {
    if let Some(value) = family.and_then(|family| table.get(&family)) {
        return value.get();
    }
    let sum: f64 = table.values().map(Value::get).sum();
    sum / super::float(table.len().max(1) as u64)
}

/// The share of the peak that attention reaches; on a device that it was not fitted on less than
/// elsewhere by as much as products are.
fn attention(engine: &Engine, device: &Device) -> f64 {
    let share = by_family(&engine.attention, device.family);
    let products = by_family(&engine.products, device.family);
    share * reached(&engine.products, device) / products
}

/// The share of the peak that products reach; on a device that none was fitted on no more than the
/// fastest that was measured there.
fn reached(table: &BTreeMap<Family, Value>, device: &Device) -> f64 {
    let share = by_family(table, device.family);
    let known = device.family.is_some_and(|family| table.contains_key(&family));
    match device.matmul_flops {
        Some(measured) if !known => share.min(measured / device.peak_flops),
        _ => share,
    }
}
