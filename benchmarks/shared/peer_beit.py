"""What the PyTorch scripts that run transformers' BEiT share."""

from transformers.models.beit.modeling_beit import BeitConfig

# A 0 of JSON is an integer, which transformers refuses where it wants a fraction.
FRACTIONS = ("layer_scale_init_value", "drop_path_rate", "layer_norm_eps")


def beit_config(options):
    """With scaled dot product attention."""
    config = BeitConfig(**{name: float(value) if name in FRACTIONS else value for name, value in options.items()})
    config._attn_implementation = "sdpa"
    return config


def parameter_groups(model, weight_decay):
    """Those of the official optim_factory.py: 1-D tensors, biases, positions and the cls token do not decay."""
    decay, keep = [], []
    for name, parameter in model.named_parameters():
        plain = parameter.ndim == 1 or name.endswith((".bias", "position_embeddings", "cls_token"))
        (keep if plain else decay).append(parameter)
    return [{"params": decay, "weight_decay": weight_decay}, {"params": keep, "weight_decay": 0.0}]
