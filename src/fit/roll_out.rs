//! Fits to the small runs, held against the largest ones.

use super::target::range;
use super::{Run, Settings, fit};
use crate::law::Surface;
use crate::plan::Interval;
use crate::quantity::{Flops, Params, Tokens};
use libm::{log, sqrt};

/// Runs whose budget is within this factor of the largest are held out, and each fit leaves out as
/// much of what the one before it had.
const APART: f64 = 2.0;
/// Fits at most.
const MOST: usize = 6;
/// Resamples behind the interval of each at most.
const RESAMPLES: u32 = 400;

/// What fits to ever fewer, ever smaller runs say of the largest ones.
#[derive(Debug, Clone, PartialEq)]
pub struct RollOut {
    /// Runs that are predicted.
    pub held_out: usize,
    /// The smallest and the largest budget among them.
    pub flops: [Flops; 2],
    /// N* at the largest budget by the fit to all runs.
    pub params: Params,
    /// The fits, that to the most runs first.
    pub steps: Vec<Step>,
}

/// A fit to the smaller runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Runs that were fitted.
    pub rows: usize,
    /// The largest budget among them.
    pub flops: Flops,
    /// The largest budget of all runs over that.
    pub extrapolation: f64,
    /// Mean of ln loss - ln L(N, D) over the runs held out: above 0 where the law promised too much.
    pub mean: f64,
    /// Root of the mean square of the same.
    pub rms: f64,
    /// N* at the largest budget of all runs.
    pub params: Params,
    /// 80 % interval of it.
    pub params_80: Option<Interval>,
}

/// Rolls the fit out: leaves out the largest runs, and then ever more of the next largest, and
/// predicts the largest with each fit (so AI2's OLMo-core back-tests its ladders).
///
/// # Errors
/// Runs of which no smaller part can be fitted, in words.
pub fn roll_out(runs: &[Run], law: &Surface, settings: &Settings) -> Result<RollOut, String> {
    let flops = |run: &Run| run.flops(settings.k);
    let largest = range(runs, settings.k).flops.map_or(f64::NAN, |[_, high]| high);
    let (kept, held): (Vec<Run>, Vec<Run>) =
        runs.iter().partition(|run| flops(run) < largest / APART);
    let mut steps = Vec::new();
    let mut limit = largest / APART;
    let mut why = "no run has less than half of the largest budget".to_owned();
    while steps.len() < MOST {
        let below = kept.iter().filter(|run| flops(run) < limit);
        let Some(most) = below.map(flops).max_by(f64::total_cmp) else { break };
        let part: Vec<Run> = kept.iter().filter(|run| flops(run) <= most).copied().collect();
        limit = most / APART;
        let asked = Settings {
            target: Some(Flops(largest)),
            bootstrap: settings.bootstrap.min(RESAMPLES),
            ..*settings
        };
        match fit(&part, &asked) {
            Ok(fitted) => {
                let (mean, rms) = errors(&held, &fitted.surface);
                steps.push(Step {
                    rows: part.len(),
                    flops: Flops(most),
                    extrapolation: largest / most,
                    mean,
                    rms,
                    params: fitted.target.optimum.params.unwrap_or_default(),
                    params_80: fitted.target.params_80,
                });
            }
            Err(error) => {
                why = format!("of the {} runs up to {most:.2e} FLOP: {error}", part.len());
                break;
            }
        }
    }
    if steps.is_empty() {
        return Err(why);
    }
    let least = held.iter().map(flops).fold(f64::INFINITY, f64::min);
    Ok(RollOut {
        held_out: held.len(),
        flops: [Flops(least), Flops(largest)],
        params: law.optimum(Flops(largest), settings.k).params.unwrap_or_default(),
        steps,
    })
}

/// Mean and root mean square of ln loss - ln L(N, D).
#[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^53")]
fn errors(runs: &[Run], law: &Surface) -> (f64, f64) {
    let error = |run: &Run| log(run.loss / law.loss(Params(run.params), Tokens(run.tokens)).0);
    let count = runs.len() as f64;
    let mean = runs.iter().map(error).sum::<f64>() / count;
    let square = runs.iter().map(|run| error(run) * error(run)).sum::<f64>() / count;
    (mean, sqrt(square))
}
