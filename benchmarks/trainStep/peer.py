"""The pre-training step of main.ts in PyTorch: transformers' BEiT, the head on masked patches only, as officially.

Usage: peer.py --mode eager-fp32|eager-bf16|compile-fp32|compile-bf16 --threads N --steps N --inputs FOLDER
FOLDER holds config.json, params.safetensors (names of transformers 5) and batch.safetensors. Prints one JSON object;
progress goes to stderr. What favours PyTorch and keeps the result is switched on: scaled dot product attention,
the fused AdamW, gradients that are dropped rather than zeroed, no graph breaks.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
import transformers
from safetensors.torch import load_file
from torch import nn
from transformers.models.beit.modeling_beit import BeitConfig, BeitModel


class GivenDropPath(nn.Module):
    """Drop path whose draws are given, so that both sides of the benchmark drop the same branches."""

    def __init__(self, rate, keeps):
        super().__init__()
        self.rate = rate
        self.register_buffer("keeps", keeps, persistent=False)  # [2, batch]
        self.branch = 0

    def forward(self, x):
        keep = self.keeps[self.branch].view(-1, 1, 1)
        self.branch = 1 - self.branch
        return x if self.rate == 0 else x * (keep / (1 - self.rate)).to(x.dtype)


class MaskedImageModeling(nn.Module):
    """BeitForMaskedImageModeling, but for the head, which the official code runs on masked patches only."""

    def __init__(self, config, keeps):
        super().__init__()
        self.beit = BeitModel(config, add_pooling_layer=False)
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        depth = config.num_hidden_layers
        for i, layer in enumerate(self.beit.layers):
            layer.drop_path = GivenDropPath(config.drop_path_rate * i / max(depth - 1, 1), keeps[i])

    def forward(self, images, mask, rows, labels):
        features = self.beit(images, bool_masked_pos=mask).last_hidden_state
        features = self.layernorm(features)[:, 1:]
        logits = self.lm_head(features.flatten(0, 1).index_select(0, rows))
        loss = nn.functional.cross_entropy(logits, labels)
        return loss, (logits.detach().argmax(-1) == labels).float().mean()


def parameter_groups(model, weight_decay):
    """Those of the official optim_factory.py: 1-D tensors, biases, positions and the cls token do not decay."""
    decay, keep = [], []
    for name, parameter in model.named_parameters():
        plain = parameter.ndim == 1 or name.endswith((".bias", "position_embeddings", "cls_token"))
        (keep if plain else decay).append(parameter)
    return [{"params": decay, "weight_decay": weight_decay}, {"params": keep, "weight_decay": 0.0}]


def status_bytes(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--inputs", type=pathlib.Path, required=True)
    args = parser.parse_args()
    compiled, bf16 = args.mode.startswith("compile"), args.mode.endswith("bf16")
    torch.set_num_threads(args.threads)
    imported = status_bytes("VmRSS")

    settings = json.loads((args.inputs / "config.json").read_text())
    batch = load_file(args.inputs / "batch.safetensors")
    # A 0 of JSON is an integer, which transformers refuses where it wants a fraction.
    fractions = {"layer_scale_init_value", "drop_path_rate", "layer_norm_eps"}
    config = BeitConfig(**{k: float(v) if k in fractions else v for k, v in settings["transformers"].items()})
    config._attn_implementation = "sdpa"
    model = MaskedImageModeling(config, batch["keeps"])
    missing, unexpected = model.load_state_dict(load_file(args.inputs / "params.safetensors"), strict=False)
    if missing or unexpected:
        raise SystemExit(f"Parameters differ: missing {missing}, unexpected {unexpected}")
    model.train()
    images = batch["images"].permute(0, 3, 1, 2).contiguous()
    patches = batch["visualTokens"].shape[1]
    positions = batch["positions"].long()
    mask = torch.zeros_like(batch["visualTokens"], dtype=torch.bool).scatter_(1, positions, True)
    rows = (positions + patches * torch.arange(len(images)).unsqueeze(1)).flatten()
    labels = batch["visualTokens"].flatten().long().index_select(0, rows)

    o = settings["optimizer"]
    optimizer = torch.optim.AdamW(
        parameter_groups(model, o["weightDecay"]), lr=o["learningRate"], betas=o["betas"], eps=o["epsilon"], fused=True
    )
    forward = torch.compile(model, fullgraph=True) if compiled else model
    parameters = list(model.parameters())

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss, accuracy = forward(images, mask, rows, labels)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, o["clipNorm"])
        optimizer.step()
        return loss.item(), accuracy.item(), norm.item()

    seconds, losses, norms = [], [], []
    for i in range(args.steps):
        start = time.perf_counter()
        loss, _, norm = step()
        seconds.append(time.perf_counter() - start)
        losses.append(loss)
        norms.append(norm)
        print(f"PyTorch {args.mode}: step {i} {seconds[-1]:.3f} s, loss {loss:.5f}, norm {norm:.4f}", file=sys.stderr)
    report = {
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__},
        "seconds": seconds,
        "losses": losses,
        "gradNorms": norms,
        "importedBytes": imported,
        "peakBytes": status_bytes("VmHWM"),
    }
    print(json.dumps(report))


main()
