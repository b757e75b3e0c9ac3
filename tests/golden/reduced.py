"""Best approximations of B A by numpy's singular value decomposition, for `load_safetensors_reduced`.

    pip install numpy
    python reduced.py
"""

import platform

import numpy as np
import packing

# in, out, r of the file, rank of the adapter, alpha, rsLoRA, what the values are like
CASES = [
    (24, 20, 8, 4, 16.0, False, "fading"),
    (40, 24, 16, 4, 32.0, True, "flat"),
    (70, 66, 64, 4, 0.5, False, "fading"),
    (9, 12, 8, 1, 8.0, False, "flat"),
    (16, 12, 64, 2, 16.0, True, "fading"),
    (12, 10, 8, 4, 16.0, False, "of rank 3"),
    (12, 10, 8, 4, 16.0, False, "of rank 4"),
    (15, 14, 16, 4, 16.0, False, "badly scaled"),
]


def matrices(rng, n, m, r, kind):
    a, b = rng.standard_normal((r, n)), rng.standard_normal((m, r))
    if kind == "fading":
        a *= 0.7 ** np.arange(r)[:, None]
    if kind.startswith("of rank"):
        rank = int(kind.split()[-1])
        # Small whole numbers, so that every product is exact and the rank is what it says.
        a = np.round(2 * a)
        b = np.round(2 * b[:, :rank]) @ np.round(2 * rng.standard_normal((rank, r)))
    if kind == "badly scaled":
        scales = 10.0 ** np.linspace(-3, 3, r)
        a, b = a * scales[:, None], b / scales
    return packing.representable(a), packing.representable(b)


def case(index, n, m, r, rank, alpha, use_rslora, kind):
    a, b = matrices(np.random.default_rng(index), n, m, r, kind)
    scaling = alpha / (np.sqrt(r) if use_rslora else r)
    u, sigma, vt = np.linalg.svd(scaling * b @ a)
    best = (u[:, :rank] * sigma[:rank]) @ vt[:rank]
    return {
        "kind": kind,
        "in_features": n,
        "out_features": m,
        "file_rank": r,
        "rank": rank,
        "alpha": alpha,
        "use_rslora": use_rslora,
        "lora_a": packing.exact(a),
        "lora_b": packing.exact(b),
        "delta_weight": packing.expected(best),
        "kept": float(np.linalg.norm(sigma[:rank]) / np.linalg.norm(sigma)),
    }


packing.write(
    __file__,
    {
        "file": "reduced.json",
        "made_with": f"Python {platform.python_version()}, numpy {np.__version__}",
        "cases": [case(i, *settings) for i, settings in enumerate(CASES)],
    },
)
