"""What the peers of the benchmarks of steps share, whatever their framework: command line, timed loop, report.

Usage: peer.py --mode NAME --threads N --steps N --inputs FOLDER
FOLDER holds config.json, params.safetensors and batch.safetensors. Prints one JSON object; progress goes to stderr.
"""

import argparse
import json
import pathlib
import resource
import sys
import time


def command_line():
    """A parser, to which a peer can add options of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--inputs", type=pathlib.Path, required=True)
    return parser


def report(mode, steps, step, versions, **more):
    """Runs the steps, each when a line comes (takeTurns.ts), and prints their times and all that they return."""
    seconds, outputs = [], {}
    for i in range(steps):
        print('"ready"', flush=True)
        sys.stdin.readline()
        start = time.perf_counter()
        result = step()
        seconds.append(time.perf_counter() - start)
        for name, value in result.items():
            # What takes time of its own is called, after the clock has stopped.
            value = value() if callable(value) else value
            outputs.setdefault(name, []).extend(value if isinstance(value, list) else [value])
        print(f"{mode}: step {i} {seconds[-1]:.3f} s", file=sys.stderr)
    versions = {"Python": sys.version.split()[0], **versions}
    print(json.dumps({"versions": versions, "seconds": seconds, "outputs": outputs, "peakBytes": peak_bytes(), **more}))


def peak_bytes():
    """Most memory that this process has held at once; see peakBytes.ts."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
