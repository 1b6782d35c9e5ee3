//! What a suite of evidence says of itself, against its cases.

use plan::memory::{Setting, Suite, evidence};
use plan::model::Shape;

/// A case of a suite: the simulated bytes over those that were seen.
pub struct Case {
    pub shape: Shape,
    pub family: Option<String>,
    pub setting: Setting,
    pub ratio: f64,
}

/// The value at a share of sorted values, straight lines between them.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let place = share * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

pub fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The suite states its cases' number, ranges and errors, and every case lies inside it.
pub fn bound(suite: &Suite, cases: &[Case]) {
    let what = suite.what;
    assert_eq!(suite.cases, cases.len(), "{what}");
    let range = |of: &dyn Fn(&Case) -> u64| {
        [cases.iter().map(of).min().unwrap(), cases.iter().map(of).max().unwrap()]
    };
    for (key, stated, seen) in [
        ("params", suite.params, range(&|c| u64::try_from(c.shape.count().total()).unwrap())),
        ("shards", suite.shards, range(&|c| c.setting.layout.shards())),
        ("sequence", suite.sequence, range(&|c| c.setting.sequence)),
        ("micro_batch", suite.micro_batch, range(&|c| c.setting.layout.micro_batch)),
        ("vocab", suite.vocab, range(&|c| c.shape.vocab)),
    ] {
        assert_eq!(stated, seen, "{what}: {key}");
    }
    let degrees = |c: &Case| {
        let l = c.setting.layout;
        [l.dp_replicate, l.tp, l.pp, l.cp, l.ep, l.micro_batches]
    };
    for (index, stated) in suite.settings.degrees.into_iter().enumerate() {
        let most = cases.iter().map(|case| degrees(case)[index]).max().unwrap();
        assert_eq!(stated, most, "{what}: degree {index}");
    }
    let errors = sorted(cases.iter().map(|case| (case.ratio - 1.0).abs()));
    for (key, stated, share) in
        [("median", suite.median_error, 0.5), ("worst", suite.worst_error, 1.0)]
    {
        // four decimals are stated
        let seen = percentile(&errors, share);
        assert!((stated - seen).abs() <= 0.5e-4, "{what}: {key} {stated}, {seen}");
    }
    for case in cases {
        let own = evidence(&case.shape, case.family.as_deref(), &case.setting);
        assert_eq!(own.suite, suite, "{what}");
        assert!(own.inside(), "{what}: {:?}", own.outside);
    }
}
