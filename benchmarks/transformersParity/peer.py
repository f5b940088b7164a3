"""Logits of a BEiT classifier with the parameters and images of a folder, by transformers or timm.

Usage: peer.py [transformers|timm] FOLDER
FOLDER holds config.json, params.safetensors and images.safetensors. Prints one JSON object.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file


def of_transformers(config):
    from transformers import BeitConfig, BeitForImageClassification, __version__

    # A 0 of JSON is an integer, which transformers refuses where it wants a fraction.
    fractions = ("layer_scale_init_value", "layer_norm_eps")
    options = {name: float(value) if name in fractions else value for name, value in config.items()}
    options["num_labels"] = options.pop("num_classes")
    beit = BeitConfig(**options)
    beit._attn_implementation = "eager"
    return BeitForImageClassification(beit), {"transformers": __version__}


def of_timm(config):
    import timm

    model = timm.create_model("beit_base_patch16_224", num_classes=config["num_classes"])
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = config["layer_norm_eps"]
    return model, {"timm": timm.__version__}


def main():
    peer, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    create = {"transformers": of_transformers, "timm": of_timm}[peer]
    model, version = create(json.loads((folder / "config.json").read_text()))
    model.load_state_dict(load_file(folder / "params.safetensors"), strict=True)
    images = load_file(folder / "images.safetensors")["images"].permute(0, 3, 1, 2).contiguous()
    with torch.inference_mode():
        logits = model.eval()(images)
    logits = logits if isinstance(logits, torch.Tensor) else logits.logits
    versions = {"Python": sys.version.split()[0], "PyTorch": torch.__version__, **version}
    print(json.dumps({"versions": versions, "logits": logits.flatten().tolist()}))


main()
