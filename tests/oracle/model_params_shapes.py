"""The shapes that model_params.py counts: published models and small invented ones."""

MLC = "mlc-ai/mlc-llm@79d603f085f5 python/mlc_llm/model/model_preset.py"
AIC = "ai-dynamo/aiconfigurator@095f58a51c4c aic-core/src/aiconfigurator_core/model_configs/"
LIT = "Lightning-AI/litgpt@26857050fe3f litgpt/config.py"
LLA = "cli99/llm-analysis@d841e40aec8c llm_analysis/model_configs/"
NEMO = "NVIDIA/NeMo@06742279c97d nemo/collections/llm/gpt/model/starcoder2.py"
NEOX = "EleutherAI/gpt-neox@252ddc522fba configs/20B.yml"
DEEP = "deepseek-ai/DeepSeek-V3@9b4e9788e4a3 inference/configs/config_236B.json"
CLASS = "transformers 4.57.6, defaults of "

ARCHITECTURE = {
    "gpt2": "GPT2LMHeadModel", "gpt_neox": "GPTNeoXForCausalLM", "opt": "OPTForCausalLM",
    "bloom": "BloomForCausalLM", "falcon": "FalconForCausalLM", "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM", "mixtral": "MixtralForCausalLM", "qwen2": "Qwen2ForCausalLM",
    "qwen2_moe": "Qwen2MoeForCausalLM", "qwen3": "Qwen3ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM", "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM", "gemma3_text": "Gemma3ForCausalLM", "phi3": "Phi3ForCausalLM",
    "olmo2": "Olmo2ForCausalLM", "olmoe": "OlmoeForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM", "stablelm": "StableLmForCausalLM",
    "smollm3": "SmolLM3ForCausalLM", "granite": "GraniteForCausalLM",
    "cohere": "CohereForCausalLM", "glm4": "Glm4ForCausalLM",
    "deepseek_v2": "DeepseekV2ForCausalLM", "deepseek_v3": "DeepseekV3ForCausalLM",
    "gpt_oss": "GptOssForCausalLM",
}

SHAPES = []


def shape(name, family, form, source, note=None, **config):
    """Add a shape. form: 'config' (a copy of the published config.json was read), 'fields' (the
    same numbers under other names), 'defaults' (the class's own), 'recalled', 'invented'."""
    config = {"architectures": [ARCHITECTURE[family]], "model_type": family, **config}
    SHAPES.append({"id": name, "form": form, "source": source, "note": note, "config": config})


def dims(v, h, f, n, a, kv=None, **more):
    """The usual keys of a decoder."""
    keys = dict(vocab_size=v, hidden_size=h, intermediate_size=f, num_hidden_layers=n,
                num_attention_heads=a)
    if kv is not None:
        keys["num_key_value_heads"] = kv
    return {**keys, **more}


def invented(name, family, note, **config):
    shape(name, family, "invented", "invented", note, **config)


# GPT-2
for name, n, h, a in [("gpt2", 12, 768, 12), ("gpt2-medium", 24, 1024, 16),
                      ("gpt2-large", 36, 1280, 20), ("gpt2-xl", 48, 1600, 25)]:
    form, source = ("config", MLC) if name in ("gpt2", "gpt2-medium") else ("fields", LLA + name + ".json")
    shape(name, "gpt2", form, source, vocab_size=50257, n_ctx=1024, n_positions=1024, n_embd=h,
          n_head=a, n_layer=n)
G = dict(vocab_size=331, n_positions=77, n_embd=96, n_head=6, n_layer=3)
invented("gpt2-inner", "gpt2", "n_inner given", **G, n_inner=136)
invented("gpt2-inner-null-untied", "gpt2", "n_inner null, untied head", **G, n_inner=None,
         tie_word_embeddings=False)
invented("gpt2-alias", "gpt2", "the attribute map's names in place of n_embd and the rest",
         vocab_size=331, max_position_embeddings=77, hidden_size=96, num_attention_heads=6,
         num_hidden_layers=3)

# GPT-NeoX and Pythia
for name, v, h, n, a in [("pythia-14m", 50304, 128, 6, 4), ("pythia-70m", 50304, 512, 6, 8),
                         ("pythia-160m", 50304, 768, 12, 12), ("pythia-410m", 50304, 1024, 24, 16),
                         ("pythia-1b", 50304, 2048, 16, 8), ("pythia-1.4b", 50304, 2048, 24, 16),
                         ("pythia-2.8b", 50304, 2560, 32, 32), ("pythia-6.9b", 50432, 4096, 32, 32),
                         ("pythia-12b", 50688, 5120, 36, 40)]:
    shape(name, "gpt_neox", "fields", LIT, "the vocabulary is the tokenizer's 50254 padded",
          **dims(v, h, 4 * h, n, a), rotary_pct=0.25, use_parallel_residual=True,
          tie_word_embeddings=False, max_position_embeddings=2048)
shape("gpt-neox-20b", "gpt_neox", "fields", NEOX, "the padded vocabulary is the class's default",
      **dims(50432, 6144, 24576, 44, 64), rotary_pct=0.25, use_parallel_residual=True,
      tie_word_embeddings=False, max_position_embeddings=2048)
X = dims(331, 96, 136, 3, 6)
invented("gpt-neox-nobias-tied", "gpt_neox", "attention_bias false; tied; sequential residual", **X,
         attention_bias=False, tie_word_embeddings=True, use_parallel_residual=False)
invented("gpt-neox-plain", "gpt_neox", "attention_bias and the tie absent", **X, rotary_pct=0.5)

# OPT
for name, h, f, n, a in [("opt-125m", 768, 3072, 12, 12), ("opt-350m", 1024, 4096, 24, 16),
                         ("opt-1.3b", 2048, 8192, 24, 32), ("opt-6.7b", 4096, 16384, 32, 32),
                         ("opt-13b", 5120, 20480, 40, 40), ("opt-66b", 9216, 36864, 64, 72)]:
    small = name == "opt-350m"
    source = LLA + f"facebook_{name}.json"
    if small:
        source += "; word_embed_proj_dim and do_layer_norm_before from copies of its config.json in issues and scripts"
    shape(name, "opt", "fields", source,
          "post-norm and projections; no final norm" if small else None,
          vocab_size=50272, hidden_size=h, ffn_dim=f, num_hidden_layers=n, num_attention_heads=a,
          max_position_embeddings=2048, do_layer_norm_before=not small,
          word_embed_proj_dim=512 if small else h)
O = dict(vocab_size=331, hidden_size=96, ffn_dim=136, num_hidden_layers=3, num_attention_heads=6,
         max_position_embeddings=77)
invented("opt-nobias", "opt", "enable_bias false", **O, enable_bias=False)
invented("opt-no-affine", "opt", "layer_norm_elementwise_affine false", **O,
         layer_norm_elementwise_affine=False)
invented("opt-no-final-norm", "opt", "_remove_final_layer_norm true", **O,
         _remove_final_layer_norm=True)
invented("opt-post-norm", "opt", "do_layer_norm_before false, no projection", **O,
         do_layer_norm_before=False, word_embed_proj_dim=None)
invented("opt-projected-untied", "opt", "projections; untied: the head starts from the projection",
         **O, word_embed_proj_dim=40, tie_word_embeddings=False)

# BLOOM
shape("bloom-560m", "bloom", "fields", LLA + "bigscience_bloom-560m.json", None, vocab_size=250880,
      hidden_size=1024, n_layer=24, n_head=16)
shape("bloom-7b1", "bloom", "fields", LLA + "bigscience_bloom-7b1.json", None, vocab_size=250880,
      hidden_size=4096, n_layer=30, n_head=32)
shape("bloom", "bloom", "fields",
      "bigscience-workshop/model_card pull request 20 (70 layers, 112 heads, width 14336)",
      "vocabulary as in the smaller ones", vocab_size=250880, hidden_size=14336, n_layer=70,
      n_head=112)
invented("bloom-alias", "bloom", "n_embed and num_attention_heads, as older files have them",
         vocab_size=331, n_embed=96, n_layer=3, num_attention_heads=6)
invented("bloom-untied", "bloom", "untied; apply_residual_connection_post_layernorm does not count",
         vocab_size=331, hidden_size=96, n_layer=3, n_head=6, tie_word_embeddings=False,
         apply_residual_connection_post_layernorm=True)

# Falcon
F = dict(alibi=False, bias=False, vocab_size=65024)
shape("falcon-7b", "falcon", "fields",
      "huggingface/candle@2a13b0f3ff62 candle-transformers/src/models/falcon.rs; " + LIT, None,
      **F, hidden_size=4544, num_attention_heads=71, num_hidden_layers=32, multi_query=True,
      new_decoder_architecture=False, parallel_attn=True)
shape("falcon-40b", "falcon", "fields", LIT, "two norms before the block", **F, hidden_size=8192,
      num_attention_heads=128, num_kv_heads=8, num_hidden_layers=60, multi_query=True,
      new_decoder_architecture=True, parallel_attn=True)
shape("falcon-180b", "falcon", "fields", LIT, "two norms before the block", **F, hidden_size=14848,
      num_attention_heads=232, num_kv_heads=8, num_hidden_layers=80, multi_query=True,
      new_decoder_architecture=True, parallel_attn=True)
shape("falcon-rw-1b", "falcon", "fields",
      "promptlayer.com/models/falcon-rw-1b (24 layers, width 2048, heads of 64); ggml-org/llama.cpp pull request 2887 "
      "(attention not parallel, biases, 2048x6144 projection); vocabulary 50304 recalled, total agrees with 1.31B on keras.io",
      "alibi and biases", alibi=True, bias=True, vocab_size=50304, hidden_size=2048,
      num_attention_heads=32, num_hidden_layers=24, multi_query=False,
      new_decoder_architecture=False, parallel_attn=False)
W = dict(vocab_size=331, hidden_size=96, num_hidden_layers=3, num_attention_heads=6)
invented("falcon-multi-head", "falcon", "multi_query false, parallel", **W, multi_query=False,
         parallel_attn=True, bias=False, alibi=False, new_decoder_architecture=False)
invented("falcon-mq-bias", "falcon", "multi-query with biases, sequential, alibi", **W,
         multi_query=True, parallel_attn=False, bias=True, alibi=True,
         new_decoder_architecture=False)
invented("falcon-new-one-norm", "falcon", "new decoder with num_ln_in_parallel_attn 1; ffn given",
         **W, num_kv_heads=2, new_decoder_architecture=True, parallel_attn=True,
         num_ln_in_parallel_attn=1, ffn_hidden_size=136, bias=False, multi_query=True)
invented("falcon-new-bias", "falcon", "new decoder with biases, untied; multi_query does not count",
         **W, num_kv_heads=3, new_decoder_architecture=True, parallel_attn=True, bias=True,
         multi_query=False, tie_word_embeddings=False)
invented("falcon-new-kv-absent", "falcon", "new decoder, num_kv_heads absent: one for each head", **W,
         new_decoder_architecture=True, parallel_attn=True)
invented("falcon-new-sequential", "falcon", "new decoder, parallel_attn false", **W, num_kv_heads=2,
         new_decoder_architecture=True, parallel_attn=False, bias=False)
invented("falcon-kv-ignored", "falcon", "num_kv_heads does not count under multi_query", **W,
         num_kv_heads=3, multi_query=True, new_decoder_architecture=False, parallel_attn=True)
invented("falcon-two-norms-old", "falcon", "num_ln_in_parallel_attn 2 with the old decoder", **W,
         num_ln_in_parallel_attn=2, multi_query=False, parallel_attn=True,
         new_decoder_architecture=False)

# Llama
shape("llama-2-7b", "llama", "config", MLC, None, **dims(32000, 4096, 11008, 32, 32, 32),
      tie_word_embeddings=False)
shape("llama-2-13b", "llama", "config", MLC, None, **dims(32000, 5120, 13824, 40, 40, 40),
      tie_word_embeddings=False)
shape("llama-2-70b", "llama", "config", MLC, None, **dims(32000, 8192, 28672, 80, 64, 8),
      tie_word_embeddings=False)
shape("codellama-34b", "llama", "config", MLC, "16 more tokens", **dims(32016, 8192, 22016, 48, 64, 8),
      tie_word_embeddings=False)
shape("tinyllama-1.1b", "llama", "config", MLC, None, **dims(32000, 2048, 5632, 22, 32, 4),
      tie_word_embeddings=False, attention_bias=False)
L3 = dict(attention_bias=False, mlp_bias=False)
shape("llama-3.1-8b", "llama", "config", MLC, None, **dims(128256, 4096, 14336, 32, 32, 8), **L3,
      tie_word_embeddings=False)
shape("llama-3.1-70b", "llama", "config", MLC, None, **dims(128256, 8192, 28672, 80, 64, 8), **L3,
      tie_word_embeddings=False)
shape("llama-3.1-405b", "llama", "config", AIC + "meta-llama--Meta-Llama-3.1-405B_config.json", None,
      **dims(128256, 16384, 53248, 126, 128, 8), **L3, tie_word_embeddings=False)
shape("llama-3.2-1b", "llama", "config", MLC, "tied", **dims(128256, 2048, 8192, 16, 32, 8), **L3,
      head_dim=64, tie_word_embeddings=True)
shape("llama-3.2-3b", "llama", "config", MLC, "tied", **dims(128256, 3072, 8192, 28, 24, 8), **L3,
      head_dim=128, tie_word_embeddings=True)
shape("smollm2-135m", "llama", "config", MLC, "tied", **dims(49152, 576, 1536, 30, 9, 3), **L3,
      tie_word_embeddings=True)
invented("llama-biases", "llama", "attention_bias and mlp_bias, grouped, tied",
         **dims(331, 96, 136, 3, 6, 2), attention_bias=True, mlp_bias=True,
         tie_word_embeddings=True)
invented("llama-head-dim", "llama", "head_dim not hidden/heads; attention_bias",
         **dims(331, 96, 136, 3, 6, 3), head_dim=20, attention_bias=True)
invented("llama-nulls", "llama", "num_key_value_heads and head_dim null; the tie absent",
         **dims(331, 96, 136, 3, 6), num_key_value_heads=None, head_dim=None)
invented("llama-no-kv", "llama", "num_key_value_heads absent", **dims(331, 96, 136, 3, 6))

# Mistral and Mixtral
shape("mistral-7b", "mistral", "config", MLC, None, **dims(32000, 4096, 14336, 32, 32, 8),
      tie_word_embeddings=False)
shape("mistral-7b-v0.3", "mistral", "config", MLC, "larger vocabulary",
      **dims(32768, 4096, 14336, 32, 32, 8), sliding_window=None, tie_word_embeddings=False)
invented("mistral-head-dim", "mistral", "head_dim not hidden/heads (as in Mistral Nemo)",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20, tie_word_embeddings=True)
invented("mistral-nulls", "mistral", "nulls; attention_bias does not count",
         **dims(331, 96, 136, 3, 6), num_key_value_heads=None, head_dim=None, attention_bias=True)
shape("mixtral-8x7b", "mixtral", "config", AIC + "mistralai--Mixtral-8x7B-v0.1_config.json", None,
      **dims(32000, 4096, 14336, 32, 32, 8), num_local_experts=8, num_experts_per_tok=2,
      tie_word_embeddings=False)
shape("mixtral-8x22b", "mixtral", "config", AIC + "mistralai--Mixtral-8x22B-v0.1_config.json", None,
      **dims(32000, 6144, 16384, 56, 48, 8), num_local_experts=8, num_experts_per_tok=2,
      tie_word_embeddings=False)
invented("mixtral-small", "mixtral", "head_dim, tied, six experts with three",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20, num_local_experts=6, num_experts_per_tok=3,
         tie_word_embeddings=True)

# Qwen2
for name, v, h, f, n, a, kv, tie in [
        ("qwen2-0.5b", 151936, 896, 4864, 24, 14, 2, True),
        ("qwen2-1.5b", 151936, 1536, 8960, 28, 12, 2, True),
        ("qwen2.5-3b", 151936, 2048, 11008, 36, 16, 2, True),
        ("qwen2-7b", 152064, 3584, 18944, 28, 28, 4, False)]:
    shape(name, "qwen2", "config", MLC, None, **dims(v, h, f, n, a, kv), tie_word_embeddings=tie)
invented("qwen2-head-dim", "qwen2", "a head_dim key is honoured although the class has no such argument",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20, tie_word_embeddings=True)
invented("qwen2-kv-null", "qwen2", "num_key_value_heads null; attention_bias and mlp_bias do not count",
         **dims(331, 96, 136, 3, 6), num_key_value_heads=None, attention_bias=False, mlp_bias=True)
shape("qwen1.5-moe-a2.7b", "qwen2_moe", "config", MLC + " (qwen2moe)", None,
      **dims(151936, 2048, 5632, 24, 16, 16), moe_intermediate_size=1408,
      shared_expert_intermediate_size=5632, num_experts=60, num_experts_per_tok=4,
      decoder_sparse_step=1, norm_topk_prob=False, tie_word_embeddings=False)
M = dict(moe_intermediate_size=40, shared_expert_intermediate_size=56, num_experts=5,
         num_experts_per_tok=2)
invented("qwen2-moe-sparse", "qwen2_moe", "decoder_sparse_step 2, mlp_only_layers, no qkv bias",
         **dims(331, 96, 136, 5, 6, 2), **M, decoder_sparse_step=2, mlp_only_layers=[3],
         qkv_bias=False, norm_topk_prob=True)
invented("qwen2-moe-dense-width", "qwen2_moe", "intermediate_size absent under a dense layer",
         vocab_size=331, hidden_size=96, num_hidden_layers=3, num_attention_heads=6,
         num_key_value_heads=2, **M, mlp_only_layers=[0])
invented("qwen2-moe-bias", "qwen2_moe", "qkv_bias absent (true), tied", **dims(331, 96, 136, 3, 6, 3),
         **M, tie_word_embeddings=True)

# Qwen3
for name, file, h, f, n, a, tie in [("qwen3-0.6b", "Qwen3-0.6B", 1024, 3072, 28, 16, True),
                                    ("qwen3-8b", "Qwen3-8B", 4096, 12288, 36, 32, False),
                                    ("qwen3-32b", "Qwen3-32B", 5120, 25600, 64, 64, False)]:
    shape(name, "qwen3", "config", AIC + f"Qwen--{file}_config.json", None,
          **dims(151936, h, f, n, a, 8), head_dim=128, attention_bias=False,
          tie_word_embeddings=tie)
shape("qwen3-1.7b", "qwen3", "config", MLC, None, **dims(151936, 2048, 6144, 28, 16, 8),
      head_dim=128, attention_bias=False, tie_word_embeddings=True)
invented("qwen3-bias", "qwen3", "attention_bias; head_dim 20", **dims(331, 96, 136, 3, 6, 2),
         head_dim=20, attention_bias=True)
invented("qwen3-head-dim-absent", "qwen3", "head_dim absent: 128, not hidden/heads",
         **dims(331, 96, 136, 3, 6, 2), tie_word_embeddings=True)
for name, file, h, f, n, a, kv, e, m in [
        ("qwen3-30b-a3b", "Qwen3-30B-A3B", 2048, 6144, 48, 32, 4, 128, 768),
        ("qwen3-235b-a22b", "Qwen3-235B-A22B", 4096, 12288, 94, 64, 4, 128, 1536),
        ("qwen3-coder-480b-a35b", "Qwen3-Coder-480B-A35B-Instruct", 6144, 8192, 62, 96, 8, 160, 2560)]:
    extra = dict(attention_bias=False) if e == 128 else dict(
        qkv_bias=False, shared_expert_intermediate_size=0, use_qk_norm=True)
    shape(name, "qwen3_moe", "config", AIC + f"Qwen--{file}_config.json", None,
          **dims(151936, h, f, n, a, kv), head_dim=128, moe_intermediate_size=m, num_experts=e,
          num_experts_per_tok=8, norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[],
          tie_word_embeddings=False, **extra)
Q = dict(moe_intermediate_size=40, num_experts=5, num_experts_per_tok=2)
invented("qwen3-moe-sparse", "qwen3_moe", "decoder_sparse_step 2, mlp_only_layers, attention_bias",
         **dims(331, 96, 136, 5, 6, 2), **Q, head_dim=20, decoder_sparse_step=2,
         mlp_only_layers=[3], attention_bias=True)
invented("qwen3-moe-dense-width", "qwen3_moe", "intermediate_size absent; no experts: all layers dense",
         vocab_size=331, hidden_size=96, num_hidden_layers=3, num_attention_heads=6,
         num_key_value_heads=2, moe_intermediate_size=40, num_experts=0, head_dim=20)
invented("qwen3-moe-head-dim-absent", "qwen3_moe", "head_dim absent: hidden/heads, unlike qwen3; tied",
         **dims(331, 96, 136, 3, 6, 2), **Q, tie_word_embeddings=True, mlp_only_layers=None)

# Gemma
shape("gemma-2b", "gemma", "config", MLC, None, **dims(256000, 2048, 16384, 18, 8, 1), head_dim=256,
      attention_bias=False)
shape("gemma-7b", "gemma", "fields", LIT, None, **dims(256000, 3072, 24576, 28, 16, 16),
      head_dim=256, attention_bias=False)
invented("gemma-untied-bias", "gemma", "untied, attention_bias", **dims(331, 96, 136, 3, 6, 2),
         head_dim=20, attention_bias=True, tie_word_embeddings=False)
for name, h, f, n, a, kv, d in [("gemma-2-2b", 2304, 9216, 26, 8, 4, 256),
                                ("gemma-2-9b", 3584, 14336, 42, 16, 8, 256),
                                ("gemma-2-27b", 4608, 36864, 46, 32, 16, 128)]:
    shape(name, "gemma2", "config", MLC, None, **dims(256000, h, f, n, a, kv), head_dim=d,
          attention_bias=False)
invented("gemma2-untied-bias", "gemma2", "untied, attention_bias", **dims(331, 96, 136, 3, 6, 2),
         head_dim=20, attention_bias=True, tie_word_embeddings=False)
shape("gemma-3-1b", "gemma3_text", "config", MLC + " (gemma3_1b_it)", None,
      **dims(262144, 1152, 6912, 26, 4, 1), head_dim=256, attention_bias=False)
for name, h, f, n, a, kv, d in [("gemma-3-4b-text", 2560, 10240, 34, 8, 4, 256),
                                ("gemma-3-12b-text", 3840, 15360, 48, 16, 8, 256),
                                ("gemma-3-27b-text", 5376, 21504, 62, 32, 16, 128)]:
    shape(name, "gemma3_text", "fields", LIT + "; vocabulary 262208: " + CLASS + "Gemma3TextConfig",
          "the text part alone of a model with images; litgpt has the tokenizer's 262144",
          **dims(262208, h, f, n, a, kv), head_dim=d, attention_bias=False)
invented("gemma3-untied-bias", "gemma3_text", "untied, attention_bias",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20, attention_bias=True,
         tie_word_embeddings=False)

# Phi-3
shape("phi-3.5-mini", "phi3", "config", MLC + " (phi-3_5)", None, **dims(32064, 3072, 8192, 32, 32, 32),
      attention_bias=False, tie_word_embeddings=False)
shape("phi-4-mini", "phi3", "config", MLC + " (named phi-4 there)", "tied, grouped, partly rotated",
      **dims(200064, 3072, 8192, 32, 24, 8), attention_bias=False, lm_head_bias=False,
      mlp_bias=False, partial_rotary_factor=0.75, tie_word_embeddings=True)
shape("phi-4", "phi3", "fields", LIT, None, **dims(100352, 5120, 17920, 40, 40, 10),
      attention_bias=False, tie_word_embeddings=False)
invented("phi3-ignored", "phi3", "attention_bias, mlp_bias and lm_head_bias do not count",
         **dims(331, 96, 136, 3, 6, 2), attention_bias=True, mlp_bias=True, lm_head_bias=True,
         pad_token_id=0)
invented("phi3-head-dim", "phi3", "a head_dim key is honoured; kv null",
         **dims(331, 96, 136, 3, 6), num_key_value_heads=None, head_dim=20,
         tie_word_embeddings=True, pad_token_id=0)

# OLMo 2 and OLMoE
shape("olmo-2-7b", "olmo2", "config", MLC, None, **dims(100352, 4096, 11008, 32, 32, 32),
      tie_word_embeddings=False)
shape("olmo-2-13b", "olmo2", "config", MLC, None, **dims(100352, 5120, 13824, 40, 40, 40),
      tie_word_embeddings=False)
shape("olmo-2-32b", "olmo2", "config", MLC, "grouped", **dims(100352, 5120, 27648, 64, 40, 8),
      tie_word_embeddings=False)
invented("olmo2-bias", "olmo2", "attention_bias, grouped, a head_dim key, tied",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20, attention_bias=True, tie_word_embeddings=True,
         pad_token_id=1)
shape("olmoe-1b-7b", "olmoe", "fields",
      "the fields of its config.json as tests of public repositories state them; the class's defaults but for intermediate_size",
      None, **dims(50304, 2048, 1024, 16, 16, 16), num_experts=64, num_experts_per_tok=8,
      norm_topk_prob=False, tie_word_embeddings=False)
invented("olmoe-bias", "olmoe", "attention_bias, grouped, tied; head_dim does not count",
         **dims(331, 96, 40, 3, 6, 2), head_dim=20, num_experts=5, num_experts_per_tok=2,
         attention_bias=True, tie_word_embeddings=True)

# StarCoder2
shape("starcoder2-3b", "starcoder2", "fields", NEMO, "tied by default",
      **dims(49152, 3072, 12288, 30, 24, 2), use_bias=True)
shape("starcoder2-7b", "starcoder2", "config", MLC, "tied by default",
      **dims(49152, 4608, 18432, 32, 36, 4), use_bias=True)
shape("starcoder2-15b", "starcoder2", "fields", NEMO,
      "untied: the published total says so, unlike the smaller two",
      **dims(49152, 6144, 24576, 40, 48, 4), use_bias=True, tie_word_embeddings=False)
invented("starcoder2-nobias", "starcoder2", "use_bias false: the norms keep theirs; untied",
         **dims(331, 96, 136, 3, 6, 2), use_bias=False, tie_word_embeddings=False)
invented("starcoder2-head-dim", "starcoder2", "a head_dim key is honoured",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20)

# StableLM
shape("stablelm-3b-4e1t", "stablelm", "config", MLC, None, **dims(50304, 2560, 6912, 32, 32, 32),
      partial_rotary_factor=0.25, use_qkv_bias=False, tie_word_embeddings=False)
shape("stablelm-2-1.6b", "stablelm", "config", MLC, "qkv bias", **dims(100352, 2048, 5632, 24, 32, 32),
      partial_rotary_factor=0.25, use_qkv_bias=True, tie_word_embeddings=False)
shape("stablelm-2-12b", "stablelm", "fields",
      "model card of stabilityai/stablelm-2-12b (5120, 40, 32, 8); intermediate_size 13824 recalled, the card states 12,143,605,760, 419,840 more",
      "parallel residual, norms of queries and keys per head",
      **dims(100352, 5120, 13824, 40, 32, 8), partial_rotary_factor=0.25, use_qkv_bias=False,
      qk_layernorm=True, use_parallel_residual=True, tie_word_embeddings=False)
invented("stablelm-qk-norm", "stablelm", "qk_layernorm, sequential, qkv bias, tied",
         **dims(331, 96, 136, 3, 6, 2), use_qkv_bias=True, qk_layernorm=True,
         tie_word_embeddings=True, partial_rotary_factor=0.5)
invented("stablelm-parallel", "stablelm", "parallel residual; head_dim does not count",
         **dims(331, 96, 136, 3, 6, 3), use_parallel_residual=True, head_dim=20,
         partial_rotary_factor=0.5)

# SmolLM3
shape("smollm3-3b", "smollm3", "fields",
      "ggml-org/llama.cpp pull request 14581 (its GGUF header); " + CLASS + "SmolLM3Config",
      "tied by default", **dims(128256, 2048, 11008, 36, 16, 4), attention_bias=False,
      mlp_bias=False)
invented("smollm3-biases", "smollm3", "attention_bias, mlp_bias, untied; no_rope_layers do not count",
         **dims(331, 96, 136, 3, 6, 2), attention_bias=True, mlp_bias=True,
         no_rope_layers=[1, 0, 1], tie_word_embeddings=False, pad_token_id=0)
invented("smollm3-head-dim", "smollm3", "a head_dim key is honoured", **dims(331, 96, 136, 3, 6, 2),
         head_dim=20, pad_token_id=0)

# Granite
shape("granite-3.3-8b", "granite", "config",
      "a copy of its config.json beside its tensor shapes in a public file",
      "tied", **dims(49159, 4096, 12800, 40, 32, 8), attention_bias=False, mlp_bias=False,
      tie_word_embeddings=True)
invented("granite-biases", "granite", "attention_bias, mlp_bias, untied by default; kv null",
         **dims(331, 96, 136, 3, 6), num_key_value_heads=None, attention_bias=True, mlp_bias=True)
invented("granite-head-dim", "granite", "a head_dim key is honoured", **dims(331, 96, 136, 3, 6, 2),
         head_dim=20, tie_word_embeddings=True)

# Cohere
shape("command-r", "cohere", "defaults", CLASS + "CohereConfig, which name c4ai-command-r-v01", None,
      **dims(256000, 8192, 22528, 40, 64, 64), attention_bias=False, use_qk_norm=False)
shape("aya-23-8b", "cohere", "config", MLC, None, **dims(256000, 4096, 14336, 32, 32, 8),
      attention_bias=False, use_qk_norm=False)
shape("command-r-plus", "cohere", "recalled", "recalled: not confirmed in a source", "norms of queries and keys",
      **dims(256000, 12288, 33792, 64, 96, 8), attention_bias=False, use_qk_norm=True)
invented("cohere-qk-bias", "cohere", "use_qk_norm, attention_bias, untied, a head_dim key",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20, use_qk_norm=True, attention_bias=True,
         tie_word_embeddings=False)
invented("cohere-kv-absent", "cohere", "num_key_value_heads absent", **dims(331, 96, 136, 3, 6))

# GLM-4
shape("glm-4-9b-0414", "glm4", "defaults", CLASS + "Glm4Config", None,
      **dims(151552, 4096, 13696, 40, 32, 2), head_dim=128, attention_bias=True,
      partial_rotary_factor=0.5, tie_word_embeddings=False)
shape("glm-4-32b-0414", "glm4", "fields",
      "ikawrakow/ik_llama.cpp pull request 344 (its GGUF header); attention_bias and vocabulary not stated there: recalled",
      None, **dims(151552, 6144, 23040, 61, 48, 2), head_dim=128, attention_bias=False,
      partial_rotary_factor=0.5, tie_word_embeddings=False)
invented("glm4-bias-tied", "glm4", "attention_bias absent (true): queries, keys, values only; tied",
         **dims(331, 96, 136, 3, 6, 2), head_dim=20, tie_word_embeddings=True, pad_token_id=0)
invented("glm4-nobias", "glm4", "attention_bias false", **dims(331, 96, 136, 3, 6, 2), head_dim=20,
         attention_bias=False, pad_token_id=0)

# DeepSeek
MLA = dict(kv_lora_rank=512, qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128)
shape("deepseek-v2-lite", "deepseek_v2", "config", MLC, "no low-rank queries",
      **dims(102400, 2048, 10944, 27, 16, 16), **MLA, q_lora_rank=None, moe_intermediate_size=1408,
      n_routed_experts=64, n_shared_experts=2, num_experts_per_tok=6, first_k_dense_replace=1,
      moe_layer_freq=1, norm_topk_prob=False, attention_bias=False)
shape("deepseek-v2", "deepseek_v2", "fields", DEEP, None,
      **dims(102400, 5120, 12288, 60, 128, 128), **MLA, q_lora_rank=1536,
      moe_intermediate_size=1536, n_routed_experts=160, n_shared_experts=2, num_experts_per_tok=6,
      first_k_dense_replace=1, moe_layer_freq=1, attention_bias=False, tie_word_embeddings=False)
shape("deepseek-v3", "deepseek_v3", "config", AIC + "deepseek-ai--DeepSeek-V3_config.json",
      "the layer that predicts a second token is not in the class",
      **dims(129280, 7168, 18432, 61, 128, 128), **MLA, q_lora_rank=1536,
      moe_intermediate_size=2048, n_routed_experts=256, n_shared_experts=1, num_experts_per_tok=8,
      first_k_dense_replace=3, moe_layer_freq=1, num_nextn_predict_layers=1, norm_topk_prob=True,
      attention_bias=False, tie_word_embeddings=False)
K = dict(kv_lora_rank=24, qk_nope_head_dim=10, qk_rope_head_dim=6, v_head_dim=14,
         moe_intermediate_size=40, n_routed_experts=6, num_experts_per_tok=2)
invented("deepseek-v2-biases", "deepseek_v2", "attention_bias, mlp_bias, low-rank queries; dense first layer",
         **dims(331, 96, 136, 4, 6, 6), **K, q_lora_rank=36, n_shared_experts=2,
         first_k_dense_replace=1, attention_bias=True, mlp_bias=True)
invented("deepseek-v2-full-queries-bias", "deepseek_v2", "q_lora_rank null with attention_bias; moe_layer_freq 2 does not count; tied",
         **dims(331, 96, 136, 4, 6, 6), **K, q_lora_rank=None, n_shared_experts=1,
         first_k_dense_replace=2, moe_layer_freq=2, attention_bias=True, tie_word_embeddings=True)
invented("deepseek-v2-dense-width", "deepseek_v2", "intermediate_size absent under a dense layer; q_lora_rank absent (1536)",
         vocab_size=331, hidden_size=96, num_hidden_layers=3, num_attention_heads=6,
         num_key_value_heads=6, **K, n_shared_experts=1, first_k_dense_replace=2)
invented("deepseek-v2-no-shared", "deepseek_v2", "n_shared_experts null; first_k_dense_replace absent",
         **dims(331, 96, 136, 3, 6, 6), **K, q_lora_rank=36, n_shared_experts=None)
invented("deepseek-v3-biases", "deepseek_v3", "attention_bias; mlp_bias does not count; first_k_dense_replace absent (3)",
         **dims(331, 96, 136, 5, 6, 6), **K, q_lora_rank=36, n_shared_experts=2, n_group=2,
         topk_group=1, attention_bias=True, mlp_bias=True)
invented("deepseek-v3-full-queries", "deepseek_v3", "q_lora_rank null, all layers sparse, tied; moe_layer_freq 2 does not count",
         **dims(331, 96, 136, 3, 6, 6), **K, q_lora_rank=None, n_shared_experts=1, n_group=2,
         topk_group=1, first_k_dense_replace=0, moe_layer_freq=2, tie_word_embeddings=True)
invented("deepseek-v3-all-dense", "deepseek_v3", "first_k_dense_replace at the number of layers",
         **dims(331, 96, 136, 3, 6, 6), **K, q_lora_rank=36, n_shared_experts=1, n_group=2,
         topk_group=1, first_k_dense_replace=3)

# gpt-oss
for name, n, e in [("gpt-oss-20b", 24, 32), ("gpt-oss-120b", 36, 128)]:
    shape(name, "gpt_oss", "config", AIC + f"openai--{name}_config.json", "biases of experts and router; sinks",
          **dims(201088, 2880, 2880, n, 64, 8), head_dim=64, num_local_experts=e,
          num_experts_per_tok=4, experts_per_token=4, attention_bias=True, tie_word_embeddings=False)
S = dict(head_dim=20, num_local_experts=5, num_experts_per_tok=2)
invented("gpt-oss-small", "gpt_oss", "attention_bias absent (true), tied",
         **dims(331, 96, 136, 3, 6, 2), **S, tie_word_embeddings=True)
invented("gpt-oss-nobias", "gpt_oss", "attention_bias false is honoured; experts keep theirs",
         **dims(331, 96, 136, 3, 6, 2), **S, attention_bias=False)

# Unusual keys together; each is read or ignored by its class
U = dims(1000, 256, 704, 3, 8)
invented("llama-unusual", "llama", "biases with wide heads", **U, attention_bias=True,
         mlp_bias=True, num_key_value_heads=2, head_dim=64)
invented("mistral-unusual", "mistral", "attention_bias is not read", **U, attention_bias=True,
         head_dim=40, num_key_value_heads=4)
invented("mixtral-unusual", "mixtral", "three experts of four, odd heads", **U,
         num_local_experts=4, num_experts_per_tok=3, num_key_value_heads=2, head_dim=40)
invented("qwen2-unusual", "qwen2", "bias keys are not read", **U, attention_bias=False,
         use_bias=True, num_key_value_heads=4)
invented("qwen3-unusual", "qwen3", "attention_bias with wide heads", **U, attention_bias=True,
         num_key_value_heads=4, head_dim=64)
invented("qwen3-moe-unusual", "qwen3_moe", "a dense layer in the middle", **U, num_experts=8,
         num_experts_per_tok=2, moe_intermediate_size=96, mlp_only_layers=[1],
         decoder_sparse_step=1, num_key_value_heads=4, head_dim=32)
invented("qwen2-moe-unusual", "qwen2_moe",
         "a dense first layer, a shared expert of another width", **U, num_experts=6,
         num_experts_per_tok=2, moe_intermediate_size=96, shared_expert_intermediate_size=300,
         num_key_value_heads=8, mlp_only_layers=[0])
invented("gemma2-unusual", "gemma2", "untied, odd heads", **U, head_dim=40, num_key_value_heads=2,
         tie_word_embeddings=False)
invented("phi3-unusual", "phi3", "partial rotation", **U, num_key_value_heads=4,
         partial_rotary_factor=0.75, pad_token_id=0)
invented("olmo2-unusual", "olmo2", "grouped keys, tied, biases", **U, num_key_value_heads=2,
         tie_word_embeddings=True, attention_bias=True)
invented("olmoe-unusual", "olmoe", "grouped keys", **U, num_experts=6, num_experts_per_tok=2,
         num_key_value_heads=2)
invented("stablelm-unusual", "stablelm", "parallel parts with norms of queries and keys", **U,
         num_key_value_heads=4, use_parallel_residual=True, qk_layernorm=True, use_qkv_bias=True)
invented("smollm3-unusual", "smollm3", "layers without rotation", **U, num_key_value_heads=2,
         no_rope_layers=[1, 1, 0], pad_token_id=0)
invented("cohere-unusual", "cohere", "norms of queries and keys, grouped", **U,
         num_key_value_heads=2, use_qk_norm=True, pad_token_id=0)
invented("deepseek-v3-unusual", "deepseek_v3", "full queries, biases, two shared experts", **U,
         first_k_dense_replace=1, num_key_value_heads=8, kv_lora_rank=32, q_lora_rank=None, qk_nope_head_dim=24,
         qk_rope_head_dim=8, v_head_dim=16, n_routed_experts=8, n_shared_experts=2,
         num_experts_per_tok=3, moe_intermediate_size=96, n_group=2, topk_group=1,
         attention_bias=True)
invented("gpt-oss-unusual", "gpt_oss", "no biases, tied, odd heads", **U, num_local_experts=4,
         num_experts_per_tok=2, num_key_value_heads=2, head_dim=24, attention_bias=False,
         tie_word_embeddings=True)
invented("falcon-unusual", "falcon", "one norm in the new decoder, own feed-forward", **U,
         new_decoder_architecture=True, num_kv_heads=4, num_ln_in_parallel_attn=1,
         ffn_hidden_size=300)
invented("gpt-neox-unusual", "gpt_neox", "one part after the other, no biases, tied", **U,
         use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True)

# Every key absent
for family in ARCHITECTURE:
    extra = dict(num_experts_per_tok=6) if family == "deepseek_v2" else {}
    shape(f"{family}-defaults", family, "defaults", CLASS + "its configuration class",
          "every key absent" + (" but num_experts_per_tok, whose default is null" if extra else ""),
          **extra)
