"""Writes step.json and step_v2.json: the scaled-gradient step in float64 numpy, written to be read beside the mathematics,
with its first constants and with those of the second version.

    pip install numpy
    python step_reference.py

The reference learns a low-rank map in a closed loop (g = y - target). The gradients it met, rounded to f32, are written to the
file, and the weights in the file are those of a second run that is fed exactly these rounded gradients. The engine is fed the
same ones, so both sides see identical inputs and every difference is a difference in the step.
README.md describes the fields.
"""

from typing import NamedTuple

import numpy as np

import packing

EVENTS = 300
CHECK_EVERY = 25
NOISE = 0.02
GUARD_FROM, GUARD_AT = 10, 4.0


class Tuning(NamedTuple):
    """What the versions of the step differ in."""

    damping: float
    averaging: float
    rate_a: float
    rate_c: float
    horizon: float
    forgetting: float


V1 = Tuning(damping=0.1, averaging=0.01, rate_a=30, rate_c=30, horizon=100, forgetting=0)
V2 = Tuning(damping=0.3, averaging=0.03, rate_a=30, rate_c=15, horizon=50, forgetting=0.0003)


class Reference:
    """One adapter. a is [rank, in], b is [rank, out], as in the engine; c = s b is what acts on the output."""

    def __init__(self, a, b, s, decay, tuning):
        self.a, self.b, self.s, self.decay, self.tuning = a.copy(), b.copy(), s, decay, tuning
        self.v_a = self.v_c = self.c = 0.0
        self.t = 0
        self.forget_pending()

    def forget_pending(self):
        self.sum_a, self.sum_c = np.zeros_like(self.a), np.zeros_like(self.b)
        self.weight, self.events = 0.0, 0

    def delta(self, x):
        return (self.s * self.b).T @ (self.a @ x)

    def adapt(self, x, g, weight):
        h = self.a @ x
        self.sum_c += weight * np.outer(h, g)
        self.sum_a += weight * np.outer(self.s * self.b @ g, x)
        self.weight += weight
        self.events += 1

    def apply_updates(self, lr):
        eye, tuning = np.eye(len(self.a)), self.tuning
        c = self.s * self.b
        p_a = np.linalg.solve(c @ c.T + tuning.damping * eye, self.sum_a / self.weight)
        p_c = np.linalg.solve(self.a @ self.a.T + tuning.damping * eye, self.sum_c / self.weight)
        p_a, p_c = self.guard(p_a, self.v_a), self.guard(p_c, self.v_c)
        self.v_a += tuning.averaging * (np.sum(p_a**2) - self.v_a)
        self.v_c += tuning.averaging * (np.sum(p_c**2) - self.v_c)
        self.c += tuning.averaging * (1 - self.c)
        self.t += 1
        slowing = np.sqrt(1 + self.t / tuning.horizon)
        eta_a, eta_c = (rate * lr * (self.weight / self.events) / slowing for rate in (tuning.rate_a, tuning.rate_c))
        self.a -= eta_a * p_a / self.rms(self.v_a)
        kept = (1 - self.decay) * (1 - tuning.forgetting) * self.b
        self.b = kept - eta_c / self.s * p_c / self.rms(self.v_c)
        self.forget_pending()

    def rms(self, v):
        return np.sqrt(v / self.c) + 1e-8

    def guard(self, p, v):
        """From the tenth update on, no step is larger than a few usual ones, "usual" being what was before it."""
        if self.t < GUARD_FROM:
            return p
        return p * min(1.0, GUARD_AT * self.rms(v) / max(np.linalg.norm(p), 1e-300))


def batches(kind, draw):
    """Events per update: 1, or 1 to 5 at random."""
    sizes = []
    while sum(sizes) < EVENTS:
        sizes.append(min(1 if kind == "single" else int(draw.integers(1, 6)), EVENTS - sum(sizes)))
    return sizes


def teacher(in_features, out_features, rank, draw):
    """The map to be learned. A learner of the same rank can reach it; one that cannot keeps large gradients for ever, and
    replaying those without the feedback they came from lets a rounding error grow instead of die."""
    product = draw.standard_normal((out_features, rank)) @ draw.standard_normal((rank, in_features))
    return product / np.sqrt(rank * in_features)


def case(
    tuning,
    index,
    name,
    in_features,
    out_features,
    rank,
    alpha,
    rslora=False,
    lr=0.01,
    decay=0.0,
    weights=(1.0,),
    batch="single",
    outliers=None,
    fresh=False,
):
    draw = np.random.default_rng(2000 + index)
    lr = float(np.float32(lr))
    s = alpha / (np.sqrt(rank) if rslora else rank)
    a = packing.representable(draw.standard_normal((rank, in_features)) / np.sqrt(in_features))
    b = np.zeros((rank, out_features)) if fresh else packing.representable(draw.standard_normal((rank, out_features)) * 0.1)
    x = draw.standard_normal((EVENTS, in_features))
    x = packing.representable(x / np.linalg.norm(x, axis=1, keepdims=True))
    target = x @ teacher(in_features, out_features, rank, draw).T
    target += NOISE * draw.standard_normal(target.shape)
    weight = draw.choice(weights, EVENTS)
    sizes = batches(batch, draw)

    g = np.zeros((EVENTS, out_features))
    learner = Reference(a, b, s, decay, tuning)
    event = 0
    for size in sizes:
        for event in range(event, event + size):
            raw = learner.delta(x[event]) - target[event]
            g[event] = packing.representable(raw * (outliers or {}).get(event, 1.0))
            learner.adapt(x[event], g[event], weight[event])
        event += 1
        learner.apply_updates(lr)

    replay = Reference(a, b, s, decay, tuning)
    checked, check_a, check_b = [], [], []
    event = 0
    for update, size in enumerate(sizes):
        for event in range(event, event + size):
            replay.adapt(x[event], g[event], weight[event])
        event += 1
        replay.apply_updates(lr)
        if event // CHECK_EVERY > (event - size) // CHECK_EVERY:
            checked.append(update)
            check_a.append(replay.a.copy())
            check_b.append(replay.b.copy())

    return {
        "name": name,
        "in_features": in_features,
        "out_features": out_features,
        "rank": rank,
        "alpha": alpha,
        "use_rslora": rslora,
        "lr": lr,
        "decay": decay,
        "lora_a": packing.exact(a),
        "lora_b": packing.exact(b),
        "x": packing.exact(x),
        "g": packing.exact(g),
        "weight": packing.exact(weight),
        "events_per_update": sizes,
        "checked_updates": checked,
        "check_a": packing.expected(check_a),
        "check_b": packing.expected(check_b),
    }


CASES = [
    dict(name="fresh adapter", in_features=24, out_features=24, rank=4, alpha=4.0, fresh=True),
    dict(name="outlier at event 50", in_features=40, out_features=16, rank=2, alpha=8.0, outliers={50: 1e4}),
    dict(name="sample weights", in_features=12, out_features=30, rank=1, alpha=3.0, weights=(0.25, 0.5, 1.0, 2.0)),
    dict(
        name="batches",
        in_features=20,
        out_features=20,
        rank=3,
        alpha=16.0,
        rslora=True,
        lr=0.02,
        weights=(0.5, 1.0, 3.0),
        batch="mixed",
    ),
    dict(name="decay", in_features=16, out_features=16, rank=2, alpha=1.0, decay=0.0078125),
    # The guard lets the tenth event pass and shortens the eleventh.
    dict(name="guard begins", in_features=10, out_features=14, rank=2, alpha=2.0, outliers={9: 10.0, 10: 1e3}),
]

if __name__ == "__main__":
    for file, tuning in (("step.json", V1), ("step_v2.json", V2)):
        packing.write(
            __file__,
            {
                "file": file,
                "made_with": {"numpy": np.__version__},
                "cases": [case(tuning, index, **parameters) for index, parameters in enumerate(CASES)],
            },
        )
