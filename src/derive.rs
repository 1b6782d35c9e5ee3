//! The pipeline from what was chosen to what follows.
//!
//! [`derive()`] is a pure function of the plan and the catalogue: no clock, no environment, no
//! search at length. What lacks a fact is left out and named in [`Derivation::missing`].

mod adapter;
mod allocate;
mod budget;
mod data;
mod fleet;
mod footprint;
mod law;
mod layout;
mod memory;
mod model;
mod notes;
mod operations;
mod provenance;
mod recipe;
mod sequence;
mod solve;
mod split;
mod throughput;
mod training;

use crate::allocation::{AllocationError, Deviation, Objective, Point, Wanted};
use crate::data::loader::Loader;
use crate::data::{CapsError, Curriculum, Mixture, Reading, StageError};
use crate::fact::UnknownName;
use crate::law::{Architecture, Extrapolation, Law, LawFileError, repeats};
use crate::layout::{LayoutError, LayoutKeys};
use crate::memory::MemoryError;
use crate::model::{NoShape, Shape, ShapeError};
use crate::plan::{Chosen, Derived, Inputs, KeyPath};
use crate::quantity::{Flops, FlopsPerParamToken, Params};
use crate::throughput::ThroughputError;
use std::borrow::Cow;

pub use budget::{Caps, RunCost};
pub use footprint::{Hours, RunFootprint, Waiting};
pub use layout::LayoutSearch;
pub use memory::{StepMemory, on_gpu};
pub use notes::{Missing, Notes};
pub use provenance::CATALOGUE;
pub use sequence::SEQUENCE;
pub use solve::Round;
pub use throughput::StepThroughput;

/// Everything that follows from a plan.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// What is written into the plan.
    pub derived: Derived,
    /// What could not be derived, and the key that would bring it.
    pub missing: Vec<Missing>,
    /// Remarks about how the plan was read.
    pub remarks: Vec<String>,
    /// The law in use.
    pub law: Cow<'static, Law>,
    /// FLOPs per parameter and token.
    pub k: FlopsPerParamToken,
    /// The stages, where the plan has some; moved, where that was asked, to keep to the caps.
    pub curriculum: Option<Curriculum>,
    /// The stages as the plan states them, where they were moved.
    pub intended: Option<Curriculum>,
    /// The model's shape, where the plan states one.
    pub shape: Option<Shape>,
    /// Its family, the `model_type` of its configuration, where that is known.
    pub family: Option<&'static str>,
    /// A training step on one device, where the plan has a layout.
    pub memory: Option<StepMemory>,
    /// The time of a training step, where the plan has a layout and an accelerator.
    pub throughput: Option<StepThroughput>,
    /// The rounds in which budget, size, layout and utilisation were solved together, where the plan
    /// states no utilisation and has a cap that needs it.
    pub rounds: Vec<Round>,
    /// Hours, energy, money and carbon, where the plan has a site.
    pub footprint: Option<RunFootprint>,
    /// The data loader, where the plan names one.
    pub loader: Option<&'static Loader>,
    /// What the run reads in all, where the plan has sources of known size or given weights.
    pub mixture: Option<Mixture>,
    /// What the run may spend.
    pub caps: Caps,
    /// What was asked.
    pub wanted: Wanted,
    /// The run, where it is determined.
    pub point: Option<Point>,
    /// The run beside the optimum of the same compute.
    pub deviation: Option<Deviation>,
}

impl Derivation {
    /// The loss as a function of N and D, under the plan's law and data.
    #[must_use]
    pub fn objective(&self) -> Option<Objective<'_>> {
        objective(&self.law, self.k, self.mixture.as_ref())
    }

    /// Whether the budget sets the quality and serving the size: training may then take more
    /// compute than the budget, which serving saves again.
    #[must_use]
    pub fn serves_budget(&self) -> bool {
        let wanted = &self.wanted;
        let open = wanted.params.is_none()
            && wanted.tokens.is_none()
            && wanted.tokens_per_param.is_none()
            && wanted.loss.is_none();
        open && wanted.inference_tokens.is_some()
    }

    /// How far the run lies outside the data of its law.
    #[must_use]
    pub fn extrapolation(&self) -> Option<Extrapolation> {
        self.point.and_then(|point| extrapolation(&self.law, self.k, &point))
    }

    /// What the plan's loader really reads; `None` without a loader.
    #[must_use]
    pub fn reading(&self) -> Option<Reading> {
        self.loader?;
        Some(self.mixture.as_ref()?.reading(self.point?.tokens))
    }

    /// The size of the plan's shape, as the law counts it.
    #[must_use]
    pub fn shape_params(&self) -> Option<Params> {
        self.shape.as_ref().and_then(|shape| shape.counted_by(self.law.counting))
    }

    /// The plan's shape, or the one that is picked for its size.
    #[must_use]
    pub fn model_shape(&self) -> Option<Shape> {
        let picked = || self.derived.model.as_ref()?.shape.as_ref()?.shape().ok();
        self.shape.clone().or_else(picked)
    }

    /// The compute of the last run, where a cap is known.
    #[must_use]
    pub fn run_flops(&self) -> Option<Flops> {
        self.caps.run_flops
    }
}

/// Why nothing follows from a plan that could be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{problem}")]
pub struct DeriveError {
    /// Where the fault lies.
    pub key: KeyPath,
    /// What it is.
    #[source]
    pub problem: Problem,
}

/// A fault of a plan's values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// A name that no catalogue has.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A file that is no law.
    #[error("{0}")]
    LawFile(Box<LawFileError>),
    /// A name that brings no shape.
    #[error("{}", .0.message())]
    NoShape(#[from] NoShape),
    /// Sizes that make no model.
    #[error(transparent)]
    Shape(ShapeError),
    /// Stages that make no run.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// Caps that no mixture keeps to.
    #[error(transparent)]
    Caps(Box<CapsError>),
    /// A run that cannot be.
    #[error(transparent)]
    Allocation(#[from] AllocationError),
    /// A split of the model that does not add up.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A step that cannot be simulated.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A step that has no time.
    #[error(transparent)]
    Throughput(#[from] ThroughputError),
    /// A value that its key cannot have.
    #[error("{0}")]
    Value(String),
}

impl Problem {
    /// What would be right, where the message does not say it already.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Caps(caps) => Some(caps.advice()),
            Self::LawFile(error) => error.help.clone(),
            Self::Shape(error) => Some(error.help.clone()),
            Self::NoShape(none) => Some(none.help()),
            Self::Layout(error) => Some(error.help.clone()),
            Self::Memory(error) => Some(error.help.clone()),
            Self::Throughput(error) => Some(error.help.clone()),
            _ => None,
        }
    }

    fn at(self, key: impl Into<KeyPath>) -> DeriveError {
        DeriveError { key: key.into(), problem: self }
    }
}

/// What the steps of the pipeline share.
struct Setting<'a> {
    chosen: &'a Chosen,
    law: &'a Law,
    k: FlopsPerParamToken,
    caps: &'a Caps,
    curriculum: Option<&'a Curriculum>,
    mixture: Option<&'a Mixture>,
    objective: Option<Objective<'a>>,
    shape: Option<&'a Shape>,
    /// Nats by which the stages were moved to keep to the caps.
    moved: Option<f64>,
}

impl<'a> Setting<'a> {
    fn new(
        chosen: &'a Chosen,
        law: &'a Law,
        k: FlopsPerParamToken,
        caps: &'a Caps,
        curriculum: Option<&'a Curriculum>,
        mixture: Option<&'a Mixture>,
    ) -> Self {
        let objective = objective(law, k, mixture);
        Self { chosen, law, k, caps, curriculum, mixture, objective, shape: None, moved: None }
    }
}

/// Derives everything that follows from a plan that names no files; see [`derive_with`].
///
/// # Errors
/// Unknown names, a mixture that is none, or a loss that cannot be reached.
pub fn derive(chosen: &Chosen) -> Result<Derivation, DeriveError> {
    derive_with(chosen, &Inputs::new())
}

/// Derives everything that a plan's facts allow, with the texts of the files that it names
/// ([`inputs`](crate::plan::inputs)); what needs a file that is not given is left out.
///
/// # Errors
/// Unknown names, a shape or a mixture that is none, or a loss that cannot be reached.
pub fn derive_with(chosen: &Chosen, inputs: &Inputs) -> Result<Derivation, DeriveError> {
    derive_pinned(chosen, inputs, None)
}

/// The same, keeping to the layout that was picked before where the plan states none.
///
/// # Errors
/// As [`derive_with`].
pub fn derive_pinned(
    chosen: &Chosen,
    inputs: &Inputs,
    pinned: Option<&LayoutKeys>,
) -> Result<Derivation, DeriveError> {
    let mut notes = Notes::default();
    let chosen_law = law::choose(chosen, inputs, &mut notes)?;
    let law = chosen_law.as_ref();
    let k = choose_k(chosen, &mut notes);
    fleet::check(chosen)?;
    budget::caps(chosen, None, &mut Notes::default())?;
    let (shape, family) = model::network(chosen, inputs, &mut notes)?.unzip();
    remark_experts(law, shape.as_ref(), &mut notes);
    data::sources(chosen)?;
    training::check(chosen)?;
    let loader = data::loader(chosen)?;
    let mut curriculum = data::curriculum(chosen, &mut notes)?;
    let mut mixture = data::mixture(chosen, curriculum.as_ref(), loader, &mut notes);
    let keeps_caps = data::keeps_caps(chosen);
    if keeps_caps.is_some() {
        // the run is sized as if it had no caps; then its stages are moved to keep to them
        mixture = mixture.map(Mixture::unbounded);
    }
    let family = family.flatten();
    let open = Caps::default();
    let mut setting = Setting::new(chosen, law, k, &open, curriculum.as_ref(), mixture.as_ref());
    setting.shape = shape.as_ref();
    let solved = solve::of(&setting, family, pinned, &mut notes);
    let caps = budget::caps(chosen, solved.as_ref().map(|solved| solved.mfu), &mut notes)?;
    let (mut sized, mut intended, mut moved) = (None, None, None);
    if let Some(per_stage) = keeps_caps {
        let setting = Setting { caps: &caps, ..setting };
        if let Some(kept) = allocate::within_caps(&setting, loader, per_stage)? {
            mixture = kept.mixture;
            intended = curriculum.replace(kept.curriculum);
            (sized, moved) = (Some(kept.point), Some(kept.moved));
        }
    }
    let mut setting = Setting::new(chosen, law, k, &caps, curriculum.as_ref(), mixture.as_ref());
    (setting.shape, setting.moved) = (shape.as_ref(), moved);
    let wanted = allocate::wanted(&setting, &mut notes)?;
    let run = allocate::run(&setting, &wanted, sized, &mut notes)?;
    let run_of = run.as_ref();

    let params = run_of.and_then(|run| run.point.params);
    let sheet = model::view(&setting, params, &mut notes);
    let laid_out = solved.as_ref().map(|solved| solved.laid_out(chosen));
    // a plan with a size alone trains the shape that was picked for it
    let picked = sheet.as_ref().and_then(|sheet| sheet.shape.as_ref()?.shape().ok());
    let trained = shape.as_ref().or(picked.as_ref());
    let laid_out = laid_out.as_ref().unwrap_or(chosen);
    let (step_memory, step_time) = step(laid_out, trained, family, &mut notes)?;
    let point = run_of.map(|run| &run.point);
    let taken = {
        let (step, trained) = (step_time.as_ref(), trained.map(|shape| (laid_out, shape)));
        let basis = footprint::Basis { point, k, caps: &caps, step, trained };
        footprint::of(chosen, inputs, &basis, &mut notes)?
    };
    let recipe = recipe::of(laid_out, &setting, point, step_time.as_ref(), &mut notes)?;
    let beside = {
        let hours = taken.as_ref().map(|footprint| footprint.hours);
        let (recipe, step) = (recipe.as_ref(), step_time.as_ref());
        let run = operations::Run { point, recipe, step, hours };
        operations::of(chosen, &setting, &run, &mut notes)?
    };
    let derived = Derived {
        budget: budget::view(&caps),
        fleet: fleet::of(&setting, &wanted, point),
        allocation: run_of.map(|run| allocate::view(run, &setting)),
        model: sheet,
        utilisation: solved.as_ref().map(solve::Solved::view),
        layout: solved.as_ref().and_then(|solved| solved.layout.clone()),
        memory: step_memory.as_ref().map(memory::view),
        throughput: step_time.as_ref().map(throughput::view),
        adapter: adapter::view(laid_out, trained, family, taken.as_ref()),
        footprint: taken.as_ref().map(footprint::view),
        recipe,
        operations: beside,
        optimum: run_of.and_then(allocate::versus),
        inference: run_of.and_then(|run| allocate::served(run, &setting, &wanted)),
        stages: run_of.map_or_else(Vec::new, |run| data::stages(run, &setting)),
        data: data::view(run_of, &setting, &mut notes),
        assumed: std::mem::take(&mut notes.assumed),
        provenance: provenance::of(law),
    };
    let (point, deviation) = run.map_or((None, None), |run| (Some(run.point), run.deviation));
    let Notes { missing, remarks, .. } = notes;
    Ok(Derivation {
        derived,
        missing,
        remarks,
        law: chosen_law,
        k,
        curriculum,
        intended,
        shape,
        family,
        memory: step_memory,
        throughput: step_time,
        rounds: solved.map_or_else(Vec::new, |solved| solved.rounds),
        footprint: taken,
        loader,
        mixture,
        caps,
        wanted,
        point,
        deviation,
    })
}

/// What a training step holds, and how long it takes.
fn step(
    chosen: &Chosen,
    trained: Option<&Shape>,
    family: Option<&'static str>,
    notes: &mut Notes,
) -> Result<(Option<StepMemory>, Option<StepThroughput>), DeriveError> {
    let split = split::of(chosen, notes)?;
    let memory = memory::of(chosen, split.as_ref(), trained, family, notes)?;
    Ok((memory, throughput::of(chosen, split.as_ref(), trained, notes)?))
}

fn remark_experts(law: &Law, shape: Option<&Shape>, notes: &mut Notes) {
    if shape.is_some_and(Shape::has_experts) && law.architecture == Architecture::Dense {
        notes.remark(format!(
            "`{}` describes dense models; of this mixture of experts, N is taken as the parameters \
             that work on a token",
            law.name
        ));
    }
}

fn choose_k(chosen: &Chosen, notes: &mut Notes) -> FlopsPerParamToken {
    chosen.law.k.unwrap_or_else(|| {
        let k = FlopsPerParamToken::TRAINING;
        let source = "2 forward and 4 backward FLOPs; Kaplan et al. 2020, arXiv:2001.08361, 2.1";
        notes.assume("law.k", &k.to_string(), source);
        k
    })
}

/// Laws state their range in 6ND.
fn extrapolation(law: &Law, k: FlopsPerParamToken, point: &Point) -> Option<Extrapolation> {
    let six = Flops(point.flops.0 * FlopsPerParamToken::TRAINING.0 / k.0);
    law.extrapolation(six, point.params, point.tokens)
}

fn objective<'a>(
    law: &Law,
    k: FlopsPerParamToken,
    mixture: Option<&'a Mixture>,
) -> Option<Objective<'a>> {
    Some(Objective {
        surface: law.surface()?,
        k,
        mixture,
        repeats: law.repeats.unwrap_or_else(repeats),
    })
}
