//! Flags of a training step: the model, its layout and how it is computed.

use super::choice::one_of;
use clap::Args;
use plan::layout::{LayoutKeys, PipelineSchedule, Recompute, Strategy};
use plan::memory::{AdapterKind, AttentionKernel, LossKernel, Optimizer, Precision, Profile};
use plan::plan::{Chosen, Cluster, ModelChoice, Training};
use plan::quantity::{Devices, Params, SequenceTokens, Tokens};
use std::path::Path;

/// The tables of a plan that the flags set.
struct Tables<'a> {
    cluster: &'a mut Cluster,
    layout: &'a mut LayoutKeys,
    training: &'a mut Training,
}

/// One table of the flags of a step, their keys and where they are set.
macro_rules! flags {
    ($($heading:literal in $table:ident {
        $($(#[$doc:meta])* $field:ident: $type:ty = $value:literal, $parser:expr;)+
    })+) => {
        /// Values of `[layout]`, `[training]` and `[cluster]`, given as flags.
        #[derive(Debug, Args)]
        pub struct Step {
            /// A published model (`llmplan explain --list models`) or a config.json
            #[arg(long, value_name = "MODEL", help_heading = "Model", conflicts_with = "params")]
            pub model: Option<String>,
            /// A size, whose shape is as published models have it
            #[arg(long, value_name = "PARAMS", help_heading = "Model")]
            pub params: Option<Params>,
            $($($(#[$doc])*
            #[arg(long, value_name = $value, help_heading = $heading, value_parser = $parser,
                allow_negative_numbers = true)]
            pub $field: Option<$type>,)+)+
        }

        impl Step {
            /// Sets what the flags say in a plan, which then has a layout.
            pub fn apply(self, plan: &mut Chosen) {
                if let Some(model) = self.model {
                    plan.model = named(model);
                } else if self.params.is_some() {
                    plan.model = ModelChoice { params: self.params, ..ModelChoice::default() };
                }
                let tables = Tables {
                    cluster: &mut plan.cluster,
                    layout: plan.layout.get_or_insert_default(),
                    training: &mut plan.training,
                };
                $($(if self.$field.is_some() {
                    tables.$table.$field = self.$field;
                })+)+
            }
        }

        /// Every flag with the key that it stands for.
        #[cfg(test)]
        pub const KEYS: &[(&str, &str)] = &[
            $($((stringify!($field), concat!(stringify!($table), ".", stringify!($field))),)+)+
        ];
    };
}

flags! {
    "Devices" in cluster {
        /// Accelerators that work on the run
        devices: Devices = "COUNT", quantity::<Devices>;
        /// Accelerator, whose memory is to be kept to: h100-sxm
        accelerator: String = "NAME", clap::value_parser!(String);
        /// Machine that the accelerators sit in [default: the accelerator's usual one]
        node: String = "NAME", clap::value_parser!(String);
    }
    "Layout" in layout {
        /// Who holds what of parameters, gradients and optimizer states [default: fsdp2]
        strategy: Strategy = "STRATEGY", one_of::<Strategy>();
        /// Devices over which one copy of the states is sharded [default: all that are left]
        dp_shard: u64 = "N", degree;
        /// Copies of the states
        dp_replicate: u64 = "N", degree;
        /// Tensor-parallel devices, with sequence parallel
        tp: u64 = "N", degree;
        /// Devices of a pipeline
        pp: u64 = "N", degree;
        /// Devices that split every sequence
        cp: u64 = "N", degree;
        /// Devices over which the experts are spread
        ep: u64 = "N", degree;
        /// Chunks of layers on each pipeline device
        interleave: u64 = "N", degree;
        /// Order of a pipeline's passes [default: 1f1b]
        schedule: PipelineSchedule = "NAME", one_of::<PipelineSchedule>();
        /// Sequences of a micro-batch on one data-parallel device [default: 1]
        micro_batch: u64 = "N", degree;
        /// Micro-batches of an optimizer step
        micro_batches: u64 = "N", degree;
        /// What backward computes anew [default: none]
        recompute: Recompute = "WHAT", one_of::<Recompute>();
        /// Whether parameters are gathered anew for backward: on or off [default: on]
        reshard: bool = "ON|OFF", switch;
        /// Whether shards, gradients and the optimizer are on the host: on or off [default: off]
        cpu_offload: bool = "ON|OFF", switch;
        /// Whether tensor-parallel collectives run beside the products: on or off [default: off]
        async_tp: bool = "ON|OFF", switch;
    }
    "Training" in training {
        /// Tokens per sequence [default: 4096]
        sequence: SequenceTokens = "TOKENS", quantity::<SequenceTokens>;
        /// Tokens of an optimizer step: the micro-batches follow
        batch_tokens: Tokens = "TOKENS", quantity::<Tokens>;
        /// Number formats [default: bf16]
        precision: Precision = "FORMAT", one_of::<Precision>();
        /// What the optimizer keeps [default: adamw]
        optimizer: Optimizer = "NAME", one_of::<Optimizer>();
        /// How attention is computed [default: sdpa]
        attention: AttentionKernel = "KERNEL", one_of::<AttentionKernel>();
        /// How the loss is computed [default: eager]
        loss: LossKernel = "KERNEL", one_of::<LossKernel>();
        /// Whose operators run [default: eager]
        profile: Profile = "PROFILE", one_of::<Profile>();
        /// Engine whose time is predicted: `llmplan explain --list engines` [default: the profile's]
        engine: String = "NAME", clap::value_parser!(String);
        /// Low-rank adapters that are trained in the model's place
        adapter: AdapterKind = "KIND", one_of::<AdapterKind>();
        /// Rank of the adapters [default: 8]
        adapter_rank: u64 = "N", degree;
    }
}

/// A file by its path or its ending, else a name.
fn named(model: String) -> ModelChoice {
    let path = Path::new(&model);
    let is_file = path.extension().is_some_and(|end| end == "json") || path.is_file();
    let mut choice = ModelChoice::default();
    *(if is_file { &mut choice.config } else { &mut choice.name }) = Some(model);
    choice
}

fn quantity<Q: plan::quantity::Quantity>(text: &str) -> Result<Q, plan::quantity::QuantityError> {
    plan::quantity::parse(text)
}

/// A whole number as people write it; whether it is one that can be is said by the layout.
fn degree(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    digits.parse().map_err(|_| format!("`{text}` is no whole number from 1 to 1000000000"))
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(format!("`{text}` is neither on nor off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command};
    use clap::{CommandFactory as _, Parser as _};

    fn sample(flag: &str) -> &'static str {
        match flag {
            "accelerator" => "h100-sxm",
            "node" => "dgx-h100",
            "engine" => "megatron",
            "strategy" => "hsdp",
            "recompute" => "full",
            "reshard" | "async_tp" => "off",
            "cpu_offload" => "on",
            "schedule" => "zb-h1",
            "precision" => "bf16-pure",
            "optimizer" => "sgd",
            "attention" | "loss" => "eager",
            "profile" => "cuda",
            "adapter" => "lora",
            _ => "1024",
        }
    }

    fn leaves(value: &toml::Value, path: &str, found: &mut Vec<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    leaves(value, &path, found);
                }
            }
            _ => found.push(path.to_owned()),
        }
    }

    /// Every flag sets exactly the key of its own name.
    #[test]
    fn every_flag_is_its_key() {
        for (flag, key) in KEYS {
            let long = format!("--{}", flag.replace('_', "-"));
            let arguments = ["llmplan", "memory", &long, sample(flag)];
            let parsed = Arguments::try_parse_from(arguments).unwrap_or_else(|e| panic!("{e}"));
            let Command::Memory(memory) = parsed.command else { panic!("memory is parsed") };
            let mut chosen = Chosen::default();
            memory.step.apply(&mut chosen);
            let tree = toml::Value::try_from(&chosen).unwrap();
            let mut set = Vec::new();
            leaves(&tree, "", &mut set);
            assert_eq!(set, ["format", key], "{long}");
        }
    }

    /// No key of a layout, and no flag of the command, is without the other.
    #[test]
    fn every_key_of_a_layout_is_a_flag() {
        let command = Arguments::command();
        let memory = command.find_subcommand("memory").unwrap();
        let answer = [
            "model", "params", "compare", "plot", "ascii", "format", "output", "force", "help",
            "color",
        ];
        for long in memory.get_arguments().filter_map(clap::Arg::get_long) {
            let known = KEYS.iter().any(|(flag, _)| flag.replace('_', "-") == long);
            assert!(known || answer.contains(&long), "--{long}");
        }
        let schema = plan::file::schema();
        let keys = schema.pointer("/definitions/LayoutKeys/properties").unwrap();
        for key in keys.as_object().unwrap().keys() {
            assert!(KEYS.iter().any(|(flag, _)| flag == key), "{key}");
        }
    }
}
