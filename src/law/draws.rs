//! Bootstrap draws of the default law, and intervals from them.

use super::{Law, Optimum, PowerLaw, Prepared, Surface};
use crate::quantity::{Flops, FlopsPerParamToken};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::LazyLock;

/// The bootstrap draws behind a law's intervals.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "bool")]
pub enum Draws {
    /// There are none, and no intervals.
    #[default]
    None,
    /// Those of the default law.
    Embedded,
    /// Those that stand in the law's own file.
    Own(Vec<Surface>),
    /// Those of a law file that knows optima alone.
    Powers(Vec<PowerLaw>),
}

impl From<bool> for Draws {
    fn from(embedded: bool) -> Self {
        if embedded { Self::Embedded } else { Self::None }
    }
}

impl Law {
    /// The draws behind the law's intervals; empty where it has none.
    #[must_use]
    pub fn draws(&self) -> &[Surface] {
        match &self.draws {
            Draws::None | Draws::Powers(_) => &[],
            Draws::Embedded => draws(),
            Draws::Own(draws) => draws,
        }
    }

    /// The optima of a budget under the draws of a law that knows optima alone; empty where it has
    /// none.
    #[must_use]
    pub fn drawn_optima(&self, flops: Flops, k: FlopsPerParamToken) -> Vec<Optimum> {
        let Draws::Powers(draws) = &self.draws else { return Vec::new() };
        let six = Flops(flops.0 * FlopsPerParamToken::TRAINING.0 / k.0);
        draws.iter().map(|power| power.optimum(six)).collect()
    }

    /// The [draws](Self::draws) with their logarithms taken.
    #[must_use]
    pub fn prepared_draws(&self) -> Cow<'static, [Prepared]> {
        static EMBEDDED: LazyLock<Vec<Prepared>> = LazyLock::new(|| prepared(draws()));
        match &self.draws {
            Draws::None | Draws::Powers(_) => Cow::Borrowed(&[]),
            Draws::Embedded => Cow::Borrowed(&EMBEDDED),
            Draws::Own(draws) => Cow::Owned(prepared(draws)),
        }
    }
}

fn prepared(draws: &[Surface]) -> Vec<Prepared> {
    draws.iter().copied().map(Prepared::new).collect()
}

/// 256 refits of the default law to resamples of its 240 points.
///
/// Each row of `draws.csv` is the Huber fit (delta 1e-3, log loss) to 240 points drawn with
/// replacement from Epoch AI's reading of Hoffmann et al. 2022, Figure 4. The 256 stand for
/// 4000 such fits (`representatives` of `fit`); `tests/draws.rs` makes the
/// file and says how to repeat it.
///
/// # Panics
/// Never: a test reads the embedded file.
#[must_use]
pub fn draws() -> &'static [Surface] {
    static DRAWS: LazyLock<Vec<Surface>> = LazyLock::new(|| {
        csv::Reader::from_reader(include_str!("draws.csv").as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .expect("the embedded draws are well-formed")
    });
    &DRAWS
}

/// The 10th and 90th percentile, linear between ranks; `None` without a finite value.
#[must_use]
pub fn interval_80(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let last = values.len().checked_sub(1)?;
    let mut at = |share: usize| {
        // share/10 of the way through the ranks, without leaving the integers
        let (rank, rest) = (last * share / 10, last * share % 10);
        let (_, own, above) = values.select_nth_unstable_by(rank, f64::total_cmp);
        let own = *own;
        let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(own);
        #[expect(clippy::cast_precision_loss, reason = "a remainder below ten")]
        let part = rest as f64 / 10.0;
        own + (next - own) * part
    };
    Some([at(1), at(9)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_linear_between_ranks() {
        // numpy.percentile(range(10), [10, 90]) = [0.9, 8.1]
        let [low, high] = interval_80((0..10).map(f64::from)).unwrap();
        assert!((low - 0.9).abs() < 1e-12 && (high - 8.1).abs() < 1e-12);
        assert_eq!(interval_80([].into_iter()), None);
        assert_eq!(interval_80([3.0].into_iter()), Some([3.0, 3.0]));
        // the order of the values does not matter
        let shuffled = [7.0, 0.0, 9.0, 3.0, 5.0, 1.0, 8.0, 2.0, 6.0, 4.0];
        assert_eq!(interval_80(shuffled.into_iter()), Some([low, high]));
    }

    #[test]
    fn the_embedded_draws_are_256() {
        assert_eq!(draws().len(), 256);
    }
}
