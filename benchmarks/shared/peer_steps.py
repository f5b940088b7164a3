"""What the PyTorch scripts of the benchmarks share: their command line, the timed loop, and the report.

Usage: peer.py --mode torch-[eager|compile]-[fp32|bf16][-channels-last] --threads N --steps N --inputs FOLDER
FOLDER holds config.json, params.safetensors and batch.safetensors. Prints one JSON object; progress goes to stderr.
"""

import argparse
import json
import pathlib
import re
import resource
import sys
import time

import torch
from safetensors.torch import load_file


class Task:
    """The command line, and what is in the folder that it names."""

    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--mode", required=True)
        parser.add_argument("--threads", type=int, required=True)
        parser.add_argument("--steps", type=int, required=True)
        parser.add_argument("--inputs", type=pathlib.Path, required=True)
        args = parser.parse_args()
        self.mode, self.steps, self.folder = args.mode, args.steps, args.inputs
        self.compiled, self.bf16 = "-compile-" in args.mode, "-bf16" in args.mode
        channels_last = args.mode.endswith("-channels-last")
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.config = json.loads((args.inputs / "config.json").read_text())
        self.batch = load_file(args.inputs / "batch.safetensors")
        torch.set_num_threads(args.threads)

    def params(self):
        return load_file(self.folder / "params.safetensors")

    def load_into(self, model, missing=None):
        """All parameters; `missing` is a pattern of what the file does not have."""
        params = self.params()
        own = {name: value for name, value in model.state_dict().items() if missing and re.search(missing, name)}
        model.load_state_dict({**own, **params}, strict=True)

    def autocast(self):
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16)

    def training_step(self, model, inputs, groups, clip_norm, learning_rate, betas, epsilon):
        """Forward, backward, clipping, update. Fused AdamW; gradients are dropped, not zeroed."""
        optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=epsilon, fused=True)
        forward = torch.compile(model, fullgraph=True) if self.compiled else model
        parameters = list(model.parameters())

        def step():
            optimizer.zero_grad(set_to_none=True)
            with self.autocast():
                outputs = forward(*inputs)
            outputs["loss"].backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
            optimizer.step()
            return {"gradNorm": norm.item(), **{name: value.item() for name, value in outputs.items()}}

        return step

    def report(self, step, versions):
        """Runs the steps, each when a line comes (takeTurns.ts), and prints their times and all that they return."""
        seconds, outputs = [], {}
        for i in range(self.steps):
            print('"ready"', flush=True)
            sys.stdin.readline()
            start = time.perf_counter()
            result = step()
            seconds.append(time.perf_counter() - start)
            for name, value in result.items():
                # What takes time of its own is called, after the clock has stopped.
                value = value() if callable(value) else value
                outputs.setdefault(name, []).extend(value if isinstance(value, list) else [value])
            print(f"{self.mode}: step {i} {seconds[-1]:.3f} s", file=sys.stderr)
        versions = {"Python": sys.version.split()[0], "PyTorch": torch.__version__, **versions}
        print(json.dumps({"versions": versions, "seconds": seconds, "outputs": outputs, "peakBytes": peak_bytes()}))


def peak_bytes():
    """Most memory that this process has held at once; see peakBytes.ts."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
