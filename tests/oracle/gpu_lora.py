"""Peak memory of a training step with low-rank adapters on a real GPU.

A Llama of transformers in bf16, frozen; adapters in fp32 beside every linear layer of the blocks,
with the forward of Hugging Face PEFT's `lora.Linear` (written out here, so that nothing but
transformers is needed). One device, `AdamW` parameter by parameter, the model's own loss.

    python gpu_lora.py FILE.csv
"""

import csv
import gc
import sys

import torch
import transformers
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from gpu_memory import measured

# hidden, layers, heads, key/value heads, ffn, vocabulary; rank, micro-batch, sequence, recomputed
CASES = [
    (1536, 10, 12, 4, 4096, 32000, 16, 2, 4096, False),
    (1536, 10, 12, 4, 4096, 32000, 64, 2, 4096, False),
    (1536, 10, 12, 4, 4096, 32000, 16, 4, 4096, True),
    (4096, 8, 32, 8, 14336, 128256, 16, 1, 2048, False),
    (4096, 32, 32, 8, 14336, 128256, 16, 1, 2048, True),
    (4096, 32, 32, 8, 14336, 128256, 64, 1, 512, False),
]


class Adapted(nn.Module):
    def __init__(self, base, rank):
        super().__init__()
        self.base = base
        self.a = nn.Linear(base.in_features, rank, bias=False, dtype=torch.float32)
        self.b = nn.Linear(rank, base.out_features, bias=False, dtype=torch.float32)

    def forward(self, x):
        result = self.base(x)
        dtype = result.dtype
        x = x.to(torch.float32)
        result = result + self.b(self.a(x)) * 2.0
        return result.to(dtype)


def run(hidden, layers, heads, kv_heads, ffn, vocab, rank, batch, sequence, recompute):
    config = LlamaConfig(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, head_dim=128,
        num_key_value_heads=kv_heads, intermediate_size=ffn, vocab_size=vocab,
        tie_word_embeddings=False, max_position_embeddings=8192, attn_implementation="sdpa",
    )  # fmt: skip
    config.use_cache = False
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.requires_grad_(False)
    for layer in model.model.layers:
        for part in (layer.self_attn, layer.mlp):
            for name, child in list(part.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(part, name, Adapted(child, rank))
    model.train()
    model.enable_input_require_grads()
    if recompute:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-9, foreach=False)
    tokens = torch.randint(1, vocab, (batch, sequence))

    def step():
        optimizer.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()

    return {"trained": sum(p.numel() for p in trained), **measured(step)}


def main():
    torch.set_default_device("cuda")
    common = {
        "device": torch.cuda.get_device_properties(0).name,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    names = ["hidden", "layers", "heads", "kv_heads", "ffn", "vocab", "rank", "micro_batch", "sequence", "recompute"]
    with open(sys.argv[1], "w", newline="") as out:
        fields = [*names, "trained", "allocated_bytes", "reserved_bytes", "device_used_bytes", "step_seconds", *common]
        writer = csv.DictWriter(out, fields)
        writer.writeheader()
        for case in CASES:
            row = run(*case)
            gc.collect()
            torch.cuda.empty_cache()
            writer.writerow({**dict(zip(names, case)), **row, **common})
            out.flush()
            print(case, row, flush=True)


if __name__ == "__main__":
    main()
