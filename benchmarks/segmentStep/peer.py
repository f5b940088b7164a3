"""A training step of BEiT with SETR-PUP, or the logits of windows, in PyTorch: transformers' BEiT, mmsegmentation's head.

Usage: see shared/peer_steps.py. The head is that of mmsegmentation's setr_up_head.py, with the classifier behind the
last upsampling; batch normalization is by the batch, as SyncBN is in one process.
"""

import torch
import transformers
from peer_beit import beit_config, parameter_groups
from peer_steps import Task
from torch import nn
from torch.nn import functional
from transformers.models.beit.modeling_beit import BeitModel


class Conv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class SetrUpHead(nn.Module):
    def __init__(self, width, classes, channels=256, convs=4):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.up_convs = nn.ModuleList(
            nn.Sequential(Conv(width if i == 0 else channels, channels), upsample) for i in range(convs)
        )
        self.conv_seg = nn.Conv2d(channels, classes, 1)

    def forward(self, tokens):
        batch, count, width = tokens.shape
        side = int(count**0.5)
        x = self.norm(tokens).transpose(1, 2).reshape(batch, width, side, side).contiguous(memory_format=self.layout)
        for up_conv in self.up_convs:
            x = up_conv(x)
        return self.conv_seg(x)


class Segmenter(nn.Module):
    def __init__(self, options, layout):
        super().__init__()
        classes = len(options["id2label"])
        config = beit_config(options)
        self.beit = BeitModel(config, add_pooling_layer=False)
        self.decode_head = SetrUpHead(config.hidden_size, classes)
        self.decode_head.layout = layout

    def logits(self, images):
        return self.decode_head(self.beit(images).last_hidden_state[:, 1:])

    def forward(self, images, labels):
        logits = self.logits(images)
        loss = functional.cross_entropy(logits, labels, ignore_index=255)
        known = labels != 255
        accuracy = ((logits.detach().argmax(1) == labels) & known).sum() / known.sum()
        return {"loss": loss, "pixelAccuracy": accuracy}


def main():
    task = Task()
    options = task.config["optimizer"]
    model = Segmenter(task.config["model"], task.memory_format)
    task.load_into(model, missing=r"\.num_batches_tracked$")
    images = task.batch["images"].permute(0, 3, 1, 2).contiguous(memory_format=task.memory_format)
    versions = {"transformers": transformers.__version__}
    if task.config["work"] == "train":
        groups = parameter_groups(model, options.pop("weight_decay"))
        inputs = (images, task.batch["labels"].long())
        task.report(task.training_step(model.train(), inputs, groups, **options), versions)
        return
    model.eval()
    logits = torch.compile(model.logits, fullgraph=True) if task.compiled else model.logits

    def step():
        with torch.no_grad(), task.autocast():
            result = logits(images)
        return {"logitsSum": lambda: result.float().abs().double().sum().item()}

    task.report(step, versions)


main()
