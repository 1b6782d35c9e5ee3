//! Learning rate, batch and steps, for plans that state a learning rate or ask for one.

use super::Setting;
use crate::allocation::Point;
use crate::plan::{Chosen, DerivedRecipe};
use crate::quantity::{Params, Quantity};
use crate::recipe::{RECIPE_LAWS, batches, learning_rates};
use std::collections::BTreeMap;

/// What the laws give, beside what the plan states.
pub(super) fn of(
    chosen: &Chosen,
    setting: &Setting,
    point: Option<&Point>,
) -> Option<DerivedRecipe> {
    let training = &chosen.training;
    let peak = training.peak_lr?;
    let tokens = point?.tokens;
    let counted = setting.shape.map(crate::model::Shape::params).map(|own| Params(own.get()));
    let params = point?.params.or(counted)?;
    let by = |of: &dyn Fn(&crate::recipe::RecipeLaw) -> f64| {
        RECIPE_LAWS.iter().map(|law| (law.name.to_owned(), of(law))).collect::<BTreeMap<_, _>>()
    };
    let batch = training.batch_tokens.map(|batch| batch.0);
    let whole = batch.map(|batch| (tokens.0 / batch).ceil());
    Some(DerivedRecipe {
        peak_lr: peak.0,
        laws_lr: learning_rates(params, tokens),
        laws_batch: batches(params, tokens),
        lr_by_law: by(&|law| (law.learning_rate)(params, tokens)),
        batch_by_law: by(&|law| (law.batch)(params, tokens).0),
        steps: whole.map(crate::quantity::Steps),
        stepped_tokens: whole
            .zip(batch)
            .map(|(steps, batch)| crate::quantity::Tokens(steps * batch)),
    })
}
