//! One device with its links, from the catalogue and from what a plan says of its own.

use super::{Accelerator, Family, Node, nodes};
use crate::quantity::{Bandwidth, Bytes, FlopRate};

/// What the time of a step depends on, of one device. Plain numbers in base units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// What engines are fitted by; none for a device that none was fitted on.
    pub family: Option<Family>,
    /// Dense BF16 peak, FLOP/s.
    pub peak_flops: f64,
    /// Dense FP8 peak, FLOP/s.
    pub fp8_flops: Option<f64>,
    /// The fastest BF16 product that was measured, FLOP/s.
    pub matmul_flops: Option<f64>,
    /// Bandwidth of its memory, bytes/s.
    pub memory_bandwidth: f64,
    /// Its links.
    pub links: Links,
}

/// The links of one device, bytes/s, one way; infinite where none is needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Links {
    /// Devices that the fast link connects.
    pub node_devices: u64,
    /// To devices of its node.
    pub link: f64,
    /// To other nodes.
    pub network: f64,
}

/// What a plan says of its own devices; it goes before what the catalogue says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct UserDevice {
    /// Dense BF16 peak.
    pub peak_flops: Option<FlopRate>,
    /// Dense FP8 peak.
    pub fp8_flops: Option<FlopRate>,
    /// Memory.
    pub memory_bytes: Option<Bytes>,
    /// Bandwidth of the memory.
    pub memory_bandwidth: Option<Bandwidth>,
    /// Devices of a node.
    pub node_devices: Option<u64>,
    /// Link within a node, for each device, one way.
    pub link_bandwidth: Option<Bandwidth>,
    /// Network between nodes, for each device, one way.
    pub network_bandwidth: Option<Bandwidth>,
}

impl Device {
    /// A device from what is known of it, one of so many.
    ///
    /// # Errors
    /// The key of `[cluster]` that is missing.
    pub fn of(
        devices: u64,
        accelerator: Option<&Accelerator>,
        node: Option<&Node>,
        own: &UserDevice,
    ) -> Result<Self, &'static str> {
        let usual = accelerator.and_then(|a| a.node.as_deref());
        let node = node.or_else(|| usual.and_then(|name| nodes().find(name).ok()));
        let peak = own.peak_flops.or(accelerator.map(|a| a.peak_flops));
        let fp8 = own.fp8_flops.or(accelerator.and_then(|a| a.fp8_flops));
        let memory = own.memory_bandwidth.or(accelerator.and_then(|a| a.memory_bandwidth));
        let link = own.link_bandwidth.or(node.map(|n| n.link_bandwidth));
        let network = own.network_bandwidth.or(node.and_then(|n| n.network_bandwidth));
        let in_node = own.node_devices.or(node.map(|n| n.devices)).unwrap_or(devices);
        let needed = |rate: Option<Bandwidth>, needed: bool, key| match rate {
            Some(rate) => Ok(rate.0),
            None if needed => Err(key),
            None => Ok(f64::INFINITY),
        };
        Ok(Self {
            family: accelerator.and_then(|a| a.family),
            peak_flops: peak.ok_or("accelerator")?.0,
            fp8_flops: fp8.map(|rate| rate.0),
            matmul_flops: accelerator.and_then(|a| a.matmul_flops).map(|rate| rate.0),
            memory_bandwidth: memory.ok_or("memory_bandwidth")?.0,
            links: Links {
                node_devices: in_node,
                link: needed(link, devices > 1, "link_bandwidth")?,
                network: needed(network, devices > in_node, "network_bandwidth")?,
            },
        })
    }
}
