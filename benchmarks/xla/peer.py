"""The pre-training step of trainStep/task.ts in JAX: the same model, as a flat dictionary of parameters; optax's AdamW.

Usage: see shared/peer_turns.py; modes are jax-fp32; jax-bf16, where products come out in bfloat16, as with Flax's
`dtype=bfloat16`; and jax-bf16-to-fp32, where operands are bfloat16 and products float32, for which alone XLA's CPU
backend has kernels of bfloat16. With `--dump-hlo FILE` the compiled program is written there, as XLA has optimized it; with `--lower-for-cuda FILE` it is written there as XLA is given it for a
GPU, and not run.
"""

import functools
import json
import os
import pathlib
import time

from peer_turns import command_line, report

parser = command_line()
parser.add_argument("--dump-hlo", type=pathlib.Path)
parser.add_argument("--lower-for-cuda", type=pathlib.Path)
args = parser.parse_args()
# XLA's CPU client takes the number of its threads from here, when JAX starts it.
os.environ["NPROC"] = str(args.threads)

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_default_matmul_precision", "highest")
# Of the operands of matrix products, and of what comes out; parameters, residual stream, norms, softmax are float32.
OPERANDS = jnp.bfloat16 if "-bf16" in args.mode else jnp.float32
PRODUCTS = jnp.bfloat16 if args.mode.endswith("-bf16") else jnp.float32
MATRICES = (".attn.qkv.weight", ".attn.proj.weight", ".mlp.fc1.weight", ".mlp.fc2.weight", "lm_head.weight")


def load_params(file):
    """Matrices as JAX's libraries have them, inputs first; the patch projection is one, over patches of [row, column, channel]."""

    def stored(name, value):
        if name == "patch_embed.proj.weight":
            return value.transpose(2, 3, 1, 0).reshape(-1, value.shape[0])
        return value.T if name.endswith(MATRICES) else value

    return {name: jnp.array(stored(name, value)) for name, value in load_file(file).items()}


def decays(name, value):
    """Those of the official optim_factory.py: 1-D tensors, biases, positions and the cls token do not."""
    return value.ndim != 1 and not name.endswith(".bias") and name not in ("pos_embed", "cls_token")


@jax.custom_vjp
def product_to_fp32(x, weight):
    """[..., inputs] by [inputs, outputs], whose gradients are products of bfloat16 into float32 as well."""
    return jnp.dot(x.astype(OPERANDS), weight.astype(OPERANDS), preferred_element_type=PRODUCTS)


def product_forward(x, weight):
    x, weight = x.astype(OPERANDS), weight.astype(OPERANDS)
    return product_to_fp32(x, weight), (x, weight)


def product_backward(saved, gradient):
    x, weight = saved
    gradient = gradient.astype(OPERANDS)
    product = functools.partial(jnp.einsum, preferred_element_type=PRODUCTS)
    return product("...o,io->...i", gradient, weight), product("...i,...o->io", x, gradient)


product_to_fp32.defvjp(product_forward, product_backward)


def dense(x, weight, bias):
    if OPERANDS == PRODUCTS:
        return jnp.dot(x.astype(OPERANDS), weight.astype(OPERANDS)) + bias.astype(OPERANDS)
    return product_to_fp32(x, weight) + bias


def create_loss(config):
    heads, epsilon = config["num_heads"], config["layer_norm_eps"]
    patch, depth = config["patch_size"], config["depth"]
    rates = [config["drop_path_rate"] * i / max(depth - 1, 1) for i in range(depth)]

    def layer_norm(params, name, x):
        return jax.nn.standardize(x, epsilon=epsilon) * params[f"{name}.weight"] + params[f"{name}.bias"]

    def split_heads(x):
        return x.reshape(*x.shape[:-1], heads, -1).astype(OPERANDS)

    def attention(params, name, x, queries, bias):
        weight = params[f"{name}.qkv.weight"]
        q_bias, v_bias = params[f"{name}.q_bias"], params[f"{name}.v_bias"]
        width = x.shape[-1]
        if queries is x:
            qkv = dense(x, weight, jnp.concatenate([q_bias, jnp.zeros_like(q_bias), v_bias]))
            q, k, v = jnp.split(qkv, 3, axis=-1)
        else:
            q = dense(queries, weight[:, :width], q_bias)
            k, v = jnp.split(dense(x, weight[:, width:], jnp.concatenate([jnp.zeros_like(q_bias), v_bias])), 2, axis=-1)
        mixed = jax.nn.dot_product_attention(*map(split_heads, (q, k, v)), bias=bias)
        return dense(mixed.reshape(*queries.shape), params[f"{name}.proj.weight"], params[f"{name}.proj.bias"])

    def mlp(params, name, x):
        wide = dense(x, params[f"{name}.fc1.weight"], params[f"{name}.fc1.bias"])
        wide = jax.nn.gelu(wide, approximate=False)
        return dense(wide, params[f"{name}.fc2.weight"], params[f"{name}.fc2.bias"])

    def block(params, i, x, keeps, shared_bias, wanted=None):
        """Of all tokens, or of those `wanted`, [batch, count], alone."""
        name = f"blocks.{i}"

        def residual(x, branch, gamma, keep):
            branch = branch.astype(jnp.float32) * params.get(f"{name}.{gamma}", 1)
            return x + (branch if rates[i] == 0 else branch * (keep / (1 - rates[i]))[:, None, None])

        tokens, bias = layer_norm(params, f"{name}.norm1", x), shared_bias
        queries = tokens
        if wanted is not None:
            x, queries = (jnp.take_along_axis(one, wanted[:, :, None], axis=1) for one in (x, tokens))
            bias = None if bias is None else bias[0][:, wanted].swapaxes(0, 1)
        x = residual(x, attention(params, f"{name}.attn", tokens, queries, bias), "gamma_1", keeps[0])
        return residual(x, mlp(params, f"{name}.mlp", layer_norm(params, f"{name}.norm2", x)), "gamma_2", keeps[1])

    def features(params, images, positions, keeps):
        """Of the masked patches, [batch, count, width]."""
        batch, height, width, channels = images.shape
        grid = images.reshape(batch, height // patch, patch, width // patch, patch, channels)
        patches = grid.swapaxes(2, 3).reshape(batch, -1, patch * patch * channels)
        x = dense(patches, params["patch_embed.proj.weight"], params["patch_embed.proj.bias"]).astype(jnp.float32)
        masked = jnp.zeros(x.shape[:2], bool).at[jnp.arange(batch)[:, None], positions].set(True)
        x = jnp.where(masked[:, :, None], params["mask_token"], x)
        x = jnp.concatenate([jnp.broadcast_to(params["cls_token"], (batch, 1, x.shape[-1])), x], axis=1)
        x = x + params.get("pos_embed", 0)
        table, bias = params.get("rel_pos_bias.relative_position_bias_table"), None
        if table is not None:
            index = jnp.array(config["relative_position_index"]).reshape(x.shape[1], x.shape[1])
            bias = table[index].transpose(2, 0, 1)[None]
        for i in range(depth - 1):
            x = block(params, i, x, keeps[i], bias)
        if config["last_block"] == "masked":
            x = block(params, depth - 1, x, keeps[-1], bias, positions + 1)
        else:
            x = block(params, depth - 1, x, keeps[-1], bias)
            x = jnp.take_along_axis(x, positions[:, :, None] + 1, axis=1)
        return layer_norm(params, "norm", x)

    def loss(params, batch):
        x = features(params, batch["images"], batch["positions"], batch["keeps"])
        logits = dense(x, params["lm_head.weight"], params["lm_head.bias"]).astype(jnp.float32)
        labels = jnp.take_along_axis(batch["visualTokens"], batch["positions"], axis=1)
        right = (logits.argmax(-1) == labels).mean()
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), right

    return loss


def create_step(loss, optimizer):
    def step(params, state, batch):
        (value, accuracy), gradients = jax.value_and_grad(loss, has_aux=True)(params, batch)
        updates, state = optimizer.update(gradients, state, params)
        outputs = {"loss": value, "mimAccuracy": accuracy, "gradNorm": optax.global_norm(gradients)}
        return optax.apply_updates(params, updates), state, outputs

    return jax.jit(step, donate_argnums=(0, 1))


def create_optimizer(params, clip_norm, learning_rate, betas, epsilon, weight_decay):
    mask = {name: decays(name, value) for name, value in params.items()}
    adam = optax.adamw(learning_rate, b1=betas[0], b2=betas[1], eps=epsilon, weight_decay=weight_decay, mask=mask)
    return optax.chain(optax.clip_by_global_norm(clip_norm), adam)


def main():
    config = json.loads((args.inputs / "config.json").read_text())
    batch = jax.device_put(load_file(args.inputs / "batch.safetensors"))
    params = load_params(args.inputs / "params.safetensors")
    optimizer = create_optimizer(params, **config["optimizer"])
    state = optimizer.init(params)

    if args.lower_for_cuda:
        traced = create_step(create_loss(config["model"]), optimizer).trace(params, state, batch)
        args.lower_for_cuda.write_text(traced.lower(lowering_platforms=("cuda",)).as_text())
        print("null")
        return

    start = time.perf_counter()
    compiled = create_step(create_loss(config["model"]), optimizer).lower(params, state, batch).compile()
    compile_seconds = time.perf_counter() - start
    if args.dump_hlo:
        args.dump_hlo.write_text(compiled.as_text())

    def step():
        nonlocal params, state
        params, state, outputs = compiled(params, state, batch)
        return {name: value.item() for name, value in outputs.items()}

    report(args.mode, args.steps, step, {"JAX": jax.__version__, "optax": optax.__version__}, compileSeconds=compile_seconds)


main()
