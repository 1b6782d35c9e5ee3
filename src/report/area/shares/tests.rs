use super::super::cases::{many, ramp};
use super::super::text;
use super::*;

#[test]
fn shares_are_repaired() {
    let names = ["a", "b", "c", "d"].map(str::to_owned);
    let weights = |_: f64| vec![3.0, f64::NAN, -1.0];
    let stages = [("all".to_owned(), 0.0, 1.0)];
    let areas = Areas { names: &names, stages: &stages, tokens: f64::NAN, weights: &weights };
    assert_eq!(areas.shares(0.5), [1.0, 0.0, 0.0, 0.0]);
    assert!(areas.ticks(5, 0.1).is_empty());
    assert!(text(&areas, 60, 8, true).starts_with("100 % +aaaa"));
}

#[test]
fn ticks_are_round_and_end_with_the_run() {
    let labels = |case: super::super::cases::Case, about, gap| {
        let ticks = case.areas().ticks(about, gap);
        assert!(ticks.is_sorted_by(|a, b| a.0 < b.0));
        ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(labels(ramp(), 6, 0.01), "0, 2 T, 4 T, 6 T, 7.5 T");
    assert_eq!(labels(ramp(), 8, 0.1), "0, 1 T, 2 T, 3 T, 4 T, 5 T, 6 T, 7.5 T");
    assert_eq!(labels(many(3), 3, 0.1), "0, 100 B, 200 B, 300 B");
    assert_eq!(labels(many(3), 1, 0.1), "0, 300 B");
    assert_eq!(["0", "950", "1.5 T", "2 K"], [0.0, 950.0, 1.5e12, 1999.9].map(tokens));
}

#[test]
fn percents_agree_in_their_decimals() {
    assert_eq!(percents(&[[0.6, 0.4], [0.4, 0.0]]), [["60", "40"], ["40", "0"]]);
    assert_eq!(percents(&[[0.125, 1.0], [0.0, 1e-5]]), [["12.5", "100.0"], ["0.0", "<0.1"]]);
    assert_eq!(percents(&[[0.6 - 1e-10, 1e-5]]), [["60", "<0.1"]]);
}
