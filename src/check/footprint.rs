//! Rules about what the run takes from its surroundings.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::plan::KeyPath;

pub(super) static PRICE_UNDATED: Rule = rule!(
    "price-undated",
    Budget,
    Warning,
    "0.1.0",
    "the cost of the run rests on a price without a date",
    price_undated
);

fn price_undated(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let cost = &chosen.cost;
    let counts = chosen.site.is_some() || chosen.budget.usd.is_some();
    let stated = cost.usd_per_accelerator_hour.filter(|_| counts && cost.price_as_of.is_none());
    let Some(price) = stated else {
        return Vec::new();
    };
    let key = KeyPath::from("cost.usd_per_accelerator_hour");
    vec![
        Finding::new(format!("the price of {price} USD an hour has no date"))
            .at(key, "of which day?")
            .help("add `price_as_of`, the day of the offer, such as `price_as_of = 2025-03-03`"),
    ]
}
