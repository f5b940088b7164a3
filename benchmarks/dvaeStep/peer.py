"""A training step of DALL-E's dVAE, or tokenizing with its encoder, in PyTorch.

Usage: see shared/peer_steps.py. Architecture after openai/DALL-E, dall_e/encoder.py and decoder.py; loss after the
paper (arXiv 2102.12092, section 2.1, appendices A.2 and A.3), with given noise. When tokenizing is compiled, weights
are frozen, so that they can be packed once.
"""

import math

import torch
from peer_steps import Task
from torch import nn
from torch.nn import functional


class Conv(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.w = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.b = nn.Parameter(torch.empty(outputs))
        self.padding = (kernel - 1) // 2

    def forward(self, x):
        return functional.conv2d(x, self.w, self.b, padding=self.padding)


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernels, post_gain):
        super().__init__()
        self.post_gain = post_gain
        self.id_path = Conv(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        quarter = outputs // 4
        widths = [inputs, quarter, quarter, quarter, outputs]
        self.res_path = nn.Sequential()
        for i, kernel in enumerate(kernels):
            self.res_path.add_module(f"relu_{i + 1}", nn.ReLU())
            self.res_path.add_module(f"conv_{i + 1}", Conv(widths[i], widths[i + 1], kernel))

    def forward(self, x):
        return self.id_path(x) + self.post_gain * self.res_path(x)


class Coder(nn.Module):
    """Encoder or decoder: an input layer, groups of blocks with a change of resolution between them, an output layer."""

    def __init__(self, first, widths, kernels, between, last, blocks_per_group):
        super().__init__()
        post_gain = 1 / (len(widths) * blocks_per_group) ** 2
        self.blocks = nn.Sequential()
        self.blocks.add_module("input", first)
        inputs = first.w.shape[0]
        for g, outputs in enumerate(widths):
            group = nn.Sequential()
            for b in range(blocks_per_group):
                group.add_module(f"block_{b + 1}", Block(inputs, outputs, kernels, post_gain))
                inputs = outputs
            if g < len(widths) - 1:
                group.add_module("between", between)
            self.blocks.add_module(f"group_{g + 1}", group)
        output = nn.Sequential()
        output.add_module("relu", nn.ReLU())
        output.add_module("conv", Conv(inputs, last, 1))
        self.blocks.add_module("output", output)

    def forward(self, x):
        return self.blocks(x)


def encoder(vocab_size, n_hid, n_init, group_count, n_blk_per_group):
    widths = [n_hid * 2**g for g in range(group_count)]
    return Coder(Conv(3, n_hid, 7), widths, [3, 3, 3, 1], nn.MaxPool2d(2), vocab_size, n_blk_per_group)


def decoder(vocab_size, n_hid, n_init, group_count, n_blk_per_group):
    widths = [n_hid * 2**g for g in reversed(range(group_count))]
    up = nn.Upsample(scale_factor=2, mode="nearest")
    return Coder(Conv(vocab_size, n_init, 1), widths, [1, 3, 3, 3], up, 6, n_blk_per_group)


def map_pixels(images):
    return 0.8 * images + 0.1


class Dvae(nn.Module):
    def __init__(self, config, temperature, kl_weight):
        super().__init__()
        self.encoder, self.decoder = encoder(**config), decoder(**config)
        self.temperature, self.kl_weight = temperature, kl_weight
        self.subpixels_per_token = 3 * 4 ** (config["group_count"] - 1)

    def forward(self, images, uniform):
        x = map_pixels(images)
        logits = self.encoder(x).float()
        gumbel = -torch.log(-torch.log(uniform))
        mu, log_b = self.decoder(functional.softmax((logits + gumbel) / self.temperature, dim=1)).float().chunk(2, dim=1)
        # The logit-Laplace distribution, constants included.
        log_x, log_rest = torch.log(x), torch.log(1 - x)
        nll = ((log_x - log_rest - mu).abs() * torch.exp(-log_b) + log_b + log_x + log_rest + math.log(2)).mean()
        log_q = functional.log_softmax(logits, dim=1)
        kl = (log_q.exp() * (log_q + math.log(logits.shape[1]))).sum(1).mean()
        return {"loss": nll + self.kl_weight * kl / self.subpixels_per_token, "nll": nll, "kl": kl}


class Tokenizer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder = encoder(**config)

    def forward(self, images):
        return self.encoder(map_pixels(images)).argmax(1)


def training_step(task):
    config, options = task.config, task.config["optimizer"]
    model = Dvae(config["model"], config["temperature"], config["kl_weight"])
    task.load_into(model)
    model.to(memory_format=task.memory_format)
    inputs = [task.batch[name].permute(0, 3, 1, 2).contiguous(memory_format=task.memory_format) for name in ("images", "uniform")]
    weight_decay = options.pop("weight_decay")
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return task.training_step(model, inputs, groups, **options)


def tokenizing(task):
    model = Tokenizer(task.config["model"]).eval()
    task.load_into(model)
    model.to(memory_format=task.memory_format)
    images = task.batch["images"].permute(0, 3, 1, 2).contiguous(memory_format=task.memory_format)
    if task.compiled:
        torch._inductor.config.freezing = True
        model = torch.compile(model, fullgraph=True)

    def step():
        with torch.no_grad(), task.autocast():
            return {"tokens": model(images).flatten().tolist()}

    return step


def main():
    task = Task()
    task.report(training_step(task) if task.config["work"] == "train" else tokenizing(task), {})


main()
