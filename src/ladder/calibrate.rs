//! Whether the intervals of a fit hold the truth as often as they say, and wider ones where not.

use super::simulate::{Sets, Simulation, simulate};
use super::world::{Noise, World};
use crate::fit::{Fit, Run, Settings, Target};
use crate::law::Surface;
use crate::plan::Interval;
use crate::quantity::{Params, Tokens, significant};
use libm::{log, pow, sqrt};

/// Simulates outcomes of the fitted law at the same runs, their deviations drawn from those of the
/// fit, and fits each as the runs were. `None` where hardly any can be fitted.
#[must_use]
pub fn calibrated(
    fitted: &Fit,
    runs: &[Run],
    settings: &Settings,
    count: u32,
    step: &(dyn Fn() + Sync),
) -> Option<Simulation> {
    let noise = Noise::Of(deviations(&fitted.surface, runs, settings.exponents.constants()));
    let world = World { runs, law: fitted.surface, noise };
    let sets = Sets {
        count,
        bootstrap: Sets::USUAL.1,
        seed: settings.seed,
        exponents: settings.exponents,
        objective: settings.objective,
        target: fitted.target.flops,
        k: settings.k,
    };
    simulate(&world, &sets, step)
}

/// The deviations of the log losses, times the root of n/(n - p): p fitted constants take that much of
/// them.
fn deviations(law: &Surface, runs: &[Run], constants: usize) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a few million rows at most")]
    let freedom = {
        let free = runs.len().saturating_sub(constants).max(1);
        sqrt(runs.len() as f64 / free as f64)
    };
    let deviation =
        |run: &Run| freedom * log(run.loss / law.loss(Params(run.params), Tokens(run.tokens)).0);
    runs.iter().map(deviation).collect()
}

/// The intervals of a target, wider where a simulation shows that they hold the truth too rarely,
/// and what is to be said of it.
#[must_use]
pub fn widened(target: &Target, simulation: &Simulation) -> (Target, String) {
    let (size, loss) = (simulation.params.widening(), simulation.loss.widening());
    // times 1 nothing moves, not by a last digit either
    let log_wider = |value: f64, ends: Option<Interval>| {
        let moved = |end: f64| if size > 1.0 { value * pow(end / value, size) } else { end };
        ends.map(|ends| ends.map(moved))
    };
    let wider_loss = |value: f64, end: f64| {
        if loss > 1.0 { value + (end - value) * loss } else { end }
    };
    let optimum = &target.optimum;
    let value = optimum.loss.unwrap_or_default().0;
    let wider = Target {
        params_80: log_wider(optimum.params.unwrap_or_default().0, target.params_80),
        tokens_80: log_wider(optimum.tokens.0, target.tokens_80),
        tokens_per_param_80: log_wider(
            optimum.tokens_per_param().unwrap_or_default().0,
            target.tokens_per_param_80,
        ),
        loss_80: target.loss_80.map(|ends| ends.map(|end| wider_loss(value, end))),
        ..*target
    };
    let held = |share: f64| significant(100.0 * share, 3);
    let then = |times: f64| match times {
        1.0 => String::new(),
        times => format!(", so it is x {} as wide here", significant(times, 3)),
    };
    let draws = if size > 1.0 || loss > 1.0 {
        "; constants and the draws of a law file stay as they were"
    } else {
        ""
    };
    let said = format!(
        "in {} simulated outcomes of this law at these runs the 80 % interval held the true N* in \
         {} %{}, and the true loss in {} %{}{draws}",
        simulation.sets - simulation.failed,
        held(simulation.params.held),
        then(size),
        held(simulation.loss.held),
        then(loss)
    );
    (wider, said)
}
