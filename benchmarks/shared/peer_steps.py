"""What the PyTorch scripts of the benchmarks share: the task, and a training step.

Usage: see peer_turns.py; modes are torch-[eager|compile]-[fp32|bf16][-channels-last].
"""

import json
import re

import torch
from peer_turns import command_line, report
from safetensors.torch import load_file


class Task:
    """The command line, and what is in the folder that it names."""

    def __init__(self):
        args = command_line().parse_args()
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
        report(self.mode, self.steps, step, {"PyTorch": torch.__version__, **versions})
