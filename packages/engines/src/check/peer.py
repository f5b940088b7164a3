"""The pre-training step of the check in PyTorch or JAX, with random weights: for its time alone.

Usage: peer.py JSON, with framework, device, model, vocabSize, numMasked and runs; see peers.ts. Prints JSON line by line.
"""

import json
import math
import statistics
import sys
import time

import numpy as np

LEARNING_RATE, BETAS, EPSILON, WEIGHT_DECAY, CLIP_NORM = 1e-4, (0.9, 0.999), 1e-8, 0.05, 3.0


def tell(**line):
    print(json.dumps(line), flush=True)


def time_steps(step):
    """As timeSteps.ts: what the first one takes longer than the others, and the median of as many as are worth it."""
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    step()
    times, loss, begin = [], math.nan, time.perf_counter()
    while len(times) < 3 or (len(times) < 20 and time.perf_counter() - begin < 4):
        start = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times)
    return {"compileSeconds": max(0.0, first - seconds), "seconds": seconds, "steps": len(times), "loss": loss}


class Sizes:
    def __init__(self, given):
        model = given["model"]
        self.image, self.patch, self.dim = model["imageSize"], model["patchSize"], model["embedDim"]
        self.depth, self.heads, self.mlp = model["depth"], model["numHeads"], int(model["mlpRatio"] * model["embedDim"])
        self.patches = (self.image // self.patch) ** 2
        self.masked, self.vocab = given["numMasked"], given["vocabSize"]
        self.drop_rates = [model["dropPathRate"] * i / max(self.depth - 1, 1) for i in range(self.depth)]

    def batch(self, size):
        """Images, which patches are masked, their rows among all patches of the batch, their tokens, what is kept."""
        random = np.random.default_rng(0)
        images = random.standard_normal((size, self.image, self.image, 3), dtype=np.float32)
        positions = np.stack([random.permutation(self.patches)[: self.masked] for _ in range(size)])
        mask = np.zeros((size, self.patches, 1), np.float32)
        np.put_along_axis(mask[..., 0], positions, 1, axis=1)
        rows = (positions + self.patches * np.arange(size)[:, None]).reshape(-1)
        tokens = random.integers(0, self.vocab, size * self.masked)
        rates = np.array(self.drop_rates, np.float32)[:, None, None]
        keeps = (random.random((self.depth, 2, size)) >= rates) / (1 - rates)
        return images, mask, rows, tokens, keeps.astype(np.float32)


def run_torch(given, sizes):
    import torch
    from torch import nn
    from torch.nn import functional

    device = {"cuda": "cuda", "rocm": "cuda", "oneapi": "xpu", "cpu": "cpu"}.get(given["device"])
    there = device == "cpu" or (device == "cuda" and torch.cuda.is_available())
    if not there and not (device == "xpu" and torch.xpu.is_available()):
        return tell(absent=f"PyTorch {torch.__version__} has no device {given['device']} here")
    tell(versions={"PyTorch": torch.__version__})
    accelerator = {"cuda": torch.cuda, "xpu": getattr(torch, "xpu", None)}.get(device)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            dim = sizes.dim
            self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
            self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
            self.up, self.down = nn.Linear(dim, sizes.mlp), nn.Linear(sizes.mlp, dim)

        def forward(self, x, keeps):
            size, tokens, dim = x.shape
            qkv = self.qkv(self.norm1(x)).view(size, tokens, 3, sizes.heads, dim // sizes.heads)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            attended = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(size, tokens, dim)
            x = x + keeps[0].view(-1, 1, 1) * self.proj(attended)
            return x + keeps[1].view(-1, 1, 1) * self.down(functional.gelu(self.up(self.norm2(x))))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Conv2d(3, sizes.dim, sizes.patch, sizes.patch)
            self.cls, self.mask = (nn.Parameter(0.02 * torch.randn(1, 1, sizes.dim)) for _ in range(2))
            self.positions = nn.Parameter(0.02 * torch.randn(1, sizes.patches + 1, sizes.dim))
            self.blocks = nn.ModuleList(Block() for _ in range(sizes.depth))
            self.norm, self.head = nn.LayerNorm(sizes.dim), nn.Linear(sizes.dim, sizes.vocab)
            for parameter in self.parameters():
                if parameter.ndim == 2:
                    nn.init.trunc_normal_(parameter, std=0.02)

        def forward(self, images, mask, rows, tokens, keeps):
            x = self.embed(images.permute(0, 3, 1, 2)).flatten(2).transpose(1, 2)
            x = x * (1 - mask) + self.mask * mask
            x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.positions
            for i, block in enumerate(self.blocks):
                x = block(x, keeps[i])
            features = self.norm(x)[:, 1:].flatten(0, 1).index_select(0, rows)
            return functional.cross_entropy(self.head(features).float(), tokens)

    def measured(precision, size, compiled):
        torch.manual_seed(0)
        torch._dynamo.reset()
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        model = Model().to(device).train()
        plain = [p for p in model.parameters() if p.ndim == 1]
        decays = [p for p in model.parameters() if p.ndim > 1]
        groups = [{"params": decays, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, fused=True)
        forward = torch.compile(model, dynamic=False) if compiled else model
        batch = [torch.from_numpy(array) for array in sizes.batch(size)]
        batch = [tensor.pin_memory() for tensor in batch] if device == "cuda" else batch
        copying = torch.cuda.Stream() if device == "cuda" else None
        held = {}

        def send():
            """The next step's inputs travel while this one runs, as ours do."""
            with torch.cuda.stream(copying):
                held["next"] = [tensor.to(device, non_blocking=True) for tensor in batch]

        def receive():
            if copying:
                torch.cuda.current_stream().wait_stream(copying)
                for tensor in held["next"]:
                    tensor.record_stream(torch.cuda.current_stream())
            return held["next"]

        send()
        if accelerator:
            accelerator.reset_peak_memory_stats()

        def step():
            inputs = receive()
            send()
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16"):
                loss = forward(*inputs)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
            optimizer.step()
            return loss.item()

        result = time_steps(step)
        if accelerator:
            result["memoryBytes"] = accelerator.max_memory_allocated()
        name = "PyTorch" if compiled else "PyTorch, eager"
        tell(of=name, precision=precision, batchSize=size, **result)

    def compiled_or_eager(precision, size):
        try:
            measured(precision, size, True)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            # torch.compile wants a C compiler.
            print(f"torch.compile: {error}"[:300], file=sys.stderr)
            measured(precision, size, False)

    def free():
        if accelerator:
            accelerator.empty_cache()

    run_all(given["runs"], compiled_or_eager, free)


def run_jax(given, sizes):
    import jax
    from jax import numpy as jnp

    platforms = {"cuda": "cuda", "rocm": "rocm", "oneapi": "oneapi", "tpu": "tpu", "cpu": "cpu"}
    try:
        device = jax.devices(platforms[given["device"]])[0]
    except RuntimeError as error:
        return tell(absent=f"JAX {jax.__version__} has no device {given['device']} here: {str(error)[:200]}")
    tell(versions={"JAX": jax.__version__})
    jax.config.update("jax_default_device", device)

    def init():
        random = np.random.default_rng(0)
        dim, mlp = sizes.dim, sizes.mlp
        weight = lambda *shape: jnp.asarray(0.02 * random.standard_normal(shape, dtype=np.float32))
        linear = lambda rows, columns: {"w": weight(rows, columns), "b": jnp.zeros(columns)}
        norm = lambda: {"g": jnp.ones(dim), "b": jnp.zeros(dim)}
        block = lambda: {
            "norm1": norm(), "qkv": linear(dim, 3 * dim), "proj": linear(dim, dim),
            "norm2": norm(), "up": linear(dim, mlp), "down": linear(mlp, dim),
        }  # fmt: skip
        return {
            "embed": linear(3 * sizes.patch**2, dim),
            "cls": weight(1, 1, dim), "mask": weight(1, 1, dim), "positions": weight(1, sizes.patches + 1, dim),
            "blocks": [block() for _ in range(sizes.depth)],
            "norm": norm(), "head": linear(dim, sizes.vocab),
        }  # fmt: skip

    def measured(precision, size):
        low = jnp.bfloat16 if precision == "bf16" else jnp.float32

        def linear(p, x):
            return x.astype(low) @ p["w"].astype(low) + p["b"].astype(low)

        def norm(p, x):
            x = x.astype(jnp.float32)
            centered = x - x.mean(-1, keepdims=True)
            return centered * jax.lax.rsqrt((centered**2).mean(-1, keepdims=True) + 1e-6) * p["g"] + p["b"]

        def block(p, x, keeps):
            count, tokens, dim = x.shape
            heads = linear(p["qkv"], norm(p["norm1"], x)).reshape(count, tokens, 3, sizes.heads, dim // sizes.heads)
            attended = jax.nn.dot_product_attention(heads[:, :, 0], heads[:, :, 1], heads[:, :, 2])
            x = x + keeps[0][:, None, None] * linear(p["proj"], attended.reshape(count, tokens, dim))
            hidden = jax.nn.gelu(linear(p["up"], norm(p["norm2"], x)), approximate=False)
            return x + keeps[1][:, None, None] * linear(p["down"], hidden)

        def loss_of(params, images, mask, rows, tokens, keeps):
            count, side = len(images), sizes.image // sizes.patch
            x = images.reshape(count, side, sizes.patch, side, sizes.patch, 3).transpose(0, 1, 3, 2, 4, 5)
            x = linear(params["embed"], x.reshape(count, sizes.patches, -1)).astype(jnp.float32)
            x = x * (1 - mask) + params["mask"] * mask
            x = jnp.concatenate([jnp.broadcast_to(params["cls"], (count, 1, sizes.dim)), x], 1) + params["positions"]
            for i, p in enumerate(params["blocks"]):
                x = block(p, x, keeps[i])
            features = norm(params["norm"], x)[:, 1:].reshape(-1, sizes.dim)[rows]
            logits = linear(params["head"], features).astype(jnp.float32)
            return (jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, tokens[:, None], 1)[:, 0]).mean()

        def update(state, t, *batch):
            params, m, v = state
            loss, grads = jax.value_and_grad(loss_of)(params, *batch)
            norm = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(grads)))
            scale = jnp.minimum(1, CLIP_NORM / (norm + 1e-6))
            m = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * scale * g, m, grads)
            v = jax.tree.map(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * (scale * g) ** 2, v, grads)

            def moved(p, m, v):
                change = m / (1 - BETAS[0] ** t) / (jnp.sqrt(v / (1 - BETAS[1] ** t)) + EPSILON)
                return p - LEARNING_RATE * (change + (WEIGHT_DECAY * p if p.ndim > 1 else 0))

            return (jax.tree.map(moved, params, m, v), m, v), loss

        with jax.default_matmul_precision("tensorfloat32" if precision == "tf32" else "highest" if precision == "fp32" else "default"):
            params = init()
            zeros = lambda: jax.tree.map(jnp.zeros_like, params)
            held = {"state": (params, zeros(), zeros()), "t": 0}
            run = jax.jit(update, donate_argnums=0)
            batch = sizes.batch(size)
            held["batch"] = jax.device_put(batch, device)

            def step():
                held["t"] += 1
                held["state"], loss = run(held["state"], float(held["t"]), *held["batch"])
                # The next step's inputs travel while this one runs, as ours do.
                held["batch"] = jax.device_put(batch, device)
                return float(loss)

            result = time_steps(step)
        stats = device.memory_stats() or {}
        if "peak_bytes_in_use" in stats:
            result["memoryBytes"] = stats["peak_bytes_in_use"]
        tell(of="JAX", precision=precision, batchSize=size, **result)

    run_all(given["runs"], measured, jax.clear_caches)


def is_out_of_memory(error):
    return any(words in str(error) for words in ("out of memory", "RESOURCE_EXHAUSTED"))


def run_all(runs, measured, free):
    """Where a batch does not fit, half of it."""
    for run in runs:
        size = run["batchSize"]
        while size >= 1:
            try:
                measured(run["precision"], size)
                break
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            free()
            size //= 2


def main():
    given = json.loads(sys.argv[1])
    run = {"PyTorch": run_torch, "JAX": run_jax}[given["framework"]]
    try:
        run(given, Sizes(given))
    except ImportError as error:
        tell(absent=str(error))


main()
