//! Budget, allocation, and the run beside the optimum.

use super::answer::Answer;
use super::block::Block;
use super::words::interval;
use crate::plan::{Derived, Versus};
use crate::quantity::{
    AcceleratorHours, Flops, Loss, Params, Quantity, Tokens, TokensPerParam, significant,
};

fn derived<'a>(answer: &Answer<'a>) -> &'a Derived {
    &answer.derivation.derived
}

/// The caps, the one that binds, and what the last run gets.
pub(super) fn budget(answer: &Answer) -> Vec<Block> {
    let Some(budget) = &derived(answer).budget else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading("Budget".to_owned())];
    let by_loss = answer.derivation.wanted.loss.is_some();
    let stated = answer.derivation.point.filter(|point| !point.free || by_loss);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (key, cap) in &budget.caps {
        let binds = *key == budget.binding && budget.caps.len() > 1;
        let mut row = vec![key.clone(), cap.flops.human()];
        row.extend(stated.map(|run| needs(run.flops, cap.flops)));
        row.push(format!("{}{}", cap.arithmetic, if binds { "  <- binds" } else { "" }));
        rows.push(row);
    }
    let header: &[&str] = match stated {
        Some(_) => &["cap", "worth", "run needs", "arithmetic"],
        None => &["cap", "worth", "arithmetic"],
    };
    let plain = rows.len() == 1 && budget.binding == "flops" && stated.is_none();
    blocks.push(if plain {
        Block::Line(format!("  {}", budget.flops.human()))
    } else {
        Block::table(header, rows, header.len())
    });
    if let Some(reserve) = answer.chosen.budget.reserve {
        let (reserve, left) = (reserve.human(), budget.run_flops);
        let own = stated.map(|run| format!("; this run needs {} of that", needs(run.flops, left)));
        blocks.push(Block::Line(format!(
            "  {reserve} of {} is kept in reserve: the last run gets {}{}.",
            budget.flops.human(),
            left.human(),
            own.unwrap_or_default()
        )));
    }
    blocks
}

/// What the run needs of a cap.
fn needs(run: Flops, cap: Flops) -> String {
    let times = run.0 / cap.0;
    if times < 10.0 {
        format!("{} %", significant(times * 100.0, 3))
    } else {
        format!("{} times", significant(times, 3))
    }
}

/// Size, tokens, loss.
pub(super) fn allocation(answer: &Answer) -> Vec<Block> {
    let Some(run) = &derived(answer).allocation else {
        return Vec::new();
    };
    let law = &answer.derivation.law;
    let title = if answer.derivation.point.is_some_and(|point| point.free) {
        "Compute-optimal run"
    } else {
        "Run"
    };
    let mut rows = Vec::new();
    let mut row = |name: &str, value: Option<String>, interval: String| {
        if let Some(value) = value {
            rows.push(vec![name.to_owned(), value, interval]);
        }
    };
    row("parameters N", run.params.map(Quantity::human), interval::<Params>(run.params_80));
    row("FLOPs per token M", run.flops_per_token.map(|m| significant(m, 3)), String::new());
    row("tokens D", Some(run.tokens.human()), interval::<Tokens>(run.tokens_80));
    let ratio_80 = interval::<TokensPerParam>(run.tokens_per_param_80);
    row("tokens per parameter", run.tokens_per_param.map(Quantity::human), ratio_80);
    row("loss, nats/token", run.loss.map(Quantity::human), interval::<Loss>(run.loss_80));
    row("compute", Some(run.flops.human()), interval::<Flops>(run.flops_80));
    row("time", run.days.map(|days| format!("{} days", significant(days, 3))), String::new());
    row(
        "accelerator-hours",
        run.accelerator_hours
            .map(|h| AcceleratorHours(h).human().replace(" accelerator-hours", "")),
        String::new(),
    );
    row("cost", run.usd.map(Quantity::human), String::new());
    let with_interval = rows.iter().any(|row| !row[2].is_empty());
    let header = ["", "", if with_interval { "80 % interval" } else { "" }];
    vec![
        Block::Heading(title.to_owned()),
        Block::table(&header, rows, 1),
        Block::Line(format!(
            "  Law {}: {}. N counts {}.{}",
            law.name,
            law.source,
            law.counts,
            if with_interval { " Intervals: 256 bootstrap refits." } else { "" }
        )),
        Block::Line(format!("  {}", range(answer))),
    ]
}

/// Where the run lies in the law's data, and how the compute is counted.
fn range(answer: &Answer) -> String {
    let derivation = answer.derivation;
    let Some(point) = derivation.point else {
        return String::new();
    };
    let k = derivation.k;
    let place = match derivation.extrapolation() {
        Some(outside) => format!(
            "extrapolated x {}: {} outside the law's data ({} to {})",
            significant(outside.factor, 3),
            outside.side,
            significant(outside.low, 3),
            significant(outside.high, 3)
        ),
        None => "inside the law's data".to_owned(),
    };
    let Some(params) = point.params else {
        return format!("N follows once a model shape exists; {place}.");
    };
    let product = k.cost(params, point.tokens);
    let spent = format!(
        "{k} x {} x {} = {}",
        significant(params.0, 3),
        significant(point.tokens.0, 3),
        product.human()
    );
    let by_law = point.free && derivation.wanted.loss.is_none();
    let off = derivation
        .run_flops()
        .filter(|budget| by_law && (product.0 / budget.0 - 1.0).abs() > 0.02)
        .map(|budget| {
            let times = significant(product.0 / budget.0, 3);
            format!(", {times} times the budget: this law counts D in its own way")
        });
    format!("{spent}{}; {place}.", off.unwrap_or_default())
}

/// The run beside the optimum of the same compute.
pub(super) fn optimum(answer: &Answer) -> Vec<Block> {
    let (Some(versus), Some(run)) = (&derived(answer).optimum, &derived(answer).allocation) else {
        return Vec::new();
    };
    let rows = vec![
        vec![
            "parameters N*".to_owned(),
            versus.params.human(),
            interval::<Params>(versus.params_80),
        ],
        vec!["tokens D*".to_owned(), versus.tokens.human(), interval::<Tokens>(versus.tokens_80)],
        vec!["tokens per parameter".to_owned(), versus.tokens_per_param.human(), String::new()],
    ];
    let with_interval = rows.iter().any(|row| !row[2].is_empty());
    let header = ["", "", if with_interval { "80 % interval" } else { "" }];
    let mut blocks = vec![
        Block::Heading(format!("Optimum for the same {}, data without limit", run.flops.human())),
        Block::table(&header, rows, 1),
    ];
    if let Some(ratio) = run.tokens_per_param {
        let (own, best) = (ratio.human(), versus.tokens_per_param.human());
        blocks.push(Block::Line(format!(
            "  The run has {own} tokens per parameter, {} times the optimum's {best}.",
            significant(versus.multiple, 3)
        )));
    }
    blocks.extend(price(answer, versus));
    blocks.extend(sized_for_tokens(answer));
    blocks
}

/// What the run costs against the optimum.
fn price(answer: &Answer, versus: &Versus) -> Option<Block> {
    let (enough, wasted) = (versus.equivalent_flops?.human(), versus.wasted?.human());
    let difference = significant(versus.loss_difference?, 3);
    if versus.wasted?.0 < 1e-3 {
        return Some(Block::Line("  It is practically the optimum of its compute.".to_owned()));
    }
    Some(Block::Line(if answer.derivation.wanted.inference_tokens.is_some() {
        format!("  For training alone the optimum reaches this loss with {enough}, {wasted} less.")
    } else {
        format!(
            "  It costs {difference} nats/token: the optimum reaches this loss with {enough}, so {wasted} of the compute is wasted."
        )
    }))
}

/// Tokens that are scarcer than the optimum's: the size that they can feed.
fn sized_for_tokens(answer: &Answer) -> Option<Block> {
    let derivation = answer.derivation;
    let (point, surface) = (derivation.point?, derivation.law.surface()?);
    let tokens = derivation.wanted.tokens?;
    if derivation.wanted.params.is_some() || derivation.deviation?.tokens.0 <= tokens.0 {
        return None;
    }
    let fed = surface.params_for(tokens);
    Some(Block::Line(format!(
        "  {} tokens are the optimum for {} parameters, which need {} of the {}.",
        tokens.human(),
        fed.human(),
        derivation.k.cost(fed, tokens).human(),
        point.flops.human()
    )))
}

/// Where the loss that is held comes from.
fn held(answer: &Answer) -> String {
    let derivation = answer.derivation;
    let wanted = &derivation.wanted;
    match (derivation.point, derivation.run_flops()) {
        (Some(point), Some(budget)) if derivation.serves_budget() => format!(
            "  It holds the loss that {} reach in training alone; its own training takes {} times that.",
            budget.human(),
            significant(point.flops.0 / budget.0, 3)
        ),
        _ if wanted.loss.is_some() && wanted.params.is_none() && wanted.tokens.is_none() => {
            "  It holds the loss that was asked for and minimises training plus serving.".to_owned()
        }
        _ => "  Size and tokens were not chosen for serving; it is added to their cost.".to_owned(),
    }
}

/// Training and serving together.
pub(super) fn inference(answer: &Answer) -> Vec<Block> {
    let Some(served) = &derived(answer).inference else {
        return Vec::new();
    };
    let tokens = answer.derivation.wanted.inference_tokens.unwrap_or_default();
    let saved = significant(served.saved.abs() * 100.0, 3);
    let word = if served.saved >= 0.0 { "less" } else { "more" };
    vec![
        Block::Heading(format!("Training and serving {} tokens", tokens.human())),
        Block::Line(format!(
            "  This run costs {} over its life, {saved} % {word} than the compute-optimal model of the same loss ({}).",
            served.lifetime_flops.human(),
            served.optimum_lifetime_flops.human()
        )),
        Block::Line(held(answer)),
        Block::Line(
            "  Serving is counted as 2N FLOPs a token (Sardana et al. 2023, arXiv:2401.00448)."
                .to_owned(),
        ),
    ]
}
