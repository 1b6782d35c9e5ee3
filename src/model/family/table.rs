//! Every family, by the defaults of its configuration class in transformers 4.57.6.
//!
//! `tests/oracle/model_params.jsonl` holds what the classes themselves count.

use super::{Family, dense, mixtures, older};

/// Every family.
pub(in crate::model) static FAMILIES: [Family; 28] = [
    older::GPT2,
    older::GPT_NEOX,
    older::OPT,
    older::BLOOM,
    older::FALCON,
    dense::LLAMA,
    dense::MISTRAL,
    mixtures::MIXTRAL,
    dense::QWEN2,
    mixtures::QWEN2_MOE,
    dense::QWEN3,
    mixtures::QWEN3_MOE,
    dense::GEMMA,
    dense::GEMMA2,
    dense::GEMMA3_TEXT,
    dense::PHI3,
    dense::OLMO2,
    mixtures::OLMOE,
    dense::STARCODER2,
    dense::STABLELM,
    dense::SMOLLM3,
    dense::GRANITE,
    dense::COHERE,
    dense::GLM,
    dense::GLM4,
    mixtures::DEEPSEEK_V2,
    mixtures::DEEPSEEK_V3,
    mixtures::GPT_OSS,
];
