//! The one table of rules.

use super::{
    Rule, allocation, budget, data, file, hand_offs, law, loader, memory, model, sequences, stages,
    throughput,
};

/// Every rule, by family.
pub static RULES: &[&Rule] = &[
    &budget::RUN_EXCEEDS_BUDGET,
    &budget::CAPS_CONTRADICT,
    &budget::BUDGET_LEFT_OVER,
    &budget::CAP_NOT_COUNTED,
    &allocation::NOT_COMPUTE_OPTIMAL,
    &allocation::FAR_FROM_OPTIMAL,
    &allocation::TOKENS_CONTRADICT_EPOCHS,
    &allocation::TOKENS_CONTRADICT_RATIO,
    &allocation::LOSS_TARGET_MISSED,
    &allocation::GOAL_WITHOUT_FACTS,
    &law::LAW_EXTRAPOLATED,
    &law::LAW_NOT_CURRENT,
    &model::PARAMS_CONTRADICT_SHAPE,
    &model::WIDTHS_MISALIGNED,
    &model::VOCABULARY_NOT_PADDED,
    &model::UNUSUAL_DEPTH,
    &model::SEQUENCE_BEYOND_POSITIONS,
    &memory::EXCEEDS_DEVICE_MEMORY,
    &memory::STATES_EXCEED_DEVICE,
    &memory::LITTLE_HEADROOM,
    &memory::RECOMPUTE_BUYS_NOTHING,
    &memory::MEMORY_UNTESTED,
    &throughput::TENSOR_PARALLEL_ACROSS_NODES,
    &throughput::PIPELINE_BUBBLE,
    &throughput::UNEVEN_PIPELINE_STAGES,
    &throughput::MFU_ABOVE_PUBLISHED,
    &throughput::HFU_AS_MFU,
    &stages::STAGES_EXCEED_RUN,
    &stages::STAGES_CONTRADICT_TOKENS,
    &stages::WEIGHTS_NORMALISED,
    &stages::HARD_GATE,
    &stages::FALLING_DIFFICULTY,
    &hand_offs::ANNEAL_OUTSIDE_DECAY,
    &hand_offs::HAND_OFF_NOT_EVALUATED,
    &sequences::STAGE_WITHOUT_A_STEP,
    &sequences::BATCH_NOT_WHOLE_SEQUENCES,
    &sequences::ROPE_BASE_FALLS,
    &sequences::BATCH_TOKENS_CHANGE,
    &data::SOURCE_EXHAUSTED,
    &data::REPEATS_PAST_FOUR_EPOCHS,
    &data::SUSPECT_SOURCE,
    &data::SOURCE_NOT_READ,
    &loader::BELOW_GRANULARITY,
    &loader::DATA_END_EARLY,
    &loader::REPEATS_BEFORE_EXHAUSTION,
    &loader::STAGES_NEED_SEPARATE_CONFIGS,
    &loader::LOADER_CANNOT_RAMP,
    &loader::WEIGHTS_COUNT_DOCUMENTS,
    &loader::TOO_MANY_SOURCES,
    &loader::LOADER_REFUSES_WEIGHTS,
    &loader::DIFFICULTY_ROUNDED_DOWN,
    &file::DERIVED_STALE,
    &file::DERIVED_BY_ANOTHER_VERSION,
    &file::UNUSED_ALLOW,
    &file::INVALID_PLAN,
    &file::UNKNOWN_FORMAT,
];

/// The rule of an id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}
