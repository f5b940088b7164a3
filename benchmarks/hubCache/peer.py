"""Brings files of a repository with huggingface_hub: python peer.py OWNER/NAME FILE..., configured by the environment."""

import json
import os
import sys

import huggingface_hub

repository, *files = sys.argv[1:]
paths = [huggingface_hub.hf_hub_download(repository, file) for file in files]
folder = os.path.commonpath([os.path.dirname(path) for path in paths])
print(json.dumps({"version": huggingface_hub.__version__, "folder": folder}))
