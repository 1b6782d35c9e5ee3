"""Peak memory and time of training steps with NCCL between the ranks.

What gpu_memory.py measures under a process group that moves nothing, here with one that does:
FSDP2 over both GPUs, DistributedDataParallel under autocast, and tensor parallel with sequence
parallelism as torchtitan splits a Llama. Of all ranks' figures the larger are written.

    torchrun --nproc-per-node 2 gpu_ranks.py FILE.csv [SECONDS [WAY]]

The rows of `ddp` were measured with one process, whose reducer keeps the same buckets.
"""

import csv
import gc
import os
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import Replicate, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel, PrepareModuleInput, RowwiseParallel, SequenceParallel, loss_parallel, parallelize_module,
)  # fmt: skip
from torch.nn.parallel import DistributedDataParallel

from fsdp_memory import SHAPES, _classes

# The second step of DistributedDataParallel may hold the first one's buckets beside the rebuilt ones.
WARM, STEPS = 4, 5

# way, model, layers run (0: all), micro-batch, sequence, recomputed, resharded
CASES = [
    ("fsdp2", "smollm-360m", 0, 4, 2048, False, True),
    ("fsdp2", "tinyllama-1.1b", 0, 4, 2048, False, True),
    ("fsdp2", "tinyllama-1.1b", 0, 4, 2048, False, False),
    ("fsdp2", "llama-3.2-1b", 0, 2, 4096, False, True),
    ("fsdp2", "llama-3.2-1b", 0, 4, 8192, True, True),
    ("fsdp2", "qwen2.5-1.5b", 0, 2, 4096, False, True),
    ("fsdp2", "llama-3.2-3b", 0, 2, 4096, True, True),
    ("fsdp2", "llama-3.2-3b", 0, 1, 8192, False, False),
    ("fsdp2", "llama-3-8b", 0, 1, 8192, True, True),
    ("fsdp2", "llama-3-8b", 0, 1, 4096, False, True),
    ("fsdp2", "llama-3-8b", 0, 4, 4096, True, False),
    ("fsdp2", "gpt2-xl", 0, 4, 1024, False, True),
    ("ddp", "smollm-360m", 0, 4, 2048, False, True),
    ("ddp", "tinyllama-1.1b", 0, 4, 2048, False, True),
    ("ddp", "llama-3.2-1b", 0, 2, 4096, False, True),
    ("ddp", "llama-3.2-3b", 0, 2, 4096, True, True),
    ("tp", "tinyllama-1.1b", 0, 4, 2048, False, True),
    ("tp", "llama-3.2-1b", 0, 2, 4096, False, True),
    ("tp", "llama-3.2-3b", 0, 2, 4096, True, True),
    ("tp", "llama-3-8b", 0, 1, 8192, True, True),
    ("tp", "llama-3-8b", 8, 2, 8192, False, True),
]
NAMES = ["way", "model", "layers", "micro_batch", "sequence", "recompute", "reshard"]
SIZES = ["block", "model_layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "vocab", "qkv_bias", "tied"]


def split(model, mesh):
    """torchtitan's plan for a Llama under tensor and sequence parallelism."""
    whole = {
        "tok_embeddings": RowwiseParallel(input_layouts=Replicate(), output_layouts=Shard(1)),
        "norm": SequenceParallel(),
        "output": ColwiseParallel(input_layouts=Shard(1), output_layouts=Shard(-1), use_local_output=False),
    }
    parallelize_module(model, mesh, whole)
    for layer in model.layers:
        plan = {
            "attention_norm": SequenceParallel(),
            "attention": PrepareModuleInput(
                input_layouts=(Shard(1), None), desired_input_layouts=(Replicate(), None)
            ),
            "attention.wq": ColwiseParallel(),
            "attention.wk": ColwiseParallel(),
            "attention.wv": ColwiseParallel(),
            "attention.wo": RowwiseParallel(output_layouts=Shard(1)),
            "ffn_norm": SequenceParallel(),
            "feed_forward": PrepareModuleInput(input_layouts=(Shard(1),), desired_input_layouts=(Replicate(),)),
            "feed_forward.w1": ColwiseParallel(),
            "feed_forward.w2": RowwiseParallel(output_layouts=Shard(1)),
            "feed_forward.w3": ColwiseParallel(),
        }
        parallelize_module(layer, mesh, plan)


def run(way, c):
    """Peaks of a rank in the steps after the first, and the median time of a step."""
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    ranks = dist.get_world_size()
    with torch.device("cuda"):
        model = _classes()[0](c)
    tensor = way == "tp"
    if tensor:
        mesh = init_device_mesh("cuda", (1, ranks), mesh_dim_names=("shard", "tensor"))
        split(model, mesh["tensor"])
        mesh = mesh["shard"]
    else:
        mesh = init_device_mesh("cuda", (ranks,))
    if way == "ddp":
        model = DistributedDataParallel(model, device_ids=[dist.get_rank()])
    else:
        for unit in [*model.layers, model]:
            fully_shard(unit, mesh=mesh, mp_policy=policy, reshard_after_forward=c["reshard"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9, foreach=False)
    shape = (c["micro_batch"], c["sequence"])
    tokens, labels = (torch.randint(0, c["vocab"], shape, device="cuda") for _ in range(2))

    def step():
        optimizer.zero_grad()
        with torch.device("cuda"), torch.autocast("cuda", torch.bfloat16, enabled=way == "ddp"):
            logits = model(tokens)
            if not tensor:
                loss = F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(0, 1))
        if tensor:
            with loss_parallel():
                F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(0, 1)).backward()
        else:
            loss.backward()
        optimizer.step()

    gc.collect()
    torch.cuda.empty_cache()
    for _ in range(WARM):
        step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(STEPS):
        dist.barrier()
        torch.cuda.synchronize()
        started = time.perf_counter()
        step()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    free, total = torch.cuda.mem_get_info()
    found = torch.tensor(
        [torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved(), total - free,
         statistics.median(seconds) * 1e6], dtype=torch.float64, device="cuda",
    )  # fmt: skip
    dist.all_reduce(found, dist.ReduceOp.MAX)
    allocated, reserved, used, micros = found.tolist()
    return {"allocated_bytes": int(allocated), "reserved_bytes": int(reserved), "device_used_bytes": int(used),
            "step_seconds": round(micros / 1e6, 5)}  # fmt: skip


def main():
    file, limit = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 400.0
    ways = sys.argv[3:] or ["fsdp2", "ddp", "tp"]
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl")
    first, started = dist.get_rank() == 0, time.time()
    common = {"ranks": dist.get_world_size(), "device": torch.cuda.get_device_properties(0).name,
              "torch": torch.__version__, "nccl": ".".join(map(str, torch.cuda.nccl.version()))}  # fmt: skip
    out = open(file, "w", newline="") if first else None
    fields = [*NAMES, *SIZES, "allocated_bytes", "reserved_bytes", "device_used_bytes", "step_seconds", *common]
    writer = csv.DictWriter(out, fields, lineterminator="\n") if first else None
    if first:
        writer.writeheader()
    for case in [case for case in CASES if case[0] in ways]:
        late = torch.tensor(float(time.time() - started > limit), device="cuda")
        dist.all_reduce(late, dist.ReduceOp.MAX)
        if late.item():
            break
        way, model, run_layers, micro_batch, sequence, recompute, reshard = case
        block, layers, hidden, heads, kv_heads, head_dim, ffn, vocab, bias, tied = SHAPES[model]
        c = {"block": block, "model_layers": layers, "layers": run_layers or layers, "hidden": hidden, "heads": heads,
             "kv_heads": kv_heads, "head_dim": head_dim, "ffn": ffn, "vocab": vocab, "qkv_bias": bias, "tied": tied,
             "micro_batch": micro_batch, "sequence": sequence, "recompute": recompute, "reshard": reshard}  # fmt: skip
        if way == "tp":
            # a tied matrix is split by rows here and by columns there
            c["tied"] = False
        try:
            row = run(way, c)
        except Exception as error:  # a case that fails on every rank is told, and the others go on
            print(f"{case}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            row = None
        gc.collect()
        torch.cuda.empty_cache()
        if row and first:
            row = {"way": way, "model": model, **c, **row, **common}
            writer.writerow({k: str(row[k]).lower() if isinstance(row[k], bool) else row[k] for k in fields})
            out.flush()
            print(case, row["allocated_bytes"], row["reserved_bytes"], row["device_used_bytes"], row["step_seconds"], flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
