"""Logits of a BEiT classifier or segmenter with the parameters and images of a folder, by transformers or timm.

Usage: peer.py [transformers|timm] FOLDER
FOLDER holds config.json of transformers, model.safetensors and images.safetensors. Prints one JSON object.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file


def of_transformers(folder):
    import transformers

    config = json.loads((folder / "config.json").read_text())
    model, loading = getattr(transformers, config["architectures"][0]).from_pretrained(
        folder, attn_implementation="eager", output_loading_info=True
    )
    # Batch norm counts batches, and nothing depends on it.
    loading["missing_keys"] = {key for key in loading["missing_keys"] if not key.endswith(".num_batches_tracked")}
    if any(loading.values()):
        raise SystemExit(f"transformers does not take the folder as it is: {loading}")
    return model, {"transformers": transformers.__version__}


def of_timm(folder):
    import timm

    config = json.loads((folder / "config.json").read_text())
    model = timm.create_model("beit_base_patch16_224", num_classes=len(config["id2label"]))
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = config["layer_norm_eps"]
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    return model, {"timm": timm.__version__}


def main():
    peer, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    model, version = {"transformers": of_transformers, "timm": of_timm}[peer](folder)
    images = load_file(folder / "images.safetensors")["images"].permute(0, 3, 1, 2).contiguous()
    with torch.inference_mode():
        logits = model.eval()(images)
    logits = logits if isinstance(logits, torch.Tensor) else logits.logits
    if logits.ndim == 4:
        # In transformers a segmenter's are not brought to the size of its images, and are channels first.
        size = images.shape[-2:]
        logits = torch.nn.functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)
        logits = logits.permute(0, 2, 3, 1)
    versions = {"Python": sys.version.split()[0], "PyTorch": torch.__version__, **version}
    print(json.dumps({"versions": versions, "logits": logits.flatten().tolist()}))


main()
