"""Peak memory of FSDP2 steps drawn at random, on a real GPU: what no one chose with a result in mind.

Shapes and settings that seldom occur in published models too: heads wider than the model, odd
vocabularies, one layer, thousands of ranks. The models of fsdp_memory.py under PyTorch's fake
process group, as in gpu_memory.py; the same cases every time.

    python gpu_random.py FILE.csv [SECONDS]

Only cases that fsdp_model.py expects to take under 120 GB are run.
"""

import csv
import gc
import random
import sys
import time

import torch

from fsdp_model import simulate
from gpu_memory import sharded

SEED = 7
MOST_BYTES = 120e9
CASE = ["block", "layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "vocab", "qkv_bias", "tied", "ranks",
        "micro_batch", "sequence", "recompute", "reshard", "logits_kept"]  # fmt: skip


def drawn(numbers):
    """The next case; none where it would be out of proportion."""
    pick = numbers.choice
    head_dim, kv_heads = pick([64, 80, 96, 128, 128, 128, 256]), pick([1, 2, 4, 8, 8])
    heads = kv_heads * pick([1, 2, 3, 4, 6, 7, 8])
    width = heads * head_dim
    hidden = pick([width, width, numbers.randrange(256, 6000, 8)])
    if not 256 <= hidden <= 13000:
        return None
    c = {
        "block": "llama", "hidden": hidden, "heads": heads, "kv_heads": kv_heads, "head_dim": head_dim,
        "ffn": pick([4 * hidden, int(hidden * 8 / 3) // 64 * 64, numbers.randrange(512, 20000, 8)]),
        "layers": pick([1, 2, 3, 5, 9, 17]),
        "vocab": pick([32000, 50257, 65537, 100352, 128256, 151936, 262144]),
        "qkv_bias": numbers.random() < 0.3, "tied": numbers.random() < 0.4,
        "ranks": pick([1, 2, 3, 8, 16, 48, 64, 100, 512, 2048]),
        "micro_batch": pick([1, 1, 2, 3, 8]), "sequence": pick([512, 2048, 4096, 5000, 8192, 32768]),
        "recompute": numbers.random() < 0.5, "reshard": numbers.random() < 0.6, "logits_kept": True,
    }  # fmt: skip
    c["model_layers"] = c["layers"]
    return c if c["micro_batch"] * c["sequence"] <= 70000 and simulate(c).peak <= MOST_BYTES else None


def main():
    file, limit = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 300.0
    torch.set_default_device("cuda")
    common = {"device": torch.cuda.get_device_properties(0).name, "torch": torch.__version__}
    numbers, started = random.Random(SEED), time.time()
    with open(file, "w", newline="") as out:
        fields = [*CASE, "allocated_bytes", "reserved_bytes", "device_used_bytes", "step_seconds", *common]
        writer = csv.DictWriter(out, fields, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        while time.time() - started < limit:
            case = drawn(numbers)
            if case is None:
                continue
            row = sharded(case)
            gc.collect()
            torch.cuda.empty_cache()
            flags = {k: str(v).lower() for k, v in case.items() if isinstance(v, bool)}
            writer.writerow({**case, **flags, **row, **common})
            out.flush()
            print(case, row, flush=True)


if __name__ == "__main__":
    main()
