//! Learning rate, batch, steps and schedule, for plans that determine their size and length.

mod path;

use super::{DeriveError, Notes, Problem, Setting, StepThroughput, sequence};
use crate::allocation::Point;
use crate::memory::Optimizer;
use crate::plan::{Chosen, DerivedRecipe};
use crate::quantity::{Params, Quantity, Steps, Tokens, significant};
use crate::recipe::{
    BATCH_LAW, BETAS, Batches, CLIP_NORM, RATE_LAW, RECIPE_LAWS, RecipeLaw, WEIGHT_DECAY, batches,
    critical_batch, learning_rates, recipe_law, warmup_steps, warmups, weight_decay,
};
use path::{InRun, Path};
use std::collections::BTreeMap;

/// Rounding of a sum of steps.
const ROUNDING: f64 = 1e-12;

/// What the plan states or takes, beside what the laws give; none for adapters, nor for an optimizer
/// that the laws are not about.
pub(super) fn of(
    chosen: &Chosen,
    setting: &Setting,
    point: Option<&Point>,
    step: Option<&StepThroughput>,
    notes: &mut Notes,
) -> Result<Option<DerivedRecipe>, DeriveError> {
    let training = &chosen.training;
    let counted = setting.shape.map(crate::model::Shape::params).map(|own| Params(own.get()));
    let size = point.and_then(|point| Some((point.params.or(counted)?, point.tokens)));
    let unlike = training.adapter.is_some() || training.optimizer == Some(Optimizer::Sgd);
    let Some((params, tokens)) = size.filter(|_| !unlike) else {
        return Ok(None);
    };
    let stages = setting.curriculum.map_or_else(Vec::new, |own| path::stages(own.placed(tokens)));
    let batch = batch(chosen, &stages, (params, tokens), step, notes);
    let growing = growing(chosen, batch)?;
    let (steps, stepped) = steps(&stages, &growing, tokens);
    let path = Path::new(chosen, &stages, tokens);
    let peak_lr = path.peak().unwrap_or_else(|| {
        let law = recipe_law(RATE_LAW);
        let rate = (law.learning_rate)(params, tokens);
        let source = format!(
            "{}, the law nearest to practice: 55 dense published runs took 0.45 of it in the median, \
             half of them 0.24 to 0.73",
            law.source
        );
        notes.assume("training.peak_lr", &significant(rate, 3), &source);
        rate
    });
    let betas = [
        assumed(notes, "training.beta1", training.beta1.map(|beta| beta.0), BETAS[0]),
        assumed(notes, "training.beta2", training.beta2.map(|beta| beta.0), BETAS[1]),
    ];
    let warmup = warmup(chosen, &growing, steps, betas[1], tokens, notes)?;
    let (schedule, rates) = path.rates(peak_lr, warmup, notes);
    let by = |of: &dyn Fn(&RecipeLaw) -> f64| {
        RECIPE_LAWS.iter().map(|law| (law.name.to_owned(), of(law))).collect::<BTreeMap<_, _>>()
    };
    let ways = warmups(params, tokens, batch);
    Ok(Some(DerivedRecipe {
        peak_lr,
        laws_lr: learning_rates(params, tokens),
        laws_batch: batches(params, tokens),
        lr_by_law: by(&|law| (law.learning_rate)(params, tokens)),
        batch_by_law: by(&|law| (law.batch)(params, tokens).0),
        batch_tokens: batch,
        critical_batch_tokens: critical_batch(params, tokens),
        steps: Some(Steps(steps)),
        stepped_tokens: Some(Tokens(stepped)),
        warmup_tokens: Tokens(warmup),
        warmups: [
            ways.into_iter().fold(f64::INFINITY, f64::min),
            ways.into_iter().fold(0.0, f64::max),
        ],
        schedule: schedule.to_owned(),
        decay_from_tokens: Tokens(rates.from),
        decay_to_tokens: Tokens(rates.to),
        final_lr: path.end(&rates),
        weight_decay: {
            let stated = training.weight_decay.map(|decay| decay.0);
            assumed(notes, "training.weight_decay", stated, WEIGHT_DECAY)
        },
        weight_decay_by_law: weight_decay(params, tokens, batch, peak_lr),
        betas,
        clip_norm: {
            let stated = training.clip_norm.map(|norm| norm.0);
            assumed(notes, "training.clip_norm", stated, CLIP_NORM)
        },
        hand_offs: path.hand_offs(&rates),
    }))
}

/// What is stated, or else what GPT-3, `LLaMA` and `OLMo` 2 share.
fn assumed(notes: &mut Notes, key: &str, stated: Option<f64>, usual: f64) -> f64 {
    stated.unwrap_or_else(|| {
        let source = "as GPT-3 (arXiv:2005.14165), LLaMA (arXiv:2302.13971) and OLMo 2 \
                      (allenai/OLMo, configs/official-1124)";
        notes.assume(key, &usual.to_string(), source);
        usual
    })
}

/// Tokens of an optimizer step: as stated, the largest of the stages, what steps or the layout come
/// to, or a power of two of sequences near a law, within the critical batch.
fn batch(
    chosen: &Chosen,
    stages: &[InRun],
    (params, tokens): (Params, Tokens),
    step: Option<&StepThroughput>,
    notes: &mut Notes,
) -> Tokens {
    let training = &chosen.training;
    let of_stages = stages.iter().filter_map(|stage| stage.placed.training.batch_tokens);
    let largest = of_stages.max_by(|a, b| a.0.total_cmp(&b.0));
    let of_steps = training.steps.map(|steps| Tokens((tokens.0 / steps.0).round().max(1.0)));
    let micro = chosen.layout.as_ref().is_some_and(|layout| layout.micro_batches.is_some());
    let of_layout = step.filter(|_| micro).map(|step| Tokens(step.tokens));
    if let Some(own) = training.batch_tokens.or(largest).or(of_layout).or(of_steps) {
        return own;
    }
    #[expect(clippy::cast_precision_loss, reason = "tokens of a sequence")]
    let sequence = sequence::first(chosen, &mut Notes::default()) as f64;
    let law = recipe_law(BATCH_LAW);
    let most = critical_batch(params, tokens).0;
    let wanted = (law.batch)(params, tokens).0.min(most).min(tokens.0);
    let sequences = libm::exp2(libm::log2(wanted / sequence).round().max(0.0));
    let batch = Tokens(sequences * sequence);
    let source = format!(
        "{} gives {}, the law nearest to 55 published runs; {sequences} sequences of {sequence}, a \
         power of two, within the critical batch",
        law.source,
        (law.batch)(params, tokens).human()
    );
    notes.assume("training.batch_tokens", &batch.to_string(), &source);
    batch
}

/// The batches, growing where the plan says so.
fn growing(chosen: &Chosen, batch: Tokens) -> Result<Batches, DeriveError> {
    let batches = chosen.training.batches(batch);
    if batches.from > batch.0 {
        let text = format!("batches that grow begin below the batch of {batch} tokens");
        return Err(Problem::Value(text).at("training.batch_ramp_from"));
    }
    Ok(batches)
}

/// Steps of the run, and the tokens that they read if all are full: those of the stages, where
/// every one has some.
fn steps(stages: &[InRun], batches: &Batches, tokens: Tokens) -> (f64, f64) {
    let own = |stage: &InRun| Some((stage.placed.steps?.0, stage.placed.stepped()?.0));
    let all: Option<Vec<(f64, f64)>> = stages.iter().map(own).collect();
    if let Some(all) = all.filter(|all| !all.is_empty()) {
        return all.iter().fold((0.0, 0.0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
    }
    let steps = (batches.steps(tokens.0) * (1.0 - ROUNDING)).ceil().max(1.0);
    (steps, batches.tokens(steps))
}

/// Tokens of the warm-up.
fn warmup(
    chosen: &Chosen,
    batches: &Batches,
    steps: f64,
    beta2: f64,
    tokens: Tokens,
    notes: &mut Notes,
) -> Result<f64, DeriveError> {
    let training = &chosen.training;
    let by_steps = training.warmup_steps.map(|steps| batches.tokens(steps.0));
    let stated = training.warmup_tokens.map(|tokens| tokens.0).or(by_steps);
    let Some(stated) = stated else {
        let own = warmup_steps(steps, beta2);
        let source = "2,000 steps as LLaMA (arXiv:2302.13971) and OLMo 2 take, 1 % of a shorter run \
                      as Pythia (arXiv:2304.01373), and no fewer than 2/(1 - beta2), \
                      arXiv:1910.04209";
        notes.assume("training.warmup_steps", &own.to_string(), source);
        return Ok(batches.tokens(own).min(tokens.0));
    };
    if stated >= tokens.0 {
        let key = if training.warmup_tokens.is_some() {
            "training.warmup_tokens"
        } else {
            "training.warmup_steps"
        };
        let (warmup, run) = (Tokens(stated).human(), tokens.human());
        let text = format!("a warm-up of {warmup} tokens leaves nothing of the run of {run}");
        return Err(Problem::Value(text).at(key));
    }
    Ok(stated)
}
