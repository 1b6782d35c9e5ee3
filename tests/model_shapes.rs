//! Shapes against a list of their tensors, against each other, and against bad input.

use plan::model::{
    Attention, Convention, FeedForward, KeyKind, MAX_BYTES, Positions, SHAPE_KEYS, Shape,
    ShapeError, ShapeKeys, USUAL_ASPECT, Wanted, WarningKind, families, key_advice, key_kind,
    propose, read_config, shapes,
};
use plan::quantity::Params;
use proptest::prelude::*;

// ---------------------------------------------------------------------------------------------
// Properties

/// Keys of shapes as they come: heads that divide, dense or mixtures.
fn keys() -> impl Strategy<Value = ShapeKeys> {
    let sizes = (1_u64..=48, 1_u64..=8, 1_u64..=8, 1_u64..=64, 1_u64..=4000, 1_u64..=2000);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let experts = proptest::option::of((2_u64..=64, 1_u64..=64, 1_u64..=500, 0_u64..=48));
    (sizes, switches, experts, proptest::option::of(1_u64..=4096)).prop_map(
        |((layers, kv, group, head_dim, vocab, ffn), (tied, gated, bias, wide), experts, rows)| {
            let heads = kv * group;
            let mixture = |value: fn((u64, u64, u64, u64)) -> u64| experts.map(value);
            ShapeKeys {
                layers: Some(layers),
                hidden: Some(if wide { heads * head_dim } else { head_dim + 7 }),
                heads: Some(heads),
                kv_heads: Some(kv),
                head_dim: Some(head_dim),
                ffn: experts.is_none_or(|(.., dense)| dense % layers > 0).then_some(ffn),
                vocab: Some(vocab),
                tied: Some(tied),
                gated: Some(gated),
                bias: Some(bias),
                positions: rows,
                experts: mixture(|(count, ..)| count),
                experts_per_token: mixture(|(count, k, ..)| 1 + (k - 1) % count),
                expert_ffn: mixture(|(_, _, width, _)| width),
                dense_layers: experts.map(|(.., dense)| dense % layers),
                ..ShapeKeys::default()
            }
        },
    )
}

/// Every tensor of such a shape, written down one by one: its rows (one for a vector), its columns,
/// how many such tensors there are, and how many of them work on a token.
fn tensors(keys: &ShapeKeys) -> Vec<(u64, u64, u64, u64)> {
    let of = |value: Option<u64>| value.expect("the strategy sets it");
    let (h, vocab) = (of(keys.hidden), of(keys.vocab));
    let [q, kv] = [keys.heads, keys.kv_heads].map(|heads| of(heads) * of(keys.head_dim));
    let bias = keys.bias == Some(true);
    let mut list = vec![(vocab, h, 1, 1), (1, h, 1, 1)];
    if keys.tied == Some(false) {
        list.push((vocab, h, 1, 1));
    }
    if let Some(rows) = keys.positions {
        list.push((rows, h, 1, 1));
    }
    for layer in 0..of(keys.layers) {
        let mut matrices = vec![(h, q, 1, 1), (h, kv, 1, 1), (h, kv, 1, 1), (q, h, 1, 1)];
        let sparse = keys.experts.is_some() && layer >= of(keys.dense_layers);
        let (width, count, k) = match keys.experts {
            Some(count) if sparse => (of(keys.expert_ffn), count, of(keys.experts_per_token)),
            _ => (of(keys.ffn), 1, 1),
        };
        matrices.push((h, width, count, k));
        matrices.push((width, h, count, k));
        if keys.gated == Some(true) {
            matrices.push((h, width, count, k));
        }
        for (rows, columns, count, k) in matrices {
            list.push((rows, columns, count, k));
            if bias {
                list.push((1, columns, count, k));
            }
        }
        if sparse {
            list.push((h, count, 1, 1));
        }
        list.extend([(1, h, 1, 1), (1, h, 1, 1)]);
    }
    list
}

fn numbers(tensors: &[(u64, u64, u64, u64)], active: bool) -> u128 {
    let sum =
        tensors.iter().map(|(rows, columns, all, k)| rows * columns * if active { k } else { all });
    sum.map(u128::from).sum()
}

proptest! {
    #[test]
    fn a_count_is_the_sum_over_the_tensors(keys in keys()) {
        let count = keys.shape().unwrap().count();
        let tensors = tensors(&keys);
        prop_assert_eq!(count.total(), numbers(&tensors, false));
        prop_assert_eq!(count.active(), numbers(&tensors, true));
    }

    #[test]
    fn a_layer_more_is_one_block_more(keys in keys()) {
        let shape = keys.shape().unwrap();
        let more = ShapeKeys { layers: keys.layers.map(|layers| layers + 1), ..keys };
        let last = shape.stacks.last().map(|stack| stack.block.clone()).unwrap();
        let block = shape.count_block(&last).total().total();
        let added = more.shape().unwrap().count().total() - shape.count().total();
        prop_assert_eq!(added, block);
    }

    #[test]
    fn tying_saves_the_head(keys in keys()) {
        let [tied, untied] = [true, false].map(|tied| {
            ShapeKeys { tied: Some(tied), ..keys.clone() }.shape().unwrap()
        });
        let head = u128::from(tied.vocab) * u128::from(tied.hidden);
        prop_assert_eq!(untied.count().total(), tied.count().total() + head);
        for convention in [Convention::WithoutEmbedding, Convention::Causal, Convention::Hoffmann] {
            let [a, b] = [&tied, &untied].map(|shape| shape.flops_per_token(convention, 512));
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn flops_are_linear_in_the_sequence(keys in keys(), s in 1_u64..100_000) {
        let shape = keys.shape().unwrap();
        let at = |convention, s| shape.flops_per_token(convention, s);
        for convention in Convention::ALL {
            let step = at(convention, s) - at(convention, 0);
            prop_assert_eq!(at(convention, 2 * s) - at(convention, s), step);
        }
        let full = at(Convention::Palm, s) - at(Convention::SixN, s);
        prop_assert_eq!(full, at(Convention::WithoutEmbedding, s) - at(Convention::WithoutEmbedding, 0));
        prop_assert_eq!(full, 2 * (at(Convention::Causal, s) - at(Convention::Causal, 0)));
        prop_assert_eq!(
            full,
            12 * u128::from(shape.layers())
                * u128::from(keys.heads.unwrap() * keys.head_dim.unwrap())
                * u128::from(s)
        );
        prop_assert!(at(Convention::Causal, s) <= at(Convention::WithoutEmbedding, s));
    }

    #[test]
    fn fewer_keys_and_values_are_less(keys in keys()) {
        let grouped = keys.shape().unwrap();
        let full = ShapeKeys { kv_heads: None, ..keys.clone() }.shape().unwrap();
        let [heads, kv_heads, head_dim, layers] =
            [keys.heads, keys.kv_heads, keys.head_dim, keys.layers].map(|size| u128::from(size.unwrap()));
        let inputs = u128::from(grouped.hidden) + u128::from(keys.bias == Some(true));
        let saved = layers * 2 * (heads - kv_heads) * head_dim * inputs;
        prop_assert_eq!(grouped.count().total() + saved, full.count().total());
        prop_assert_eq!(grouped.kv_width(), 2 * keys.kv_heads.unwrap() * keys.head_dim.unwrap());
        prop_assert!(grouped.kv_width() <= full.kv_width());
    }

    /// The same shape by a Llama's config.json and by the generic keys.
    #[test]
    fn config_and_keys_agree(keys in keys()) {
        let keys = ShapeKeys {
            gated: None, positions: None, experts: None, experts_per_token: None, expert_ffn: None,
            dense_layers: None, ffn: keys.ffn.or(keys.expert_ffn), ..keys
        };
        let config = serde_json::json!({
            "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": keys.vocab,
            "hidden_size": keys.hidden, "num_hidden_layers": keys.layers, "head_dim": keys.head_dim,
            "num_attention_heads": keys.heads, "num_key_value_heads": keys.kv_heads,
            "intermediate_size": keys.ffn, "tie_word_embeddings": keys.tied,
            "attention_bias": keys.bias, "mlp_bias": keys.bias,
        });
        let config = read_config(&config.to_string()).unwrap();
        prop_assert_eq!(config.shape, keys.shape().unwrap());
        prop_assert!(config.defaulted.is_empty());
    }

    #[test]
    fn keys_survive_toml(keys in keys()) {
        let text = toml::to_string(&keys).unwrap();
        prop_assert_eq!(toml::from_str::<ShapeKeys>(&text).unwrap(), keys);
    }

    /// Whatever stands under the keys of any family: a shape, or an error that says what is wrong.
    #[test]
    fn no_configuration_panics(
        family in 0_usize..27,
        values in proptest::collection::btree_map(any_key(), any_value(), 0..12),
    ) {
        let family = families().nth(family).unwrap();
        let mut config: serde_json::Map<_, _> = values.into_iter().collect();
        config.insert("model_type".to_owned(), family.into());
        match read_config(&serde_json::Value::from(config).to_string()) {
            Ok(config) => {
                prop_assert!(config.shape.check().is_ok());
                prop_assert!(config.shape.count().total() <= 100_000_000_000_000_000);
            }
            Err(error) => prop_assert!(!error.message.is_empty() && !error.help.is_empty()),
        }
    }

    #[test]
    fn proposals_keep_to_their_target(exponent in 7.5_f64..12.5, style in 0_usize..3) {
        let wanted = Wanted { params: Params(libm::pow(10.0, exponent)), ..Wanted::default() };
        let wanted = match style {
            0 => wanted,
            _ if exponent < 9.0 => wanted,
            1 => Wanted { experts: Some(64), ..wanted },
            _ => Wanted { active_params: Some(Params(wanted.params.0 / 8.0)), ..wanted },
        };
        for proposal in propose(&wanted).unwrap() {
            let off = |a: Params, b: Params| (a.0 / b.0 - 1.0).abs();
            prop_assert!(off(proposal.shape.params(), wanted.params) <= 0.02);
            if let Some(active) = wanted.active_params {
                prop_assert!(off(proposal.shape.active_params(), active) <= 0.02);
            }
            let keys = &proposal.keys;
            prop_assert_eq!(&keys.shape().unwrap(), &proposal.shape);
            prop_assert_eq!(keys.hidden.unwrap() % 128, 0);
            prop_assert_eq!(keys.ffn.or(keys.expert_ffn).unwrap() % 128, 0);
            prop_assert!(matches!(keys.head_dim, Some(64 | 128)));
            prop_assert_eq!(keys.heads.unwrap() * keys.head_dim.unwrap(), keys.hidden.unwrap());
            prop_assert_eq!(keys.heads.unwrap() % keys.kv_heads.unwrap(), 0);
            prop_assert!(proposal.reasons.len() >= 5 && proposal.relatives.len() == 3);
            let experts = proposal.shape.has_experts();
            prop_assert!(proposal.relatives.iter().all(|kin| kin.shape.has_experts() == experts));
            let kinds: Vec<_> = proposal.shape.warnings(1).iter().map(|w| w.kind).collect();
            prop_assert!(!kinds.contains(&WarningKind::Hidden), "{:?}", kinds);
        }
    }
}

fn any_key() -> impl Strategy<Value = String> {
    let known = [
        "vocab_size",
        "hidden_size",
        "n_embd",
        "n_embed",
        "num_hidden_layers",
        "n_layer",
        "num_attention_heads",
        "n_head",
        "num_key_value_heads",
        "num_kv_heads",
        "head_dim",
        "intermediate_size",
        "ffn_dim",
        "n_inner",
        "n_positions",
        "word_embed_proj_dim",
        "num_experts",
        "num_local_experts",
        "n_routed_experts",
        "n_shared_experts",
        "num_experts_per_tok",
        "moe_intermediate_size",
        "first_k_dense_replace",
        "decoder_sparse_step",
        "mlp_only_layers",
        "kv_lora_rank",
        "q_lora_rank",
        "bias",
        "tie_word_embeddings",
        "architectures",
        "text_config",
        "multi_query",
    ];
    proptest::sample::select(known.to_vec()).prop_map(str::to_owned)
}

fn any_value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        4 => (0_u64..200).prop_map(Into::into),
        1 => (900_000_000_u64..=1_100_000_000).prop_map(Into::into),
        1 => any::<u64>().prop_map(Into::into),
        1 => any::<i64>().prop_map(Into::into),
        1 => (-1e40_f64..1e40).prop_map(Into::into),
        1 => any::<bool>().prop_map(Into::into),
        1 => Just(serde_json::Value::Null),
        1 => ".{0,8}".prop_map(Into::into),
        1 => proptest::collection::vec(0_u64..50, 0..4).prop_map(Into::into),
        1 => Just(serde_json::json!({"model_type": "gemma3_text"})),
    ]
}

/// Sizes beyond every limit: `check` refuses them, and counting saturates.
#[test]
fn overflow_never_wraps() {
    let mut shape = shapes().find("deepseek-v3").unwrap().shape().unwrap();
    (shape.vocab, shape.hidden, shape.embedding_width) = (u64::MAX, u64::MAX, u64::MAX - 1);
    shape.positions = Positions::Learned(u64::MAX);
    for stack in &mut shape.stacks {
        stack.layers = u64::MAX;
        if let Attention::Latent(latent) = &mut stack.block.attention {
            (latent.heads, latent.kv_rank, latent.value_dim) = (u64::MAX, u64::MAX, u64::MAX);
            latent.q_rank = Some(u64::MAX);
        }
        if let FeedForward::Experts(experts) = &mut stack.block.feed_forward {
            (experts.count, experts.per_token, experts.expert.width) =
                (u64::MAX, u64::MAX, u64::MAX);
        }
    }
    assert_eq!(shape.count().total(), u128::MAX);
    assert_eq!(shape.kv_width(), u64::MAX);
    assert!(!shape.warnings(u64::MAX).is_empty());
    for convention in Convention::ALL {
        assert!(shape.flops_per_token(convention, u64::MAX) > u128::MAX / 8, "{convention:?}");
    }
    assert!(shape.check().is_err());
}

// ---------------------------------------------------------------------------------------------
// Bad input

fn refused(text: &str) -> ShapeError {
    let error = read_config(text).expect_err(&text[..text.len().min(200)]);
    assert!(!error.help.is_empty(), "{error}");
    error
}

/// Sets a key of Llama 3.1 8B, or takes it out.
fn llama(change: &[(&str, Option<&str>)]) -> String {
    let config = &shapes().find("llama-3.1-8b").unwrap().config;
    let mut config: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(config).unwrap();
    for (key, value) in change {
        match value {
            Some(value) => config.insert((*key).to_owned(), serde_json::from_str(value).unwrap()),
            None => config.remove(*key),
        };
    }
    serde_json::Value::from(config).to_string()
}

#[test]
fn absurd_fields_are_named() {
    for (key, value) in [
        ("hidden_size", "1e30"),
        ("hidden_size", "-4096"),
        ("hidden_size", "4096.5"),
        ("hidden_size", "\"4096\""),
        ("hidden_size", "null"),
        ("hidden_size", "[4096]"),
        ("hidden_size", "true"),
        ("hidden_size", "10000000000000000000000000000000000"),
        ("num_hidden_layers", "0"),
        ("num_hidden_layers", "1000000000"),
        ("vocab_size", "0"),
        ("vocab_size", "18446744073709551615"),
        ("num_attention_heads", "0"),
        ("num_key_value_heads", "5"),
        ("num_key_value_heads", "64"),
        ("head_dim", "0"),
        ("intermediate_size", "{}"),
        ("tie_word_embeddings", "\"no\""),
        ("attention_bias", "1"),
        ("architectures", "\"LlamaForCausalLM\""),
        ("architectures", "[\"MistralForCausalLM\"]"),
        ("model_type", "7"),
    ] {
        let error = refused(&llama(&[("head_dim", None), (key, Some(value))]));
        assert_eq!(error.key.as_deref(), Some(key), "{key} = {value}: {error}");
        assert!(error.message.contains(key), "{key} = {value}: {error}");
    }
    let error = refused(&llama(&[("num_attention_heads", Some("33"))]));
    assert!(error.message.contains("`num_attention_heads` 33"), "{error}");
    let kv = ("num_key_value_heads", None);
    let error = refused(&llama(&[("num_attention_heads", Some("33")), ("head_dim", None), kv]));
    assert_eq!(error.key.as_deref(), Some("num_attention_heads"), "4096 / 33 is no width");
}

/// A width beyond the limits of any one key is refused for what it makes of the whole.
#[test]
fn a_model_too_large_is_refused() {
    let huge = [("hidden_size", Some("999999488")), ("intermediate_size", Some("1000000000"))];
    let error = refused(&llama(&huge));
    assert!(error.message.contains("parameters"), "{error}");
}

/// The sizes that a file has to say, by the names of most families.
const SIZES: &str = r#""vocab_size": 1000, "hidden_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 32, "intermediate_size": 128, "num_experts_per_tok": 2, "num_experts": 4,
    "num_local_experts": 4, "n_routed_experts": 4, "moe_intermediate_size": 32, "kv_lora_rank": 16,
    "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8"#;

/// A size is never taken from the class; what has a meaning where it is absent is.
#[test]
fn a_missing_size_is_an_error() {
    let whole: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&format!("{{{SIZES}}}")).unwrap();
    for family in families() {
        let text = |left_out: &str| {
            let mut config = whole.clone();
            config.insert("model_type".to_owned(), family.into());
            config.remove(left_out);
            if matches!(family, "gpt2" | "opt") {
                config.insert("max_position_embeddings".to_owned(), 64.into());
                config.insert("ffn_dim".to_owned(), 128.into());
            }
            serde_json::Value::from(config).to_string()
        };
        let config = read_config(&text("")).unwrap_or_else(|error| panic!("{family}: {error}"));
        for key in &config.defaulted {
            let rest = ["num_key_value_heads", "head_dim", "q_lora_rank", "first_k_dense_replace"];
            let more =
                ["n_shared_experts", "shared_expert_intermediate_size", "decoder_sparse_step"];
            assert!(
                rest.iter().chain(&more).any(|known| *known == key.key),
                "{family}: {}",
                key.key
            );
        }
        for key in ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"] {
            let error = refused(&text(key));
            assert!(error.message.ends_with("` is missing"), "{family}: {key}: {error}");
            assert!(error.help.contains("write it"), "{family}: {key}: {}", error.help);
        }
    }
    for (family, key) in [
        ("llama", "intermediate_size"),
        ("gpt2", "n_positions"),
        ("opt", "max_position_embeddings"),
        ("mixtral", "num_local_experts"),
        ("qwen3_moe", "moe_intermediate_size"),
        ("gpt_oss", "num_experts_per_tok"),
        ("deepseek_v3", "kv_lora_rank"),
    ] {
        let name = format!("\"{key}\"");
        let text = format!("{{\"model_type\": \"{family}\", {SIZES}}}").replace(&name, "\"x\"");
        assert_eq!(refused(&text).key.as_deref(), Some(key), "{family}");
    }
}

/// `FalconConfig` takes the feed-forward's width from `hidden_size` alone, GPT-2 with attention to an
/// encoder has more parameters in every layer, and Qwen2-MoE fails where the heads do not make up the
/// width.
#[test]
fn what_the_class_makes_of_odd_keys_is_refused() {
    let error = refused(
        r#"{"model_type": "falcon", "vocab_size": 1000, "n_embed": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4}"#,
    );
    assert_eq!(error.key.as_deref(), Some("hidden_size"), "{error}");
    let error = refused(
        r#"{"model_type": "gpt2", "vocab_size": 1000, "n_positions": 64, "n_embd": 64, "n_layer": 2,
            "n_head": 4, "add_cross_attention": true}"#,
    );
    assert_eq!(error.key.as_deref(), Some("add_cross_attention"), "{error}");
    let moe = format!("{{\"model_type\": \"qwen2_moe\", \"head_dim\": 20, {SIZES}}}");
    assert_eq!(refused(&moe).key.as_deref(), Some("head_dim"), "the class fails");
}

/// The text part of a Gemma 3 that sees is a Gemma 3, of which published files state what differs.
#[test]
fn a_gemma_3_needs_its_own_text_part() {
    for text in [
        r#"{"model_type": "gemma3"}"#,
        r#"{"model_type": "gemma3", "text_config": null}"#,
        r#"{"model_type": "gemma3", "text_config": []}"#,
        r#"{"model_type": "gemma3", "text_config": {"model_type": "llama"}}"#,
    ] {
        assert_eq!(refused(text).key.as_deref(), Some("text_config"), "{text}");
    }
}

#[test]
fn contradictions_are_named() {
    let error = refused(r#"{"model_type": "gpt2", "n_embd": 768, "hidden_size": 1024}"#);
    assert!(error.message.contains("n_embd") && error.message.contains("hidden_size"), "{error}");
    let error = refused(
        &format!("{{\"model_type\": \"mixtral\", {SIZES}}}")
            .replace("_per_tok\": 2", "_per_tok\": 9"),
    );
    assert_eq!(error.key.as_deref(), Some("num_experts_per_tok"));
    let text = format!("{{\"model_type\": \"deepseek_v2\", {SIZES}}}");
    let error = refused(&text.replace("num_experts_per_tok", "x"));
    assert_eq!(error.key.as_deref(), Some("num_experts_per_tok"), "the class has no default");
    let error = refused(r#"{"model_type": "llama", "hidden_size": 64, "hidden_size": 128}"#);
    assert_eq!(error.key.as_deref(), Some("hidden_size"));
    let falcon = r#"{"model_type": "falcon", "new_decoder_architecture": true, "num_kv_heads": 3,"#;
    let error = refused(&format!("{falcon} {SIZES}}}"));
    assert_eq!(error.key.as_deref(), Some("num_kv_heads"));
}

/// Null means one for each head in some of transformers' classes and fails in others.
#[test]
fn null_is_not_absent() {
    let kv = |family: &str| {
        let text = format!(r#"{{"model_type": "{family}", "num_key_value_heads": null, {SIZES}}}"#);
        read_config(&text).map(|config| config.shape.kv_width())
    };
    for family in
        ["llama", "mistral", "mixtral", "qwen2", "phi3", "olmo2", "smollm3", "cohere", "gpt_oss"]
    {
        let absent = read_config(&format!(r#"{{"model_type": "{family}", {SIZES}}}"#)).unwrap();
        let Attention::Grouped(grouped) = absent.shape.stacks[0].block.attention else { panic!() };
        assert_eq!(kv(family).unwrap(), 2 * grouped.heads * grouped.head_dim, "{family}");
    }
    for family in [
        "qwen2_moe",
        "qwen3_moe",
        "gemma",
        "gemma2",
        "gemma3_text",
        "starcoder2",
        "stablelm",
        "glm4",
    ] {
        assert_eq!(kv(family).unwrap_err().key.as_deref(), Some("num_key_value_heads"), "{family}");
    }
    let head = |family: &str| {
        read_config(&format!(r#"{{"model_type": "{family}", "head_dim": null, {SIZES}}}"#))
    };
    for family in
        ["llama", "mistral", "mixtral", "starcoder2", "gpt_oss", "olmoe", "stablelm", "deepseek_v3"]
    {
        assert!(head(family).is_ok(), "{family}");
    }
    for family in [
        "qwen2",
        "qwen3",
        "qwen3_moe",
        "gemma",
        "phi3",
        "olmo2",
        "smollm3",
        "granite",
        "cohere",
        "glm4",
    ] {
        assert_eq!(head(family).unwrap_err().key.as_deref(), Some("head_dim"), "{family}");
    }
}

#[test]
fn unknown_architectures_are_not_guessed() {
    for text in [
        r#"{"model_type": "mamba2", "hidden_size": 2048}"#,
        r#"{"model_type": "kimi_k2", "architectures": ["DeepseekV3ForCausalLM"]}"#,
        r#"{"architectures": ["RWKVForCausalLM"], "hidden_size": 2048}"#,
        r#"{"hidden_size": 2048}"#,
        r#"{"dim": 4096, "n_layers": 32, "n_heads": 32}"#,
        "{}",
    ] {
        let error = refused(text);
        assert!(families().all(|family| error.help.contains(family)), "{}", error.help);
        assert!(SHAPE_KEYS.iter().all(|key| error.help.contains(key)), "{}", error.help);
    }
    let error = refused(r#"{"model_type": "qwen_2"}"#);
    assert!(error.help.contains("did you mean `qwen2`?"), "{}", error.help);
    let config =
        read_config(&format!(r#"{{"architectures": ["Qwen3ForCausalLM"], {SIZES}}}"#)).unwrap();
    assert_eq!(config.family, "qwen3", "the class alone names the family");
}

#[test]
fn text_that_is_no_configuration() {
    for text in [
        "",
        " ",
        "[]",
        "7",
        "null",
        "\"llama\"",
        "{",
        "{\"model_type\": \"llama\"",
        "{'a': 1}",
        "{} {}",
    ] {
        refused(text);
    }
    let bom = format!("\u{feff}{}", llama(&[]));
    assert_eq!(read_config(&bom).unwrap().shape.count().total(), 8_030_261_248);
}

/// Refused before they are parsed, or as soon as they are too deep.
#[test]
#[expect(clippy::disallowed_methods, reason = "the time is what is tested")]
fn bombs_do_no_harm() {
    let large = " ".repeat(100 << 20) + "{}";
    let start = std::time::Instant::now();
    let error = read_config(&large).unwrap_err();
    assert!(start.elapsed() < std::time::Duration::from_millis(100));
    assert!(error.message.contains("104857602 bytes"), "{error}");
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = MAX_BYTES / 16;
        let bomb = format!(
            "{{\"model_type\": \"llama\", \"a\": {}1{}}}",
            open.repeat(depth),
            close.repeat(depth)
        );
        let error = refused(&bomb);
        assert!(
            error.message.contains("recursion limit") || error.help.contains("deep"),
            "{error}"
        );
    }
    let wide =
        format!("{{\"model_type\": \"llama\", {SIZES}, \"a\": [{}1]}}", "1,".repeat(1_000_000));
    assert_eq!(read_config(&wide).unwrap().family, "llama");
}

#[test]
fn what_is_left_out_or_not_counted_is_told() {
    let config = read_config(&format!(r#"{{"model_type": "qwen3", {SIZES}}}"#)).unwrap();
    let head = config.defaulted.iter().find(|defaulted| defaulted.key == "head_dim").unwrap();
    assert_eq!(head.value, 128);
    let config = read_config(&shapes().find("deepseek-v3").unwrap().config).unwrap();
    assert!(config.notes.iter().any(|note| note.contains("num_nextn_predict_layers")));
    let vision = r#"{"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"],
        "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34}}"#;
    let config = read_config(vision).unwrap();
    assert_eq!(config.shape.count().total(), 3_880_263_168, "as the text part alone");
    assert!(config.notes[0].contains("vision"));
}

#[test]
fn generic_keys_say_what_is_wrong() {
    let shape = |text: &str| toml::from_str::<ShapeKeys>(text).unwrap().shape();
    let base = "layers = 2\nhidden = 64\nffn = 128\nvocab = 100\n";
    for (text, key) in [
        ("heads = 4\nkv_heads = 3", "kv_heads"),
        ("heads = 5", "heads"),
        ("heads = 0", "heads"),
        ("", "heads"),
        ("heads = 4\nexperts = 4", "experts_per_token"),
        ("heads = 4\nexperts = 4\nexperts_per_token = 5", "experts_per_token"),
        ("heads = 4\nexperts_per_token = 2", "experts_per_token"),
        ("heads = 4\nexperts = 4\nexperts_per_token = 2\ndense_layers = 3", "dense_layers"),
        ("heads = 4\nexperts = 4\nexperts_per_token = 2\ndense_layers = 2", "dense_layers"),
        ("heads = 4\nexperts = 4\nexperts_per_token = 2\nexpert_ffn = 8", "ffn"),
        ("heads = 4\nexperts = 4\nexperts_per_token = 2\nshared_ffn = 0", "shared_ffn"),
        ("heads = 4\nkv_heads = 8", "kv_heads"),
        ("heads = 4\nnorms = 9", "norms"),
        ("heads = 4\nkv_rank = 16", "head_dim"),
        ("heads = 4\nrope_dim = 16", "rope_dim"),
        ("heads = 4\nkv_heads = 4\nkv_rank = 16\nhead_dim = 8\nrope_dim = 4", "kv_heads"),
        ("heads = 4\nhead_dim = 0", "head_dim"),
        ("heads = 4\npositions = 0", "positions"),
    ] {
        let error = shape(&format!("{base}{text}")).unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{text}: {error}");
    }
    assert!(toml::from_str::<ShapeKeys>("hidden = 1e30").is_err());
    assert!(toml::from_str::<ShapeKeys>("hiden = 64").is_err());
    let latent = "layers = 61\nhidden = 7168\nheads = 128\nffn = 18432\nvocab = 129280\nhead_dim = 128\n\
        kv_rank = 512\nq_rank = 1536\nrope_dim = 64\nvalue_dim = 128\nexperts = 256\nexperts_per_token = 8\n\
        expert_ffn = 2048\nshared_ffn = 2048\ndense_layers = 3";
    let deepseek = shapes().find("deepseek-v3").unwrap().shape().unwrap();
    assert_eq!(shape(latent).unwrap(), deepseek, "DeepSeek-V3 by generic keys");
}

/// The list of keys is that of the struct, and the schema has them.
#[test]
fn the_generic_keys_are_listed() {
    let schema = serde_json::to_value(schemars::schema_for!(ShapeKeys)).unwrap();
    let mut keys: Vec<&str> =
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut listed = SHAPE_KEYS.to_vec();
    keys.sort_unstable();
    listed.sort_unstable();
    assert_eq!(keys, listed);
    for (key, property) in schema["properties"].as_object().unwrap() {
        let switch = property["type"].to_string().contains("boolean");
        let size = property["type"].to_string().contains("integer");
        match key_kind(key).unwrap() {
            KeyKind::Switch => assert!(switch, "{key}"),
            KeyKind::Size(..) => assert!(size, "{key}"),
            KeyKind::Choice(words) => {
                assert!(!switch && !size, "{key}");
                let schema = schema.to_string();
                assert!(words.iter().all(|word| schema.contains(&format!("\"{word}\""))), "{key}");
            }
        }
    }
    assert_eq!(key_kind("num_hidden_layers"), None);
    assert_eq!(key_advice("kv_lora_rank"), "did you mean `kv_rank`?");
}

// ---------------------------------------------------------------------------------------------
// Warnings and proposals

fn kinds(shape: &Shape, tp: u64) -> Vec<WarningKind> {
    shape.warnings(tp).iter().map(|warning| warning.kind).collect()
}

#[test]
fn shapes_that_hurt_are_told() {
    let published = |name: &str| shapes().find(name).unwrap().shape().unwrap();
    assert!(kinds(&published("llama-3-8b"), 1).is_empty());
    assert_eq!(kinds(&published("gpt2"), 1), [WarningKind::Vocab], "50257 is odd");
    assert_eq!(kinds(&published("gpt-neox-20b"), 1), [WarningKind::HeadDim], "64 heads of 96");
    assert_eq!(kinds(&published("falcon-7b"), 1), [WarningKind::Hidden], "4544 = 35.5 x 128");
    assert!(
        kinds(&published("llama-2-7b"), 8).contains(&WarningKind::Ffn),
        "11008 / 8 = 10.75 x 128"
    );
    let mut deep = published("llama-3-8b");
    deep.stacks[0].layers = 400;
    assert_eq!(kinds(&deep, 1), [WarningKind::Aspect]);
    for warning in published("gpt2").warnings(8) {
        assert!(!warning.evidence.is_empty() && !warning.help.is_empty());
    }
    let padded = published("gpt2").warnings(1);
    assert!(padded[0].help.contains("50304"), "as nanoGPT and Pythia pad it: {}", padded[0].help);
}

/// FlashAttention-2 has kernels for heads of 32, 64, 96, 128, 192 and 256.
#[test]
fn heads_that_are_not_padded_are_not_said_to_be() {
    let base = shapes().find("llama-3-8b").unwrap().shape().unwrap();
    let evidence = |head_dim: u64| {
        let mut shape = base.clone();
        if let Attention::Grouped(grouped) = &mut shape.stacks[0].block.attention {
            grouped.head_dim = head_dim;
        }
        let warnings = shape.warnings(1);
        warnings.into_iter().find(|w| w.kind == WarningKind::HeadDim).map(|w| w.evidence)
    };
    assert_eq!([64, 128, 192, 256].map(evidence), [None, None, None, None]);
    for width in [32, 96] {
        assert!(evidence(width).unwrap().contains("pads nothing"), "{width}");
    }
    for (width, text) in [(80, "for 96: 16 of 96"), (160, "for 192: 32 of 192")] {
        assert!(evidence(width).unwrap().contains(text), "{width}: {:?}", evidence(width));
    }
    assert!(evidence(160).unwrap().contains("older versions"));
    assert!(evidence(320).is_none() && evidence(288).unwrap().contains("256 at most"));
    assert!(evidence(108).unwrap().contains("128 heads of 108"));
    let mut one = base.clone();
    one.stacks[0].layers = 1;
    let told = one.warnings(1);
    assert!(told.iter().any(|w| w.message.starts_with("1 layer of width")), "{told:?}");
    assert!(told.iter().any(|w| w.message.ends_with("any model of the catalogue")), "{told:?}");
}

/// The bounds are those of the catalogue.
#[test]
fn usual_aspects_are_the_published_ones() {
    let aspects: Vec<f64> = shapes().iter().map(|p| p.shape().unwrap().aspect()).collect();
    let least = aspects.iter().copied().fold(f64::INFINITY, f64::min);
    let most = aspects.iter().copied().fold(0.0, f64::max);
    assert!((USUAL_ASPECT[0] - least.floor()).abs() < 1e-9, "{least}");
    assert!((USUAL_ASPECT[1] - most.ceil()).abs() < 1e-9, "{most}");
}

/// Sizes of published models, whose own proportions the first proposal has.
#[test]
fn proposals_are_as_published_models_are() {
    let first = |params: f64| {
        let wanted = Wanted { params: Params(params), ..Wanted::default() };
        propose(&wanted).unwrap().swap_remove(0)
    };
    let llama = first(8.03e9);
    assert_eq!(llama.shape, shapes().find("llama-3-8b").unwrap().shape().unwrap());
    assert_eq!(llama.relatives[0].published.name, "llama-3.1-8b");
    let thirteen = first(13e9).keys;
    assert_eq!(
        (thirteen.layers, thirteen.hidden, thirteen.heads),
        (Some(40), Some(5120), Some(40))
    );
    let small = first(135e6);
    assert_eq!(small.keys.head_dim, Some(64));
    assert_eq!(small.keys.tied, Some(true));
}

#[test]
fn wishes_that_cannot_be_are_refused() {
    let wanted = |params: f64| Wanted { params: Params(params), ..Wanted::default() };
    for (wish, key) in [
        (wanted(1e6), "params"),
        (wanted(0.0), "params"),
        (wanted(f64::NAN), "params"),
        (wanted(1e17), "params"),
        (Wanted { active_params: Some(Params(2e9)), ..wanted(1e9) }, "active_params"),
        (Wanted { experts: Some(1), ..wanted(1e9) }, "experts"),
        (Wanted { vocab: Some(0), ..wanted(1e9) }, "vocab"),
        (Wanted { vocab: Some(900_000_000), ..wanted(1e9) }, "params"),
    ] {
        let error = propose(&wish).unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{wish:?}: {error}");
    }
    assert!(
        propose(&Wanted { vocab: Some(4096), ..wanted(3e6) }).is_ok(),
        "a smaller vocabulary helps"
    );
}
