"""Peak memory and time of a training step on a real GPU.

The models and cases of fsdp_memory.py, run with real tensors: `fully_shard` over
PyTorch's fake process group, so that one GPU holds what one of many ranks would
(collectives move nothing; the values are meaningless, the memory is not), and
Hugging Face models on one device. Writes a row per case to the file named.

    python gpu_memory.py FILE.csv [SECONDS]

Only cases that fsdp_model.py expects to fit are run.
"""

import csv
import gc
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from fsdp_memory import _classes, cases
from fsdp_model import simulate

STEPS = 4
# Context, kernels and fragments are left this much of the device.
LEFT = 6 * 2**30

# hidden, layers, heads, key/value heads, ffn, vocabulary, tied; micro-batch, sequence, checkpointing
HUGGING_FACE = {
    "hf smollm-135m 4x2048": (576, 30, 9, 3, 1536, 49152, True, 4, 2048, False),
    "hf smollm-135m 8x2048 r": (576, 30, 9, 3, 1536, 49152, True, 8, 2048, True),
    "hf smollm-360m 2x4096": (960, 32, 15, 5, 2560, 49152, True, 2, 4096, False),
    "hf tinyllama-1.1b 2x2048": (2048, 22, 32, 4, 5632, 32000, False, 2, 2048, False),
    "hf tinyllama-1.1b 4x2048 r": (2048, 22, 32, 4, 5632, 32000, False, 4, 2048, True),
    "hf llama-3.2-1b 2x2048": (2048, 16, 32, 8, 8192, 128256, True, 2, 2048, False),
    "hf llama-3.2-1b 2x4096 r": (2048, 16, 32, 8, 8192, 128256, True, 2, 4096, True),
    "hf llama-3.2-3b 1x2048 r": (3072, 28, 24, 8, 8192, 128256, True, 1, 2048, True),
}


def measured(step):
    """Peaks in the steps after the first, and the median time of a step.

    What building the model left in the allocator is given back before."""
    gc.collect()
    torch.cuda.empty_cache()
    step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(STEPS - 1):
        started = time.perf_counter()
        step()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    free, total = torch.cuda.mem_get_info()
    return {
        "allocated_bytes": torch.cuda.max_memory_allocated(),
        "reserved_bytes": torch.cuda.max_memory_reserved(),
        "device_used_bytes": total - free,
        "step_seconds": round(statistics.median(seconds), 5),
    }


def sharded(c, **options):
    """A case of fsdp_memory.py with real tensors, under further options of `fully_shard`."""
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=c["ranks"])
    mesh = init_device_mesh("cuda", (c["ranks"],))
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    with torch.device("cuda"):
        model = _classes()[0](c)
    for unit in [*model.layers, model]:
        fully_shard(unit, mesh=mesh, mp_policy=policy, reshard_after_forward=c["reshard"], **options)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9, foreach=False)
    shape = (c["micro_batch"], c["sequence"])
    tokens, labels = (torch.randint(0, c["vocab"], shape, device="cuda") for _ in range(2))

    def step():
        optimizer.zero_grad()
        with torch.device("cuda"):
            logits = model(tokens)
        loss = F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(0, 1))
        if not c["logits_kept"]:
            del logits
        loss.backward()
        optimizer.step()

    try:
        return measured(step)
    finally:
        dist.destroy_process_group()


def hugging_face(hidden, layers, heads, kv_heads, ffn, vocab, tied, batch, sequence, recompute):
    """A Llama of transformers in bf16 throughout, its own loss, AdamW."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=kv_heads, intermediate_size=ffn, vocab_size=vocab,
        tie_word_embeddings=tied, max_position_embeddings=sequence, attn_implementation="sdpa",
    )  # fmt: skip
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.train()
    if recompute:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.config.use_cache = False
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9, foreach=False)
    tokens = torch.randint(0, vocab, (batch, sequence))

    def step():
        optimizer.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()

    return measured(step)


def main():
    file, limit = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 480.0
    started = time.time()
    torch.set_default_device("cuda")
    device = torch.cuda.get_device_properties(0)
    import transformers

    common = {"device": device.name, "torch": torch.__version__, "transformers": transformers.__version__}
    runs = [(name, lambda shape=shape: hugging_face(*shape), None) for name, shape in HUGGING_FACE.items()]
    for name, c in cases().items():
        expected = simulate(c).peak
        if expected < device.total_memory - LEFT:
            runs.append((name, lambda c=c: sharded(c), expected))
    with open(file, "w", newline="") as out:
        fields = ["case", "expected_bytes", "allocated_bytes", "reserved_bytes", "device_used_bytes",
                  "step_seconds", *common]  # fmt: skip
        writer = csv.DictWriter(out, fields)
        writer.writeheader()
        for name, run, expected in runs:
            if time.time() - started > limit:
                break
            try:
                row = run()
            except Exception as error:  # a case that fails is told, and the others go on
                print(f"{name}: {type(error).__name__}: {str(error)[:200]}", flush=True)
                row = None
            gc.collect()
            torch.cuda.empty_cache()
            if row:
                writer.writerow({"case": name, "expected_bytes": expected, **row, **common})
                out.flush()
                off = f"{row['allocated_bytes'] / expected - 1:+.2%}" if expected else ""
                print(name, row["allocated_bytes"] >> 20, row["reserved_bytes"] >> 20, off, row["step_seconds"], flush=True)


if __name__ == "__main__":
    main()
