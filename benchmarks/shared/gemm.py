"""Rate of large square matrix products in PyTorch: gemm.py THREADS SECONDS; prints one JSON object, GFLOP per second."""

import json
import sys
import time

import torch

SIZES = (1024, 2048, 3072, 4096)


def rate(size, dtype, seconds):
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    out = torch.empty(size, size, dtype=dtype)
    times = []
    for _ in range(2):
        torch.mm(a, b, out=out)
    begin = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        torch.mm(a, b, out=out)
        times.append(time.perf_counter() - start)
    return 2 * size**3 / sorted(times)[len(times) // 2] / 1e9


def main():
    torch.set_num_threads(int(sys.argv[1]))
    seconds = float(sys.argv[2])
    precisions = {"fp32": torch.float32, "bf16": torch.bfloat16}
    print(json.dumps({name: {size: rate(size, dtype, seconds) for size in SIZES} for name, dtype in precisions.items()}))


main()
