//! Numbers with a dimension, and only the arithmetic that has a meaning.
//!
//! A quantity is a public `f64` in the base unit that its type names.
//! Reading one ([`parse`], serde) checks sign, finiteness and range;
//! arithmetic does not, so that intermediate results stay plain.
//! [`Display`](std::fmt::Display) prints the exact value so that `parse(print(x)) == x`;
//! [`Quantity::human`] prints three significant digits for people.

mod parse;
mod print;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::{Div, Mul};

pub use parse::{QuantityError, parse};
pub use print::{exact, grouped, round_significant, significant};

/// What every dimension says about itself.
pub trait Quantity: Copy + Sized {
    /// Plural name in messages: `tokens`, `FLOPs`.
    const NAME: &'static str;
    /// Smallest value that a file or flag may state.
    const MIN: f64;
    /// Largest value that a file or flag may state; more is taken for a slip of the pen.
    const MAX: f64;
    /// Whether only whole numbers make sense.
    const WHOLE: bool = false;
    /// Units that may follow the number, with their factor to the base unit.
    const UNITS: &'static [(&'static str, f64)];
    /// Wraps a number in the base unit without checking it.
    fn of(value: f64) -> Self;
    /// The number in the base unit.
    fn get(self) -> f64;
    /// Three significant digits and the unit, for people.
    fn human(self) -> String;
}

macro_rules! quantity {
    ($(#[$doc:meta])* $type:ident, $name:literal, $min:expr, $max:expr, whole = $whole:literal,
     $units:expr, $human:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $type(pub f64);

        impl Quantity for $type {
            const NAME: &'static str = $name;
            const MIN: f64 = $min;
            const MAX: f64 = $max;
            const WHOLE: bool = $whole;
            const UNITS: &'static [(&'static str, f64)] = $units;
            fn of(value: f64) -> Self {
                Self(value)
            }
            fn get(self) -> f64 {
                self.0
            }
            fn human(self) -> String {
                let human: fn(f64) -> String = $human;
                human(self.0)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&exact(self.0))
            }
        }

        impl std::str::FromStr for $type {
            type Err = QuantityError;
            fn from_str(text: &str) -> Result<Self, QuantityError> {
                parse(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_f64(self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse::deserialize(deserializer)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": concat!("A number of ", $name, ", or a string with a unit."),
                    "type": ["number", "string"],
                })
            }
        }
    };
}

/// Bytes of a GiB, in which PyTorch prints memory.
const GIB: f64 = 1_073_741_824.0;
const COUNTS: [(&str, f64); 5] = [("K", 1e3), ("k", 1e3), ("M", 1e6), ("B", 1e9), ("T", 1e12)];

/// Joins the plain counts (K, M, B, T) with a dimension's own names.
macro_rules! counts_and {
    ($($unit:literal => $factor:expr),* $(,)?) => {
        &[COUNTS[0], COUNTS[1], COUNTS[2], COUNTS[3], COUNTS[4], $(($unit, $factor)),*]
    };
}

quantity!(
    /// Floating-point operations of a whole run, FLOP.
    Flops, "FLOPs", 1e12, 1e30, whole = false,
    counts_and!["FLOP" => 1.0, "FLOPs" => 1.0, "PFLOP" => 1e15, "PFLOPs" => 1e15,
        "EFLOP" => 1e18, "EFLOPs" => 1e18, "ZFLOP" => 1e21, "ZFLOPs" => 1e21,
        "YFLOP" => 1e24, "YFLOPs" => 1e24, "PF-days" => 8.64e19],
    |x| format!("{} FLOP", significant(x, 3))
);
quantity!(
    /// Floating-point operations per second, FLOP/s.
    FlopRate, "FLOP/s", 1e6, 1e24, whole = false,
    &[("FLOP/s", 1.0), ("TFLOP/s", 1e12), ("PFLOP/s", 1e15), ("EFLOP/s", 1e18)],
    |x| format!("{} FLOP/s", significant(x, 3))
);
quantity!(
    /// Model parameters N; what is counted is the law's or the model's own convention.
    Params, "parameters", 1e3, 1e17, whole = false,
    counts_and!["params" => 1.0, "parameters" => 1.0],
    print::count
);
quantity!(
    /// Tokens D.
    Tokens, "tokens", 1e3, 1e20, whole = false,
    counts_and!["tokens" => 1.0],
    print::count
);
quantity!(
    /// Tokens in one sequence.
    SequenceTokens, "tokens per sequence", 1.0, 1e9, whole = true,
    counts_and!["tokens" => 1.0],
    grouped
);
quantity!(
    /// Optimizer steps.
    Steps, "steps", 1.0, 1e12, whole = true,
    counts_and!["steps" => 1.0],
    grouped
);
quantity!(
    /// Base (theta) of a rotary position embedding.
    RopeBase, "RoPE bases", 1.0, 1e15, whole = false,
    counts_and![],
    |x| significant(x, 4)
);
quantity!(
    /// The tau of temperature sampling: 1 is proportional, more is more even.
    Temperature, "temperatures", 1e-3, 1e6, whole = false,
    &[],
    |x| significant(x, 3)
);
quantity!(
    /// Training tokens per parameter, D/N.
    TokensPerParam, "tokens per parameter", 1e-3, 1e9, whole = false,
    counts_and!["tokens/param" => 1.0],
    |x| significant(x, 3)
);
quantity!(
    /// Passes over a data set.
    Epochs, "epochs", 1e-6, 1e6, whole = false,
    &[("epochs", 1.0), ("epoch", 1.0)],
    |x| if (x - x.round()).abs() < 1e-9 * x { grouped(x.round()) } else { significant(x, 3) }
);
quantity!(
    /// Cross-entropy loss, nats per token.
    Loss, "nats per token", 1e-3, 100.0, whole = false,
    &[("nats", 1.0), ("nats/token", 1.0)],
    |x| format!("{x:.4}")
);
quantity!(
    /// FLOPs per parameter per token, the k of C = kND.
    FlopsPerParamToken, "FLOPs per parameter per token", 1e-2, 1e3, whole = false,
    &[("FLOP", 1.0), ("FLOPs", 1.0)],
    |x| significant(x, 3)
);
quantity!(
    /// A share of a whole, 0 to 1; `%` is understood.
    Fraction, "shares", 0.0, 1.0, whole = false,
    &[("%", 0.01)],
    |x| format!("{} %", significant(x * 100.0, 3))
);
quantity!(
    /// The weight of a source in a mixture, as written: a share of the whole, and a little more
    /// where weights are normalised whose sum is off by rounding.
    Weight, "weights", 0.0, 1.02, whole = false,
    &[("%", 0.01)],
    |x| format!("{} %", significant(x * 100.0, 3))
);
quantity!(
    /// Wall-clock seconds.
    Seconds, "seconds", 1e-9, 1e12, whole = false,
    &[("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86_400.0)],
    |x| format!("{} s", significant(x, 3))
);
quantity!(
    /// Wall-clock days of 24 hours.
    Days, "days", 1e-6, 1e6, whole = false,
    &[("d", 1.0), ("day", 1.0), ("days", 1.0), ("h", 1.0 / 24.0), ("hours", 1.0 / 24.0),
        ("w", 7.0), ("weeks", 7.0)],
    |x| format!("{} days", significant(x, 3))
);
quantity!(
    /// Accelerators times hours.
    AcceleratorHours, "accelerator-hours", 1e-6, 1e14, whole = false,
    counts_and!["h" => 1.0, "hours" => 1.0, "accelerator-hours" => 1.0, "GPU-hours" => 1.0],
    |x| format!("{} accelerator-hours", grouped(x))
);
quantity!(
    /// Accelerators that work on one run.
    Devices, "devices", 1.0, 1e9, whole = true,
    counts_and!["devices" => 1.0, "GPUs" => 1.0],
    grouped
);
quantity!(
    /// Bytes of memory.
    Bytes, "bytes", 1.0, 9.0e15, whole = true,
    &[("bytes", 1.0), ("KB", 1e3), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12),
        ("PB", 1e15), ("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", GIB),
        ("TiB", 1024.0 * GIB)],
    |x| format!("{} GiB", significant(x / GIB, 3))
);
quantity!(
    /// Tokens that are trained on in a second.
    TokensPerSecond, "tokens per second", 1e-6, 1e12, whole = false,
    &[("K", 1e3), ("k", 1e3), ("M", 1e6), ("tokens/s", 1.0)],
    |x| format!("{} tokens/s", significant(x, 3))
);
quantity!(
    /// Bytes per second that a memory or a link moves, one way.
    Bandwidth, "bytes per second", 1e6, 1e16, whole = false,
    &[("bytes/s", 1.0), ("MB/s", 1e6), ("GB/s", 1e9), ("TB/s", 1e12), ("Gbit/s", 1.25e8)],
    |x| format!("{} GB/s", significant(x / 1e9, 3))
);
quantity!(
    /// US dollars.
    Usd, "US dollars", 1e-6, 1e15, whole = false,
    counts_and!["USD" => 1.0, "$" => 1.0],
    |x| format!("{} USD", grouped(x))
);
quantity!(
    /// US dollars per accelerator and hour.
    UsdPerAcceleratorHour, "US dollars per accelerator-hour", 1e-6, 1e6, whole = false,
    &[("USD", 1.0), ("$", 1.0), ("USD/h", 1.0), ("$/h", 1.0)],
    |x| format!("{} USD/h", significant(x, 3))
);
quantity!(
    /// US dollars per billion tokens.
    UsdPerBillionTokens, "US dollars per billion tokens", 1e-6, 1e15, whole = false,
    counts_and!["USD" => 1.0, "$" => 1.0],
    |x| format!("{} USD per billion tokens", grouped(x))
);
quantity!(
    /// Electricity, kilowatt-hours.
    KilowattHours, "kilowatt-hours", 1e-6, 1e15, whole = false,
    &[("kWh", 1.0), ("MWh", 1e3), ("GWh", 1e6), ("TWh", 1e9)],
    |x| format!("{} kWh", grouped(x))
);
quantity!(
    /// Electric power, watts.
    Watts, "watts", 1.0, 1e5, whole = false,
    &[("W", 1.0), ("kW", 1e3)],
    |x| format!("{} W", significant(x, 3))
);
quantity!(
    /// Metric tons of CO2 equivalents.
    TonnesCo2e, "tons of CO2e", 0.0, 1e12, whole = false,
    &[("kg", 1e-3), ("t", 1.0), ("tCO2e", 1.0)],
    |x| format!("{} t", significant(x, 3))
);
quantity!(
    /// What is drawn beside over what is drawn within: servers over accelerators, a site over its
    /// servers.
    Overhead, "factors", 1.0, 5.0, whole = false,
    &[],
    |x| significant(x, 3)
);
quantity!(
    /// What a kilowatt-hour emits, grams of CO2 equivalents.
    GramsPerKilowattHour, "grams of CO2e per kWh", 0.0, 5000.0, whole = false,
    &[("g/kWh", 1.0), ("kg/kWh", 1e3), ("kg/MWh", 1.0)],
    |x| format!("{} g/kWh", significant(x, 3))
);
quantity!(
    /// The learning rate of an optimizer.
    LearningRate, "learning rates", 1e-9, 10.0, whole = false,
    &[],
    |x| significant(x, 4)
);
quantity!(
    /// The learning rate that a schedule ends at, which may be none.
    FinalLearningRate, "learning rates", 0.0, 10.0, whole = false,
    &[],
    |x| significant(x, 4)
);
quantity!(
    /// What `AdamW` takes off the weights for each unit of the learning rate.
    WeightDecay, "weight decays", 0.0, 10.0, whole = false,
    &[],
    |x| significant(x, 3)
);
quantity!(
    /// The norm to which gradients are clipped.
    ClipNorm, "gradient norms", 1e-6, 1e6, whole = false,
    &[],
    |x| significant(x, 3)
);
quantity!(
    /// Hours.
    Hours, "hours", 0.0, 1e6, whole = false,
    &[("h", 1.0), ("hours", 1.0), ("min", 1.0 / 60.0), ("d", 24.0), ("days", 24.0)],
    |x| format!("{} h", significant(x, 3))
);

macro_rules! product {
    ($left:ident * $right:ident = $result:ident) => {
        impl Mul<$right> for $left {
            type Output = $result;
            fn mul(self, right: $right) -> $result {
                $result(self.0 * right.0)
            }
        }
    };
}
macro_rules! quotient {
    ($left:ident / $right:ident = $result:ident) => {
        impl Div<$right> for $left {
            type Output = $result;
            fn div(self, right: $right) -> $result {
                $result(self.0 / right.0)
            }
        }
    };
}

product!(FlopRate * Seconds = Flops);
product!(FlopRate * Fraction = FlopRate);
product!(Flops * Fraction = Flops);
product!(Params * TokensPerParam = Tokens);
product!(Steps * Tokens = Tokens);
product!(AcceleratorHours * UsdPerAcceleratorHour = Usd);
quotient!(Usd / UsdPerAcceleratorHour = AcceleratorHours);
quotient!(Flops / FlopRate = Seconds);
quotient!(Tokens / Params = TokensPerParam);
quotient!(Tokens / TokensPerParam = Params);
quotient!(Tokens / Tokens = Epochs);

impl From<Days> for Seconds {
    fn from(days: Days) -> Self {
        Self(days.0 * 86_400.0)
    }
}

impl AcceleratorHours {
    /// The device-seconds in these hours.
    #[must_use]
    pub fn device_seconds(self) -> Seconds {
        Seconds(self.0 * 3600.0)
    }
}

impl FlopsPerParamToken {
    /// Training FLOPs: 2 forward and 4 backward per parameter and token
    /// (Kaplan et al. 2020, arXiv:2001.08361, section 2.1).
    pub const TRAINING: Self = Self(6.0);
    /// Inference FLOPs: the forward pass alone (same source).
    pub const INFERENCE: Self = Self(2.0);

    /// C = kND.
    #[must_use]
    pub fn cost(self, params: Params, tokens: Tokens) -> Flops {
        Flops(self.0 * params.0 * tokens.0)
    }

    /// D = C/(kN).
    #[must_use]
    pub fn tokens(self, flops: Flops, params: Params) -> Tokens {
        Tokens(flops.0 / (self.0 * params.0))
    }

    /// N = C/(kD).
    #[must_use]
    pub fn params(self, flops: Flops, tokens: Tokens) -> Params {
        Params(flops.0 / (self.0 * tokens.0))
    }
}
