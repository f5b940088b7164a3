"""The pre-training step of task.ts in PyTorch: transformers' BEiT, the head on masked patches only, as officially.

Usage: see shared/peer_steps.py. Scaled dot product attention, and no graph breaks when compiled.
"""

import torch
import transformers
from peer_beit import beit_config, parameter_groups
from peer_steps import Task
from torch import nn
from transformers.models.beit.modeling_beit import BeitModel


class GivenDropPath(nn.Module):
    """Drop path whose draws are given, so that all competitors drop the same branches."""

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
        return {"loss": loss, "mimAccuracy": (logits.detach().argmax(-1) == labels).float().mean()}


def main():
    task = Task()
    batch, options = task.batch, task.config["optimizer"]
    model = MaskedImageModeling(beit_config(task.config["model"]), batch["keeps"]).train()
    task.load_into(model)

    positions = batch["positions"].long()
    count, patches = batch["visualTokens"].shape
    mask = torch.zeros(count, patches, dtype=torch.bool).scatter_(1, positions, True)
    rows = (positions + patches * torch.arange(count).unsqueeze(1)).flatten()
    labels = batch["visualTokens"].flatten().long().index_select(0, rows)
    images = batch["images"].permute(0, 3, 1, 2).contiguous()
    groups = parameter_groups(model, options.pop("weight_decay"))
    task.report(
        task.training_step(model, (images, mask, rows, labels), groups, **options),
        {"transformers": transformers.__version__},
    )


main()
