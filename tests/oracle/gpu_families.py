"""Peak memory of a training step of Hugging Face's models on a real GPU, family by family.

Small models of every family with random weights, one device, `AdamW` parameter by parameter, the
model's own loss. The configuration stands in each row as JSON, so that the comparison reads what
the model was built from.

    python gpu_families.py FILE.csv [SECONDS]
"""

import csv
import gc
import json
import sys
import time

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from gpu_memory import measured

SIZES = {
    "hidden_size": 1536,
    "intermediate_size": 4096,
    "num_hidden_layers": 10,
    "num_attention_heads": 12,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "vocab_size": 32000,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "attention_dropout": 0.0,
}
# another width, depth and vocabulary
OTHER_SIZES = {
    **SIZES,
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "num_hidden_layers": 7,
    "num_attention_heads": 16,
    "head_dim": 128,
    "vocab_size": 50304,
    "n_embd": 2048,
    "n_layer": 7,
    "n_head": 16,
    "ffn_dim": 8192,
    "word_embed_proj_dim": 2048,
}
# what a family says of itself beside the sizes
FAMILIES = {
    "llama": {},
    "mistral": {"sliding_window": None},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {},
    "gemma": {},
    "gemma2": {},
    "gemma3_text": {},
    "olmo2": {},
    "phi3": {"pad_token_id": 0},
    "granite": {},
    "smollm3": {"pad_token_id": 0},
    "stablelm": {},
    "cohere": {},
    "glm": {"pad_token_id": 0},
    "glm4": {"pad_token_id": 0},
    "starcoder2": {"residual_dropout": 0.0, "embedding_dropout": 0.0},
    "gpt_neox": {"hidden_dropout": 0.0},
    "gpt2": {"n_embd": 1536, "n_layer": 10, "n_head": 12, "n_positions": 8192,
             "attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0},
    "opt": {"ffn_dim": 4096, "dropout": 0.0, "word_embed_proj_dim": 1536},
    "bloom": {"n_layer": 10, "n_head": 12, "hidden_dropout": 0.0},
    "falcon": {"new_decoder_architecture": True, "num_kv_heads": 4, "alibi": False},
    "mixtral": {"num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": None},
    "olmoe": {"num_experts": 16, "num_experts_per_tok": 4},
    "qwen3_moe": {"num_experts": 16, "num_experts_per_tok": 4, "moe_intermediate_size": 1024,
                  "decoder_sparse_step": 1, "mlp_only_layers": []},
    "qwen2_moe": {"num_experts": 16, "num_experts_per_tok": 4, "moe_intermediate_size": 1024,
                  "shared_expert_intermediate_size": 2048, "decoder_sparse_step": 1, "mlp_only_layers": []},
    "deepseek_v2": {"num_key_value_heads": 12, "head_dim": 64, "q_lora_rank": None, "kv_lora_rank": 256,
                    "qk_nope_head_dim": 64, "qk_rope_head_dim": 64, "v_head_dim": 64, "n_routed_experts": 16,
                    "num_experts_per_tok": 4, "n_shared_experts": 1, "moe_intermediate_size": 1024,
                    "first_k_dense_replace": 1, "n_group": 1, "topk_group": 1},
    "deepseek_v3": {"num_key_value_heads": 12, "head_dim": 64, "q_lora_rank": 512, "kv_lora_rank": 256,
                    "qk_nope_head_dim": 64, "qk_rope_head_dim": 64, "v_head_dim": 64, "n_routed_experts": 16,
                    "num_experts_per_tok": 4, "n_shared_experts": 1, "moe_intermediate_size": 1024,
                    "first_k_dense_replace": 2, "n_group": 1, "topk_group": 1},
}  # fmt: skip
# measured when the operators of the families were known; new ones after that, to see what is foretold
FIRST = [family for family in FAMILIES if family not in
         ("gemma", "glm4", "bloom", "falcon", "qwen2_moe", "deepseek_v2")]
NEW = [family for family in FAMILIES if family not in FIRST]
PLAIN = ["llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "olmo2", "phi3", "stablelm", "cohere", "glm",
         "starcoder2", "gpt_neox", "gpt2", "opt"]  # fmt: skip
# micro-batch, sequence, recomputed, attention, precision, family, and whether of the other sizes
SETTINGS = [
    *[(2, 4096, False, "sdpa", "bf16-pure", family) for family in FIRST],
    *[(4, 4096, True, "sdpa", "bf16-pure", family) for family in FIRST],
    *[(1, 4096, False, "eager", "bf16-pure", family) for family in ("llama", "qwen3", "gemma2", "gpt_neox", "olmo2")],
    *[(1, 16384, False, "sdpa", "bf16-pure", family) for family in ("llama", "qwen3", "gemma3_text")],
    *[(2, 4096, False, "sdpa", "bf16", family) for family in ("llama", "qwen2", "qwen3", "olmo2", "gpt_neox")],
    *[(4, 4096, True, "sdpa", "bf16", family) for family in ("llama", "qwen2")],
    *[(1, 512, False, "sdpa", precision, "llama") for precision in ("bf16-pure", "bf16")],
    # what was foretold first
    *[(3, 2048, False, "sdpa", "bf16-pure", family, True) for family in PLAIN],
    *[(2, 4096, False, "sdpa", "bf16", family) for family in FIRST
      if family not in ("llama", "qwen2", "qwen3", "olmo2", "gpt_neox")],
    *[(4, 4096, True, "sdpa", "bf16", family) for family in ("gemma2", "cohere", "gpt_neox", "olmo2", "phi3")],
    *[(1, 3072, False, "eager", "bf16-pure", family, True) for family in PLAIN],
    *[(2, 512, False, "sdpa", "bf16-pure", "gemma3_text", True), (1, 8192, False, "sdpa", "bf16-pure", "gemma2")],
    *[(2, 4096, False, "sdpa", "bf16-pure", family) for family in NEW],
    *[(4, 4096, True, "sdpa", "bf16-pure", family) for family in NEW],
]


def run(micro_batch, sequence, recompute, attention, precision, family, other=False):
    own = FAMILIES[family]
    sizes = {**SIZES, **own, **(OTHER_SIZES if other else {})}
    sizes["tie_word_embeddings"] = own.get("tie_word_embeddings", False)
    if other and family == "gemma3_text":
        sizes["sliding_window"] = 1024  # as in the published models
    config = AutoConfig.for_model(family, **sizes)
    config.use_cache = False
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    model = model.to(torch.bfloat16 if precision == "bf16-pure" else torch.float32)
    model.train()
    if recompute:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9, foreach=False)
    tokens = torch.randint(1, config.vocab_size, (micro_batch, sequence))

    def step():
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()

    row = measured(step)
    row["parameters"] = sum(p.numel() for p in model.parameters())
    kept = json.loads(config.to_json_string(use_diff=False))
    kept["architectures"] = [type(model).__name__]
    row["config"] = json.dumps(kept, sort_keys=True)
    return row


def main():
    file, limit = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 480.0
    started = time.time()
    torch.set_default_device("cuda")
    common = {
        "device": torch.cuda.get_device_properties(0).name,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    names = ["micro_batch", "sequence", "recompute", "attention", "precision", "family"]
    with open(file, "w", newline="") as out:
        fields = [*names, "parameters", "allocated_bytes", "reserved_bytes", "device_used_bytes",
                  "step_seconds", *common, "config"]  # fmt: skip
        writer = csv.DictWriter(out, fields)
        writer.writeheader()
        for setting in SETTINGS:
            if time.time() - started > limit:
                break
            try:
                row = run(*setting)
            except Exception as error:  # a family that fails is told, and the others go on
                print(f"{setting}: {type(error).__name__}: {str(error)[:300]}", flush=True)
                row = None
            gc.collect()
            torch.cuda.empty_cache()
            if row:
                writer.writerow({**dict(zip(names, setting)), **row, **common})
                out.flush()
                print(setting, row["parameters"], row["allocated_bytes"] >> 20, flush=True)


if __name__ == "__main__":
    main()
