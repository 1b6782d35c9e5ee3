"""Peak memory of FSDP2 steps whose shards are on the host, on a real GPU.

The models and cases of fsdp_memory.py, as gpu_memory.py runs them, with
`CPUOffloadPolicy()`: parameters, gradients and optimizer states are on the
host, the optimizer runs there. Writes a row per case to the file named.

    python gpu_offload.py FILE.csv [SECONDS]
"""

import csv
import gc
import sys
import time

import torch
from torch.distributed.fsdp import CPUOffloadPolicy

from fsdp_memory import cases
from gpu_memory import sharded

# every kind of block, sharded a little and much, with and without recomputation and resharding;
# few numbers on a device, since AdamW runs on the host
CASES = """
smollm-135m 30/30 g1 8x2048 -
smollm-135m 30/30 g8 4x2048 r
smollm-135m 30/30 g8 8x4096 -
smollm-135m 30/30 g64 2x2048 k
smollm-360m 32/32 g2 4x2048 -
smollm-360m 32/32 g8 1x16384 r
odd-300m 11/11 g8 3x1500 -
odd-300m 11/11 g6 5x1000 rk
wide-vocab-400m 8/8 g8 4x2048 -
gpt2 12/12 g8 4x1024 -
gpt2 12/12 g8 8x1024 r
gpt2-medium 24/24 g16 8x1024 rk
qwen2.5-0.5b 24/24 g8 4x2048 -
qwen2.5-0.5b 24/24 g2 2x4096 k
tinyllama-1.1b 22/22 g8 4x2048 -
tinyllama-1.1b 22/22 g4 2x2048 rk
llama-3.2-1b 16/16 g8 2x4096 -
llama-3.2-1b 16/16 g1 1x2048 r
llama-3.2-1b 16/16 g32 8x4096 rk
llama-3.2-1b 16/16 g8 2x4096 l
gpt2-xl 48/48 g8 4x1024 -
llama-3.2-3b 28/28 g16 2x4096 -
llama-2-7b 8/32 g8 1x4096 -
mistral-7b 8/32 g32 4x8192 r
llama-3-8b 8/32 g16 2x8192 rl
qwen2.5-7b 8/28 g8 2x4096 k
""".strip().split("\n")


def main():
    file, limit = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 480.0
    started = time.time()
    device = torch.cuda.get_device_properties(0)
    common = {"device": device.name, "torch": torch.__version__}
    known = cases()
    with open(file, "w", newline="") as out:
        fields = ["case", "allocated_bytes", "reserved_bytes", "device_used_bytes", "step_seconds", *common]
        writer = csv.DictWriter(out, fields)
        writer.writeheader()
        for name in CASES:
            if time.time() - started > limit:
                break
            try:
                row = sharded(known[name], offload_policy=CPUOffloadPolicy())
            except Exception as error:  # a case that fails is told, and the others go on
                print(f"{name}: {type(error).__name__}: {str(error)[:200]}", flush=True)
                row = None
            gc.collect()
            torch.cuda.empty_cache()
            if row:
                writer.writerow({"case": name, **row, **common})
                out.flush()
                print(name, row["allocated_bytes"] >> 20, row["step_seconds"], flush=True)


if __name__ == "__main__":
    main()
