"""The training step of task.ts in PyTorch.

Usage: see shared/peer_steps.py.
"""

import torch
from peer_steps import Task
from torch import nn


class Mnist(nn.Module):
    """The network of tfjs-examples' mnist."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 5), nn.Conv2d(8, 16, 5)
        self.classes = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        return self.classes(x.flatten(1))


class MobileNet(nn.Module):
    """Blocks of a depthwise and a pointwise convolution, each with batch normalization and relu6."""

    def __init__(self, blocks):
        super().__init__()
        pad = nn.ZeroPad2d((0, 1, 0, 1))
        self.stem = nn.Sequential(pad, self.add("conv", nn.Conv2d(3, 8, 3, 2, bias=False)))
        layers, channels = [], 8
        for i, (filters, stride) in enumerate(blocks):
            padding = 1 if stride == 1 else 0
            depthwise = nn.Conv2d(channels, channels, 3, stride, padding, groups=channels, bias=False)
            layers += [] if stride == 1 else [pad]
            layers += [
                self.add(f"depthwise{i}", depthwise),
                self.add(f"pointwise{i}", nn.Conv2d(channels, filters, 1, bias=False)),
            ]
            channels = filters
        self.blocks = nn.Sequential(*layers)
        self.classes = nn.Linear(channels, 10)

    def add(self, name, conv):
        setattr(self, name, conv)
        setattr(self, f"{name}_bn", nn.BatchNorm2d(conv.out_channels, eps=1e-3, momentum=0.01))
        return nn.Sequential(conv, getattr(self, f"{name}_bn"), nn.ReLU6())

    def forward(self, x):
        return self.classes(self.blocks(self.stem(x)).mean((2, 3)))


NAMES = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "gamma": "weight",
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def to_torch(name, value, model):
    """A parameter of tf.layers under its name in PyTorch and in its layout."""
    layer, kind = name.rsplit("/", 1)
    if kind == "depthwise_kernel":
        value = value.permute(2, 3, 0, 1)
    elif value.dim() == 4:
        value = value.permute(3, 2, 0, 1)
    elif value.dim() == 2:
        if isinstance(model, Mnist):  # Channels come last before they are flattened there, and first here.
            value = value.view(4, 4, 16, -1).permute(2, 0, 1, 3).flatten(0, 2)
        value = value.t()
    return f"{layer}.{NAMES[kind]}", value.contiguous()


def main():
    task = Task()
    config = task.config
    model = (Mnist() if config["model"] == "mnist" else MobileNet(config["blocks"])).train()
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    params = dict(to_torch(name, value, model) for name, value in task.params().items())
    with torch.no_grad():
        for name, value in params.items():
            own[name].copy_(value)
    missing = {name for name, _ in model.named_parameters(remove_duplicate=True)} - set(params)
    assert not missing, missing
    model = model.to(memory_format=task.memory_format)

    images = [x.permute(0, 3, 1, 2).contiguous(memory_format=task.memory_format) for x in task.batch["images"]]
    labels = list(task.batch["labels"].long())
    optimizer = torch.optim.Adam(
        model.parameters(), lr=config["learning_rate"], betas=config["betas"], eps=config["epsilon"], fused=True
    )

    def loss_of(x, y):
        return nn.functional.cross_entropy(model(x), y)

    forward = torch.compile(loss_of, fullgraph=True) if task.compiled else loss_of
    count = 0

    def step():
        nonlocal count
        x, y = images[count % len(images)], labels[count % len(labels)]
        count += 1
        optimizer.zero_grad(set_to_none=True)
        with task.autocast():
            loss = forward(x, y)
        loss.backward()
        optimizer.step()
        return {"loss": loss.item()}

    task.report(step, {})


main()
