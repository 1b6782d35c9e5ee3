//! What a suite of evidence says of itself, against its cases.

use crate::percentile::{percentile, rounded, sorted};
use plan::memory::{Setting, Suite, evidence};
use plan::model::Shape;

/// A case of a suite: the simulated bytes over those that were seen.
pub struct Case {
    pub shape: Shape,
    pub setting: Setting,
    pub ratio: f64,
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
        let seen = percentile(&errors, share);
        let places = if seen < 1e-4 { 5 } else { 4 };
        assert_eq!(rounded(stated, 5), rounded(seen, places), "{what}: {key} {stated}, {seen}");
    }
    for case in cases {
        let own = evidence(&case.shape, &case.setting);
        assert_eq!(own.suite, suite, "{what}");
        assert!(own.inside(), "{what}: {:?}", own.outside);
    }
}
