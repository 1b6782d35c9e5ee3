//! The one loop: what a cluster is worth depends on how well it is used, that on the size, shape and
//! layout of the model, and these on what the cluster is worth.
//!
//! ```text
//! utilisation -> caps in FLOP -> N, D -> shape -> batch -> layout -> tokens/s -> utilisation
//! ```
//!
//! A utilisation that is reached again is looked for in its logarithm, by secants inside a bracket:
//! with one shape and one layout what is reached grows about as the root of what is assumed. Where
//! another shape is taken, or a layout does not fit any more, it jumps, and there may be none that
//! reaches itself: then the largest that is known to be surpassed is taken, and the plan says so.
//!
//! A layout that is left open is picked from a short list, and what it reaches is solved for once
//! more with that layout alone: so a plan that pins it follows from itself.

use super::layout::LayoutSearch;
use super::{DeriveError, Notes, Problem, Setting, allocate, budget, split, throughput};
use crate::allocation::{Point, solve};
use crate::law::Law;
use crate::layout::{Layout, LayoutKeys};
use crate::model::{Shape, Wanted, propose_usual};
use crate::plan::{Chosen, DerivedUtilisation, Interval};
use crate::quantity::{Fraction, Params, Quantity as _, Tokens};
use crate::recipe::batches;
use crate::search::{Breadth, search};
use libm::{exp, fabs, log, log2, pow};
use serde::Serialize;

/// Utilisation that the first round assumes.
const START: f64 = 0.4;
/// Rounds at most.
const ROUNDS: usize = 40;
/// Relative change of the utilisation below which it is settled: derived values have 7 digits.
const SETTLED: f64 = 1e-9;
/// How often a layout is picked, at most.
const PICKS: usize = 3;
/// Least utilisation that is assumed.
const LEAST: f64 = 1e-3;
/// Relative width of a bracket in which what is reached jumps over what is assumed.
const JUMP: f64 = 1e-5;

/// What does not change from round to round.
#[derive(Clone)]
struct Fixed<'a> {
    /// Without caps.
    setting: &'a Setting<'a>,
    family: Option<&'static str>,
    /// The layout that was picked before, which is kept.
    pinned: Option<LayoutKeys>,
}

/// A round: what follows from a utilisation, down to the utilisation that it reaches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Round {
    /// Utilisation that turns the caps into FLOP.
    pub assumed: f64,
    /// Utilisation of a step.
    pub reached: f64,
    /// N.
    pub params: Option<Params>,
    /// D.
    pub tokens: Tokens,
    /// Layers of the shape.
    pub layers: u64,
    /// Its width.
    pub hidden: u64,
    /// Tokens of a step.
    pub batch_tokens: f64,
    /// Its layout, in the words of `[layout]`.
    pub layout: String,
    /// Tokens that one accelerator trains on in a second.
    pub tokens_per_second_per_device: f64,
}

/// A utilisation that the run reaches with it.
#[derive(Debug, Clone)]
pub(super) struct Solved {
    pub(super) mfu: Fraction,
    /// The layout, where the plan states none.
    pub(super) layout: Option<LayoutKeys>,
    /// Tokens of a step, where the plan states none.
    pub(super) batch: Option<Tokens>,
    mfu_80: Option<Interval>,
    settled: bool,
    pub(super) rounds: Vec<Round>,
}

impl Solved {
    /// The plan with the layout and the batch that were picked.
    pub(super) fn laid_out(&self, chosen: &Chosen) -> Chosen {
        let mut laid_out = chosen.clone();
        laid_out.layout = self.layout.clone().or(laid_out.layout);
        laid_out.training.batch_tokens = self.batch.or(laid_out.training.batch_tokens);
        laid_out
    }

    /// The `[derived.utilisation]` table.
    pub(super) fn view(&self) -> DerivedUtilisation {
        DerivedUtilisation { mfu: self.mfu, mfu_80: self.mfu_80, settled: self.settled }
    }
}

/// What a round comes to where it is possible.
struct Outcome {
    round: Round,
    reached_80: Option<Interval>,
    layout: Option<LayoutKeys>,
    batch: Option<Tokens>,
}

/// The utilisation of a plan that states none and has a cap that needs it; `None` where it cannot
/// be predicted, and why not where that is no fault of the plan.
pub(super) fn of(
    setting: &Setting,
    family: Option<&'static str>,
    pinned: Option<&LayoutKeys>,
    notes: &mut Notes,
) -> Option<Solved> {
    let chosen = setting.chosen;
    let cluster = &chosen.cluster;
    if !budget::asks_utilisation(chosen)
        || cluster.devices.is_none()
        || (cluster.accelerator.is_none() && cluster.peak_flops.is_none())
        || chosen.training.adapter.is_some()
    {
        return None;
    }
    let solved = match picked(Fixed { setting, family, pinned: pinned.cloned() }) {
        Ok(solved) => solved?,
        // the faults of a plan's own layout are told where its memory and time are derived
        Err(error) => {
            let advice = error.problem.advice().map_or(String::new(), |text| format!("; {text}"));
            let key = &error.key;
            let text = format!("The utilisation is not predicted: `{key}`: {error}{advice}.");
            notes.remark(text);
            return None;
        }
    };
    if let Some(batch) = solved.batch {
        let source = "between what published laws give for this size and length, as sequences that \
                      the devices share";
        notes.assume("training.batch_tokens", &batch.human(), source);
    }
    Some(solved)
}

/// Settled with the layout that was picked, or is.
fn picked(mut fixed: Fixed) -> Result<Option<Solved>, DeriveError> {
    let mut before = Vec::new();
    for _ in 0..PICKS {
        let Some(mut solved) = settle(&fixed)? else {
            return Ok(None);
        };
        before.append(&mut solved.rounds);
        if solved.layout == fixed.pinned || fixed.setting.chosen.layout.is_some() {
            return Ok(Some(Solved { rounds: before, ..solved }));
        }
        fixed.pinned = solved.layout;
    }
    settle(&fixed)
}

fn settle(fixed: &Fixed) -> Result<Option<Solved>, DeriveError> {
    let mut bracket = Bracket::default();
    let mut surpassed: Option<Outcome> = None;
    let mut too_large = None;
    let mut rounds: Vec<Round> = Vec::new();
    let mut assumed = log(START);
    for place in 1..=ROUNDS {
        let over = match once(fixed, exp(assumed))? {
            Reached::Nothing => return Ok(None),
            Reached::TooLarge(error) => {
                too_large = Some(error);
                None
            }
            Reached::Step(outcome) => {
                rounds.push(outcome.round.clone());
                let over = log(outcome.round.reached) - assumed;
                if fabs(over) < SETTLED {
                    return Ok(Some(outcome.found(rounds, true)));
                }
                if over > 0.0 {
                    surpassed = Some(*outcome);
                }
                Some(over)
            }
        };
        let next = bracket.next(assumed, over, place % 3 == 0);
        if bracket.high - bracket.low < JUMP || next < log(LEAST) {
            break;
        }
        assumed = next;
    }
    match (surpassed, too_large) {
        (Some(outcome), _) => Ok(Some(outcome.found(rounds, false))),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(None),
    }
}

/// Logarithms between which a utilisation reaches itself.
struct Bracket {
    low: f64,
    high: f64,
    /// What was assumed before, and the logarithm of what was reached over it.
    last: Option<(f64, f64)>,
}

impl Default for Bracket {
    fn default() -> Self {
        Self { low: f64::NEG_INFINITY, high: f64::INFINITY, last: None }
    }
}

impl Bracket {
    /// What to assume after `at`, where `over` was reached, or nothing fits; in the middle where that
    /// is asked for.
    fn next(&mut self, at: f64, over: Option<f64>, middle: bool) -> f64 {
        let low = over.is_some_and(|over| over > 0.0);
        *(if low { &mut self.low } else { &mut self.high }) = at;
        let before = std::mem::replace(&mut self.last, over.map(|over| (at, over)));
        let secant = before.zip(over).map(|((b, was), over)| at - over * (at - b) / (over - was));
        let half = match (self.low.is_finite(), self.high.is_finite()) {
            (true, true) => f64::midpoint(self.low, self.high),
            // nothing was surpassed yet: half as much
            _ => at - std::f64::consts::LN_2,
        };
        let ways = [secant, over.map(|over| at + over)];
        let inside = |way: &f64| *way > self.low && *way < self.high;
        let way = ways.into_iter().flatten().find(inside);
        way.filter(|_| !(middle && self.low.is_finite() && self.high.is_finite())).unwrap_or(half)
    }
}

impl Outcome {
    /// Where nothing settles, the run is the one that was sized with what is assumed here: its steps
    /// reach a little more.
    fn found(self, rounds: Vec<Round>, settled: bool) -> Solved {
        Solved {
            mfu: Fraction(if settled { self.round.reached } else { self.round.assumed }),
            mfu_80: self.reached_80,
            layout: self.layout,
            batch: self.batch,
            settled,
            rounds,
        }
    }
}

/// What a utilisation leads to.
enum Reached {
    /// No run, or no time of a step.
    Nothing,
    /// A model that no layout has room for.
    TooLarge(DeriveError),
    Step(Box<Outcome>),
}

/// One round.
fn once(fixed: &Fixed, assumed: f64) -> Result<Reached, DeriveError> {
    let &Setting { chosen, law, k, curriculum, mixture, .. } = fixed.setting;
    let quiet = &mut Notes::default();
    let caps = budget::caps(chosen, Some(Fraction(assumed)), quiet)?;
    let mut setting = Setting::new(chosen, law, k, &caps, curriculum, mixture);
    setting.shape = fixed.setting.shape;
    let wanted = allocate::wanted(&setting, quiet)?;
    let objective = setting.objective.as_ref();
    let Ok(Some(point)) = solve(law, objective, k, &wanted) else {
        return Ok(Reached::Nothing);
    };
    let Some(shape) = setting.shape.cloned().or_else(|| proposed(law, &point)) else {
        return Ok(Reached::Nothing);
    };
    let batch = match chosen.training.batch_tokens {
        Some(_) => None,
        None => Some(batch(chosen, &shape, &point)),
    };
    let mut laid_out = chosen.clone();
    laid_out.training.batch_tokens = batch.or(chosen.training.batch_tokens);
    if chosen.layout.is_none() {
        match layout(fixed, &laid_out, &shape)? {
            Ok(keys) => laid_out.layout = Some(keys),
            Err(error) => return Ok(Reached::TooLarge(error)),
        }
    }
    let split = split::of(&laid_out, quiet)?;
    let step = throughput::of(&laid_out, split.as_ref(), Some(&shape), quiet)?;
    let (Some(step), Some(peak)) = (step, budget::peak(chosen)?) else {
        return Ok(Reached::Nothing);
    };
    let utilisation = |rate: f64| rate * (point.flops.0 / point.tokens.0) / peak.0;
    let rate = step.tokens_per_second_per_device();
    let reached = utilisation(rate);
    if !(reached.is_finite() && reached > 0.0) {
        return Ok(Reached::Nothing);
    }
    Ok(Reached::Step(Box::new(Outcome {
        reached_80: step.range_80().map(|range| range.map(utilisation)),
        layout: laid_out.layout.filter(|_| chosen.layout.is_none()),
        batch,
        round: Round {
            assumed,
            reached,
            params: point.params,
            tokens: point.tokens,
            layers: shape.layers(),
            hidden: shape.hidden,
            batch_tokens: step.tokens,
            layout: words(&step.layout),
            tokens_per_second_per_device: rate,
        },
    })))
}

/// A layout in a few words.
fn words(layout: &Layout) -> String {
    let strategy = layout.strategy.to_string();
    let degrees = layout.degrees();
    let split = degrees.into_iter().filter(|(_, degree)| *degree > 1);
    let inside = [("micro_batch", layout.micro_batch)];
    let words = split.chain(inside).map(|(key, degree)| format!("{key} {degree}"));
    let all: Vec<String> = [strategy].into_iter().chain(words).collect();
    format!("{}, recompute {}", all.join(", "), layout.recompute)
}

/// The layout of a plan that states none: what is pinned where that is one of this shape, else the
/// best of a short list; the inner error where nothing fits.
fn layout(
    fixed: &Fixed,
    chosen: &Chosen,
    shape: &Shape,
) -> Result<Result<LayoutKeys, DeriveError>, DeriveError> {
    let with = |keys: Option<LayoutKeys>| {
        let chosen = Chosen { layout: keys, ..chosen.clone() };
        LayoutSearch::with(&chosen, shape.clone(), fixed.family)
    };
    let found = |sought: &LayoutSearch| {
        let question = sought.question(Breadth::Short).map_err(|error| {
            let key = error.key;
            Problem::Throughput(error).at(key)
        })?;
        Ok(search(&question, &|_| ()))
    };
    let sought = with(None)?;
    let kept = match &fixed.pinned {
        Some(pinned) => with(Some(pinned.alone())).and_then(|sought| found(&sought)).ok(),
        None => None,
    };
    let kept = kept.filter(|found| found.counts.legal > 0);
    let pinned = fixed.pinned.clone().filter(|_| kept.is_some());
    let found = match kept {
        Some(kept) => kept,
        None => found(&sought)?,
    };
    Ok(found.best.map_or_else(
        || {
            let text = format!(
                "no layout of {} parameters fits into {} devices",
                shape.params().human(),
                sought.devices
            );
            Err(Problem::Value(text).at("cluster.devices"))
        },
        |best| Ok(pinned.unwrap_or_else(|| sought.keys(&best.layout))),
    ))
}

/// The shape that is picked for a size.
fn proposed(law: &Law, point: &Point) -> Option<Shape> {
    let wanted = Wanted { params: point.params?, counting: law.counting, ..Wanted::default() };
    Some(propose_usual(&wanted).ok()?.1)
}

/// Tokens of a step between those that published laws give: as many sequences as there are devices,
/// doubled or halved.
fn batch(chosen: &Chosen, shape: &Shape, point: &Point) -> Tokens {
    let params = point.params.unwrap_or_else(|| Params(shape.params().get()));
    let [low, high] = batches(params, point.tokens);
    let sequence = super::sequence::longest(chosen, &mut Notes::default());
    let devices = chosen.cluster.devices.map_or(1.0, |devices| devices.0);
    #[expect(clippy::cast_precision_loss, reason = "tokens of a sequence")]
    let sequence = sequence as f64;
    let of_device = pow(low * high, 0.5) / sequence / devices;
    let doublings = log2(of_device).round().max(halvings(devices));
    Tokens(sequence * devices * pow(2.0, doublings))
}

/// How often devices can be halved, below 0.
fn halvings(devices: f64) -> f64 {
    let mut times = 0.0;
    let mut left = devices;
    while left > 1.0 && left % 2.0 == 0.0 {
        left /= 2.0;
        times -= 1.0;
    }
    times
}
