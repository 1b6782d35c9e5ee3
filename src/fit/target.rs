//! The optimum at a target budget, and how far that lies from the runs.

use super::{Bootstrap, Run, Settings};
use crate::law::{Optimum, Range, Surface};
use crate::plan::Interval;
use crate::quantity::{Flops, FlopsPerParamToken, significant};

/// Times beyond the largest budget at which a reader is warned.
const FAR: f64 = 100.0;

/// What the law says of a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// The budget.
    pub flops: Flops,
    /// N*, D*, L*.
    pub optimum: Optimum,
    /// 80 % interval of N*.
    pub params_80: Option<Interval>,
    /// 80 % interval of D*.
    pub tokens_80: Option<Interval>,
    /// 80 % interval of D*/N*.
    pub tokens_per_param_80: Option<Interval>,
    /// 80 % interval of L*.
    pub loss_80: Option<Interval>,
    /// The budget over the largest of the runs.
    pub extrapolation: f64,
}

/// The ends of what the runs cover.
pub(super) fn range(runs: &[Run], k: FlopsPerParamToken) -> Range {
    let ends = |of: &dyn Fn(&Run) -> f64| {
        let ends = runs
            .iter()
            .map(of)
            .fold((f64::INFINITY, 0.0_f64), |ends, value| (ends.0.min(value), ends.1.max(value)));
        Some([ends.0, ends.1])
    };
    Range {
        flops: ends(&|run| run.flops(k)),
        params: ends(&|run| run.params),
        tokens: ends(&|run| run.tokens),
        tokens_per_param: ends(&|run| run.tokens / run.params),
    }
}

impl Target {
    pub(super) fn of(
        surface: &Surface,
        bootstrap: Option<&Bootstrap>,
        range: &Range,
        settings: &Settings,
    ) -> Self {
        let k = settings.k;
        let largest = range.flops.map_or(f64::NAN, |[_, high]| high);
        let flops = settings.target.unwrap_or(Flops(largest));
        let optimum = surface.optimum(flops, k);
        let over = |of: fn(&Optimum) -> f64| {
            bootstrap?.interval_80(of(&optimum), |draw| of(&draw.optimum(flops, k)))
        };
        Self {
            flops,
            optimum,
            params_80: over(|optimum| optimum.params.unwrap_or_default().0),
            tokens_80: over(|optimum| optimum.tokens.0),
            tokens_per_param_80: over(|optimum| optimum.tokens_per_param().unwrap_or_default().0),
            loss_80: over(|optimum| optimum.loss.unwrap_or_default().0),
            extrapolation: flops.0 / largest,
        }
    }

    pub(super) fn remarks(&self) -> Option<String> {
        (self.extrapolation > FAR).then(|| {
            format!(
                "the target lies x {} beyond the largest run: the intervals hold only if the form \
                 does so far out",
                significant(self.extrapolation, 3)
            )
        })
    }
}
