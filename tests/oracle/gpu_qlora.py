"""Peak memory of a training step with low-rank adapters beside a 4-bit model, on a real GPU.

A Llama of transformers in bf16, frozen; every linear layer of the blocks is made bitsandbytes'
`Linear4bit` (NF4, doubly quantised scales, computes in bf16) and gets an adapter by PEFT itself, in
fp32. One device, `AdamW` parameter by parameter, the model's own loss. The same beside bf16 layers,
for comparison (`base` bf16).

    python gpu_qlora.py FILE.csv

Needs torch, transformers, peft and bitsandbytes.
"""

import csv
import gc
import sys

import bitsandbytes
import peft
import torch
import transformers
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from gpu_memory import measured

# base; hidden, layers, heads, key/value heads, ffn, vocabulary; rank, micro-batch, sequence, recomputed
SMALL = (1536, 10, 12, 4, 4096, 32000)
WIDE = (4096, 8, 32, 8, 14336, 128256)
EIGHT = (4096, 32, 32, 8, 14336, 128256)
CASES = [
    ("nf4", *SMALL, 16, 2, 4096, False),
    ("nf4", *SMALL, 64, 2, 4096, False),
    ("nf4", *SMALL, 16, 4, 4096, True),
    ("nf4", *WIDE, 16, 1, 2048, False),
    ("nf4", *WIDE, 16, 1, 256, False),
    ("nf4", *EIGHT, 16, 1, 2048, True),
    ("nf4", *EIGHT, 64, 1, 512, False),
    ("nf4", *EIGHT, 8, 4, 2048, True),
    ("bf16", *SMALL, 16, 2, 4096, False),
    ("bf16", *WIDE, 16, 1, 2048, False),
    ("bf16", *EIGHT, 64, 1, 512, False),
]
NAMES = ["base", "hidden", "layers", "heads", "kv_heads", "ffn", "vocab", "rank", "micro_batch", "sequence",
         "recompute"]  # fmt: skip


def quantised(linear):
    layer = bitsandbytes.nn.Linear4bit(
        linear.in_features, linear.out_features, bias=False, compute_dtype=torch.bfloat16,
        compress_statistics=True, quant_type="nf4", device="meta",
    )  # fmt: skip
    layer.weight = bitsandbytes.nn.Params4bit(
        linear.weight.data.cpu(), requires_grad=False, compress_statistics=True, quant_type="nf4"
    )
    return layer.to("cuda")


def run(base, hidden, layers, heads, kv_heads, ffn, vocab, rank, batch, sequence, recompute):
    config = LlamaConfig(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, head_dim=128,
        num_key_value_heads=kv_heads, intermediate_size=ffn, vocab_size=vocab,
        tie_word_embeddings=False, max_position_embeddings=8192, attn_implementation="sdpa",
    )  # fmt: skip
    config.use_cache = False
    torch.set_default_dtype(torch.bfloat16)
    model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    model.requires_grad_(False)
    if base == "nf4":
        for layer in model.model.layers:
            for part in (layer.self_attn, layer.mlp):
                for name, child in list(part.named_children()):
                    if isinstance(child, nn.Linear):
                        setattr(part, name, quantised(child))
        model.is_loaded_in_4bit = True
    settings = peft.LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear")
    model = peft.get_peft_model(model, settings)
    model.train()
    model.enable_input_require_grads()
    if recompute:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all(p.dtype == torch.float32 for p in trained)
    optimizer = torch.optim.AdamW(trained, lr=1e-9, foreach=False)
    tokens = torch.randint(1, vocab, (batch, sequence))

    def step():
        optimizer.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()

    step()
    optimizer.zero_grad()
    gc.collect()
    resting = torch.cuda.memory_allocated()
    return {"trained": sum(p.numel() for p in trained), "resting_bytes": resting, **measured(step)}


def main():
    torch.set_default_device("cuda")
    common = {
        "device": torch.cuda.get_device_properties(0).name,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
        "bitsandbytes": bitsandbytes.__version__,
    }
    with open(sys.argv[1], "w", newline="") as out:
        fields = [*NAMES, "trained", "resting_bytes", "allocated_bytes", "reserved_bytes", "device_used_bytes",
                  "step_seconds", *common]  # fmt: skip
        writer = csv.DictWriter(out, fields)
        writer.writeheader()
        for case in CASES:
            try:
                row = run(*case)
            except Exception as error:  # a case that fails is told, and the others go on
                print(f"{case}: {type(error).__name__}: {str(error)[:300]}", flush=True)
                row = None
            gc.collect()
            torch.cuda.empty_cache()
            if row:
                writer.writerow({**dict(zip(NAMES, case)), **row, **common})
                out.flush()
                print(case, row, flush=True)


if __name__ == "__main__":
    main()
