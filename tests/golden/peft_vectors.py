"""Writes peft.json: what Hugging Face PEFT computes, in float64, for a LoRA on one linear layer.

    pip install peft numpy
    python peft_vectors.py

Nothing here re-implements LoRA. Forward, backward, the SGD steps and the merge are PEFT's and torch's own; this script only
chooses inputs that are exact in f32 and transposes lora_B, which PEFT stores [out, rank] and this crate [rank, out].
README.md describes the fields.
"""

import numpy as np
import peft
import torch
from peft import LoraConfig, get_peft_model

import packing

VECTORS = 16
STEPS = 5
# Gradients of single vectors are stored for as many vectors as fit this many floats; the gradient of the whole batch always is.
SINGLE_GRADIENT_FLOATS = 1000
# So many floats of delta W and of the base weight: whole rows, evenly spread, for shapes that have more.
WEIGHT_FLOATS = 400

# in, out, rank, alpha, rsLoRA, vectors per SGD step. Sizes straddle the engine's 32 lanes on both sides.
CASES = [
    (1, 1, 1, 1.0, False, 1),
    (5, 3, 1, 0.5, True, 3),
    (8, 8, 4, 8.0, False, 3),
    (2, 40, 2, 24.0, False, 1),
    (96, 1, 1, 3.0, False, 3),
    (33, 17, 2, 3.0, True, 3),
    (17, 33, 3, 7.0, True, 1),
    (31, 32, 3, 4.0, False, 3),
    (65, 7, 4, 2.0, True, 3),
    (48, 48, 3, 16.0, True, 1),
    (64, 64, 2, 16.0, False, 3),
    (64, 64, 1, 1.0, False, 1),
    (128, 96, 4, 8.0, True, 3),
    (384, 384, 4, 4.0, False, 3),
]


class OneLayer(torch.nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.layer = torch.nn.Linear(in_features, out_features, bias=False, dtype=torch.float64)

    def forward(self, x):
        return self.layer(x)


def adapter(in_features, out_features, rank, alpha, rslora, draw):
    """A PEFT model with random, non-zero, f32-exact weights, and its base layer's weight."""
    base = OneLayer(in_features, out_features)
    weight = packing.representable(draw((out_features, in_features)) / np.sqrt(in_features))
    with torch.no_grad():
        base.layer.weight.copy_(torch.from_numpy(weight))
    config = LoraConfig(r=rank, lora_alpha=alpha, use_rslora=rslora, lora_dropout=0.0, target_modules=["layer"])
    model = get_peft_model(base, config, autocast_adapter_dtype=False)
    layer = model.base_model.model.layer
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    assert a.dtype == b.dtype == torch.float64, (a.dtype, b.dtype)
    with torch.no_grad():
        a.copy_(torch.from_numpy(packing.representable(draw((rank, in_features)) / np.sqrt(in_features))))
        b.copy_(torch.from_numpy(packing.representable(draw((out_features, rank)) * 0.5)))
    return model, layer, a, b, weight


def gradients(model, a, b, x, grad_output):
    """torch's gradients of the batch mean: the loss is linear in y, so dL/dy is exactly what is given."""
    model.zero_grad()
    (model(x) * grad_output).sum(dim=1).mean().backward()
    return a.grad.numpy().copy(), b.grad.numpy().T.copy()


def case(index, in_features, out_features, rank, alpha, rslora, per_step):
    draw = np.random.default_rng(1000 + index).standard_normal
    model, layer, a, b, weight = adapter(in_features, out_features, rank, alpha, rslora, draw)
    x = torch.from_numpy(packing.representable(draw((VECTORS, in_features))))
    grad_output = torch.from_numpy(packing.representable(draw((VECTORS, out_features)) / np.sqrt(out_features)))
    start_a, start_b = a.detach().numpy().copy(), b.detach().numpy().T.copy()

    with torch.no_grad():
        with model.disable_adapter():
            base_output = model(x)
        delta = (model(x) - base_output).numpy()
        delta_weight = layer.get_delta_weight("default").numpy()

    params = rank * (in_features + out_features)
    singles = int(np.clip(SINGLE_GRADIENT_FLOATS // params, 1, VECTORS))
    single = [gradients(model, a, b, x[i : i + 1], grad_output[i : i + 1]) for i in range(singles)]
    mean_a, mean_b = gradients(model, a, b, x, grad_output)

    # A step of a few percent of the weights: large enough to bend the next gradient, small enough not to hide in rounding.
    lr = 2.0 ** np.round(np.log2(0.1 * np.linalg.norm(start_b) / np.linalg.norm(mean_b)))
    optimizer = torch.optim.SGD([a, b], lr=lr)
    after_a, after_b = [], []
    for step in range(STEPS):
        batch = slice(step * per_step, (step + 1) * per_step)
        gradients(model, a, b, x[batch], grad_output[batch])
        optimizer.step()
        after_a.append(a.detach().numpy().copy())
        after_b.append(b.detach().numpy().T.copy())

    row_count = max(2, min(out_features, WEIGHT_FLOATS // in_features))
    rows = np.unique(np.linspace(0, out_features - 1, row_count).astype(int))
    with torch.no_grad():
        a.copy_(torch.from_numpy(start_a))
        b.copy_(torch.from_numpy(start_b.T.copy()))
        merged = model.merge_and_unload().layer.weight.numpy()
    assert np.allclose(merged, weight + delta_weight, rtol=0, atol=1e-14)

    return {
        "in_features": in_features,
        "out_features": out_features,
        "rank": rank,
        "alpha": alpha,
        "use_rslora": rslora,
        "vectors": VECTORS,
        "lora_a": packing.exact(start_a),
        "lora_b": packing.exact(start_b),
        "x": packing.exact(x),
        "grad_output": packing.exact(grad_output),
        "delta": packing.expected(delta),
        "single_grad_a": packing.expected([g[0] for g in single]),
        "single_grad_b": packing.expected([g[1] for g in single]),
        "mean_grad_a": packing.expected(mean_a),
        "mean_grad_b": packing.expected(mean_b),
        "lr": lr,
        "vectors_per_step": per_step,
        "sgd_a": packing.expected(after_a),
        "sgd_b": packing.expected(after_b),
        "rows": rows.tolist(),
        "base_rows": packing.exact(weight[rows]),
        "delta_weight_rows": packing.expected(delta_weight[rows]),
    }


if __name__ == "__main__":
    packing.write(
        __file__,
        {
            "file": "peft.json",
            "made_with": {"peft": peft.__version__, "torch": torch.__version__, "numpy": np.__version__},
            "cases": [case(index, *parameters) for index, parameters in enumerate(CASES)],
        },
    )
