//! Properties of every quantity: what is printed reads back, in every way a file can state it,
//! and no text makes reading panic. Each property is shown to fail on a planted mistake.

use libm::{exp, log, pow};
use plan::file::read;
use plan::quantity::{
    AcceleratorHours, Days, Devices, Epochs, FlopRate, Flops, FlopsPerParamToken, Fraction, Loss,
    Params, Quantity, QuantityError, Seconds, Tokens, TokensPerParam, Usd, UsdPerAcceleratorHour,
    UsdPerBillionTokens, Weight, exact, grouped, parse, round_significant, significant,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt::{Debug, Display};

/// What a property says of one case: nothing, or what is wrong.
type Verdict = Result<(), String>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn known(verdict: Verdict) -> Result<(), TestCaseError> {
    verdict.map_err(TestCaseError::fail)
}

/// Failures print their case; they leave no file behind.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Everything that a quantity can do.
trait Whole: Quantity + Debug + Display + PartialEq + Serialize + DeserializeOwned {}
impl<Q: Quantity + Debug + Display + PartialEq + Serialize + DeserializeOwned> Whole for Q {}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct File<Q> {
    x: Q,
}

/// A value that a file may state, every order of magnitude as likely, the ends among them.
fn accepted<Q: Whole>() -> impl Strategy<Value = Q> {
    let low = Q::MIN.max(1e-15);
    let any = (log(low)..log(Q::MAX)).prop_map(exp);
    let round = any.clone().prop_map(|value| round_significant(value, 2));
    let ends = prop::sample::select(vec![Q::MIN, Q::MAX]);
    prop_oneof![4 => any, 3 => round, 1 => ends].prop_map(|value| {
        let value = if Q::WHOLE { value.round() } else { value };
        Q::of(value.clamp(Q::MIN, Q::MAX))
    })
}

/// Texts that look like quantities, more or less.
fn texts() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "0",
        "1",
        "7.5",
        "1_000",
        ".",
        "-",
        "+",
        "e",
        "E9",
        "e+",
        "e-400",
        "e400",
        "_",
        " ",
        "$",
        "%",
        "K",
        "k",
        "M",
        "B",
        "T",
        "GB",
        "GiB",
        "tokens",
        "params",
        "FLOP",
        "PF-days",
        "d",
        "h",
        "USD",
        "inf",
        "nan",
        "NaN",
        "-inf",
        "0x10",
        "1e308",
        "\u{301}",
        "é",
        "名",
        "\u{a0}",
        "\n",
        "\0",
        "€",
        "99999999999999999999999999999999",
    ];
    prop_oneof![
        3 => prop::collection::vec(prop::sample::select(PARTS), 0..6).prop_map(|p| p.concat()),
        1 => prop::collection::vec(any::<char>(), 0..50).prop_map(|c| c.into_iter().collect()),
    ]
}

/// `parse(print(x)) == x`.
fn reads_back<Q: Whole>(print: impl Fn(Q) -> String, value: Q) -> Verdict {
    let text = print(value);
    let again = parse::<Q>(&text);
    ensure(again == Ok(value), || format!("{text:?} reads as {again:?}, not {value:?}"))
}

/// The same through a TOML file: as an integer or float, and as a string.
fn reads_back_from_toml<Q: Whole>(value: Q) -> Verdict {
    let exact = exact(value.get());
    let float = format!("{:?}", value.get());
    let written = toml::to_string(&File { x: value }).map_err(|error| error.to_string())?;
    for text in [
        written,
        format!("x = {exact}"),
        format!("x = {float}"),
        format!("x = \"{exact}\""),
        format!("x = \"{float}\""),
    ] {
        let file = toml::from_str::<File<Q>>(&text).map_err(|error| format!("{text}: {error}"))?;
        ensure(file.x == value, || format!("{text:?} reads as {:?}, not {value:?}", file.x))?;
    }
    Ok(())
}

/// Each unit is worth its factor, with and without a space.
fn units_count<Q: Whole>(value: f64) -> Verdict {
    for (unit, factor) in Q::UNITS {
        let expected = value * factor;
        if !(Q::MIN..=Q::MAX).contains(&expected) || Q::WHOLE && expected.fract() != 0.0 {
            continue;
        }
        for text in [format!("{value}{unit}"), format!(" {value} {unit} ")] {
            let read = parse::<Q>(&text).map_err(|error| error.to_string())?.get();
            let near = approx::relative_eq!(read, expected, max_relative = 1e-12);
            ensure(near, || format!("{text:?} reads as {read}, not {expected}"))?;
        }
    }
    Ok(())
}

/// Units of bytes, of another dimension, or of none, which no quantity here has.
const FOREIGN: &[&str] = &["GB", "GiB", "MB", "KB", "TB", "bytes", "ms", "EUR", "X", "Q", "tokns"];
/// Units that some quantity has: foreign to all that do not list them.
const OTHERS: &[&str] = &[
    "FLOP",
    "FLOP/s",
    "params",
    "tokens",
    "tokens/param",
    "epochs",
    "nats",
    "%",
    "s",
    "min",
    "h",
    "d",
    "w",
    "GPUs",
    "devices",
    "USD",
    "USD/h",
    "GPU-hours",
    "PF-days",
    "K",
    "M",
    "B",
    "T",
];

/// A unit that the dimension does not list is an error that says so.
fn foreign_units_fail<Q: Whole>(
    parse: impl Fn(&str) -> Result<Q, QuantityError>,
    value: f64,
) -> Verdict {
    let own = |unit: &str| Q::UNITS.iter().any(|(known, _)| *known == unit);
    for unit in FOREIGN.iter().chain(OTHERS).filter(|unit| !own(unit)) {
        for text in [format!("{value}{unit}"), format!("{value} {unit}")] {
            let told = matches!(
                parse(&text),
                Err(QuantityError::OtherDimension { .. } | QuantityError::UnknownUnit { .. })
            );
            ensure(told, || format!("{text:?} is taken for {}", Q::NAME))?;
        }
    }
    Ok(())
}

/// Outside the range, and infinite or no number: always an error.
fn nothing_outside_is_accepted<Q: Whole>(factor: f64) -> Verdict {
    let mut outside = vec![Q::MAX * factor, -Q::MAX * factor, -1.0, f64::INFINITY, f64::NAN];
    if Q::MIN > 0.0 {
        outside.extend([Q::MIN / factor, 0.0]);
    }
    for value in outside {
        for text in [value.to_string(), format!("{value:e}")] {
            let read = parse::<Q>(&text);
            ensure(read.is_err(), || format!("{text} is taken for {}: {read:?}", Q::NAME))?;
        }
        let toml = format!("x = {value:?}").replace("NaN", "nan");
        let read = toml::from_str::<File<Q>>(&toml);
        ensure(read.is_err(), || format!("{toml} is taken for {}: {read:?}", Q::NAME))?;
    }
    Ok(())
}

/// What is read is in range, whatever the text; and what people read is not empty.
fn any_text_is_safe<Q: Whole>(text: &str) -> Verdict {
    match parse::<Q>(text) {
        Ok(value) => {
            let inside = (Q::MIN..=Q::MAX).contains(&value.get());
            ensure(inside && !value.human().is_empty(), || format!("{text:?} reads as {value:?}"))?;
            reads_back(|value: Q| value.to_string(), value)
        }
        Err(error) => {
            ensure(!error.to_string().is_empty(), || "an error without a word".to_owned())
        }
    }
}

macro_rules! properties {
    ($($module:ident: $type:ty),+ $(,)?) => {$(
        mod $module {
            use super::*;

            proptest! {
                #![proptest_config(config())]

                #[test]
                fn what_is_printed_reads_back(value in accepted::<$type>()) {
                    known(reads_back(|value: $type| value.to_string(), value))?;
                    known(reads_back_from_toml(value))?;
                }

                #[test]
                fn units_are_worth_their_factor(value in prop_oneof![1.0..1000.0, Just(40.0)]) {
                    known(units_count::<$type>(value))?;
                    known(foreign_units_fail(parse::<$type>, value))?;
                }

                #[test]
                fn the_range_is_kept(factor in 1.001..1e6) {
                    known(nothing_outside_is_accepted::<$type>(factor))?;
                }

                #[test]
                fn no_text_is_too_odd(text in texts()) {
                    known(any_text_is_safe::<$type>(&text))?;
                }
            }
        }
    )+};
}

properties! {
    flops: Flops,
    flop_rate: FlopRate,
    params: Params,
    tokens: Tokens,
    tokens_per_param: TokensPerParam,
    epochs: Epochs,
    loss: Loss,
    flops_per_param_token: FlopsPerParamToken,
    fraction: Fraction,
    weight: Weight,
    seconds: Seconds,
    days: Days,
    accelerator_hours: AcceleratorHours,
    devices: Devices,
    usd: Usd,
    usd_per_accelerator_hour: UsdPerAcceleratorHour,
    usd_per_billion_tokens: UsdPerBillionTokens,
}

proptest! {
    #![proptest_config(config())]

    /// TOML's machine integers end at 19 digits; a plan's do not.
    #[test]
    fn integers_of_any_length_are_read(
        first in 1..10_u8, rest in prop::collection::vec(0..10_u8, 18..30), signed in any::<bool>(),
    ) {
        let digits: String = rest.iter().fold(first.to_string(), |text, d| text + &d.to_string());
        let sign = if signed { "+" } else { "" };
        let expected = Flops(digits.parse().expect("a number"));
        for digits in [digits.clone(), underscored(&digits)] {
            let plan = format!("format = 1\n[budget]\nflops = {sign}{digits}\n");
            let read = read(plan.as_bytes()).expect("a plan");
            prop_assert_eq!(read.chosen.budget.flops, Some(expected), "{}", plan);
        }
    }

    #[test]
    fn integers_beyond_any_run_are_not(rest in prop::collection::vec(0..10_u8, 33..60)) {
        let digits: String = rest.iter().fold("9".to_owned(), |text, d| text + &d.to_string());
        let plan = format!("format = 1\nbudget.flops = {digits}\n");
        prop_assert!(read(plan.as_bytes()).is_err());
        let plan = format!("format = 1\nbudget.flops = -{digits}\n");
        prop_assert!(read(plan.as_bytes()).is_err());
    }

    #[test]
    fn rounding_keeps_so_many_digits(value in (-300.0..300.0).prop_map(|e| pow(10.0, e)), digits in 1..15_usize) {
        let rounded = round_significant(value, digits);
        let half = format!("0.5e{}", 1 - i32::try_from(digits).expect("few"));
        let half: f64 = half.parse().expect("a number");
        prop_assert!((rounded / value - 1.0).abs() <= half * (1.0 + 1e-9));
        prop_assert_eq!(round_significant(rounded, digits).to_bits(), rounded.to_bits());
        prop_assert_eq!(significant(value, digits).parse(), Ok(rounded));
        prop_assert_eq!(exact(value).parse(), Ok(value));
    }

    #[test]
    fn grouped_numbers_keep_their_digits(value in 100.0..1e15) {
        let text = grouped(value);
        prop_assert_eq!(text.replace(',', ""), format!("{value:.0}"));
        let groups: Vec<&str> = text.split(',').collect();
        prop_assert!(groups[1..].iter().all(|group| group.len() == 3), "{}", text);
    }
}

/// The digits with underscores between groups of three, as TOML allows.
fn underscored(digits: &str) -> String {
    grouped_from_the_left(digits).join("_")
}

fn grouped_from_the_left(digits: &str) -> Vec<String> {
    let chars: Vec<char> = digits.chars().collect();
    chars.chunks(3).map(|chunk| chunk.iter().collect()).collect()
}

mod planted {
    use super::*;

    #[test]
    fn a_printer_that_drops_a_digit_is_noticed() {
        let value = Tokens(1_234_567_890_123.0);
        assert!(reads_back(|value: Tokens| value.to_string(), value).is_ok());
        let short = |value: Tokens| exact(round_significant(value.get(), 12));
        assert!(reads_back(short, value).is_err());
        assert!(reads_back(Tokens::human, value).is_err());
    }

    #[test]
    fn a_reader_that_ignores_units_is_noticed() {
        let deaf = |text: &str| parse(text.trim_end_matches(|c: char| !c.is_ascii_digit()));
        assert!(foreign_units_fail(parse::<Tokens>, 5e6).is_ok());
        assert!(foreign_units_fail::<Tokens>(deaf, 5e6).is_err());
    }

    /// A dimension whose printed form does not read back through TOML.
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Shifted(f64);

    impl Quantity for Shifted {
        const NAME: &'static str = "shifts";
        const MIN: f64 = 1.0;
        const MAX: f64 = 1e9;
        const UNITS: &'static [(&'static str, f64)] = &[("x", 10.0), ("%", 0.01)];
        fn of(value: f64) -> Self {
            Self(value + 1.0)
        }
        fn get(self) -> f64 {
            self.0
        }
        fn human(self) -> String {
            String::new()
        }
    }

    impl Display for Shifted {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    impl Serialize for Shifted {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_f64(self.0)
        }
    }

    impl<'de> Deserialize<'de> for Shifted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            f64::deserialize(deserializer).map(Self::of)
        }
    }

    #[test]
    fn a_wrong_dimension_is_noticed() {
        assert!(reads_back_from_toml(Tokens(5e9)).is_ok());
        assert!(reads_back_from_toml(Shifted(5.0)).is_err());
        assert!(units_count::<Tokens>(5e3).is_ok());
        assert!(units_count::<Shifted>(5.0).is_err());
        assert!(nothing_outside_is_accepted::<Tokens>(2.0).is_ok());
        assert!(nothing_outside_is_accepted::<Shifted>(2.0).is_err(), "serde does not check");
        assert!(any_text_is_safe::<Tokens>("5e9").is_ok());
        assert!(any_text_is_safe::<Shifted>("5").is_err());
    }
}
