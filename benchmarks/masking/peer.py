"""Masks per second of BEiT's blockwise masking in Python.

Usage: peer.py ROWS COLUMNS COUNT MIN_PATCHES SECONDS; prints one JSON object.
"""

import json
import random
import sys
import time

import numpy
from blockwise_masking import BlockwiseMasking

WARM_UP_SECONDS = 0.2


def main():
    generate = BlockwiseMasking(*(int(value) for value in sys.argv[1:5]))
    random.seed(0)

    def generate_for(duration):
        masks, elapsed = 0, 0
        start = time.perf_counter()
        while elapsed < duration:
            for _ in range(100):
                generate()
            masks += 100
            elapsed = time.perf_counter() - start
        return masks / elapsed

    generate_for(WARM_UP_SECONDS)
    report = {
        "masksPerSecond": generate_for(float(sys.argv[5])),
        "versions": {"Python": sys.version.split()[0], "NumPy": numpy.__version__},
    }
    print(json.dumps(report))


main()
