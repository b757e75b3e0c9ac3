"""Writes dual_run.json: the dual step in float64 numpy, list after list, written to be read beside the mathematics.

    pip install numpy
    python dual_reference.py

The source of the formulas is Shalev-Shwartz and Zhang 2013 (stochastic dual coordinate ascent); the list-wise form and how A turns are
this project's. README.md describes the fields. What is printed says how far the same run in float32 is from it: what an engine in f32
can reach.
"""

import numpy as np

import packing

PRIOR_QUERIES = 10


def log_sum(logits):
    return logits.max() + np.log(np.exp(logits - logits.max()).sum())


class Dual:
    """a and c are [rank, n]: h = a (q - mu), correction = b + c^T h."""

    def __init__(self, a, settings, precision):
        self.of = lambda values: np.asarray(values, precision)
        self.a, self.s = self.of(a), settings
        rank, n = self.a.shape
        self.b, self.c = self.of(np.zeros(n)), self.of(np.zeros((rank, n)))
        # T = s_sum - u_sum (x) mu and mu = q_sum / (lists + 10), kept apart so that a list can be taken out exactly.
        self.s_sum, self.u_sum, self.q_sum, self.count = self.of(np.zeros((rank, n))), self.of(np.zeros(rank)), self.of(np.zeros(n)), 0
        self.lists, self.next = [], 0
        # "None of these": the sum of the lists' mean documents, and of how many; sums of alpha and of h alpha, by which b and c
        # follow the mean.
        self.shown_sum, self.shown, self.alphas, self.h_alphas = self.of(np.zeros(n)), 0, self.of(0), self.of(np.zeros(rank))

    def m(self):
        return self.shown_sum / self.of(max(self.shown, 1))

    def count_documents(self, documents, sign):
        """Counts a list in the mean of the documents, or takes it out."""
        lam, gamma, tau = (self.of(self.s[name]) for name in ("lam", "gamma", "tau"))
        before = self.m()
        self.shown_sum, self.shown = self.shown_sum + sign * documents.mean(0), self.shown + sign
        moved = (self.m() - before) / (lam * tau)
        self.b = self.b - self.alphas * moved
        self.c = self.c - gamma * np.outer(self.h_alphas, moved)

    def mu(self):
        return self.q_sum / self.of(self.count + PRIOR_QUERIES)

    def learn(self, q, documents, weights):
        """The oldest list leaves when the ring is full, its part in b, c and the sums stays."""
        q, documents, weights = self.of(q), self.of(documents), self.of(weights)
        self.q_sum, self.count = self.q_sum + q, self.count + 1
        clicked, rank = weights.sum() > 0, len(self.a)
        effective = weights.sum() ** 2 / (weights ** 2).sum() if clicked else 0
        self.lists.append({
            "q": q, "documents": documents, "wanted": weights / weights.sum() if clicked else weights,
            "omega": min(effective, 4) / 2 if clicked else .25,
            "alpha": self.of(np.zeros(len(documents))), "h": self.of(np.zeros(rank)), "u": self.of(np.zeros(rank)),
        })
        if len(self.lists) > self.s["ring"]:
            self.lists.pop(0)
        self.visit(self.lists[-1])
        if self.s.get("outside"):
            self.count_documents(documents, 1)
        self.settle(self.s["visits"])

    def settle(self, visits):
        for _ in range(visits):
            self.next = (self.next + 1) % len(self.lists)
            self.visit(self.lists[self.next])
        self.turn()

    def visit(self, one):
        lam, gamma, tau, beta = (self.of(self.s[name]) for name in ("lam", "gamma", "tau", "beta"))
        documents, wanted, omega = one["documents"] - self.m(), one["wanted"], self.of(one["omega"])
        h = self.a @ (one["q"] - self.mu())
        logits = (beta * (documents @ one["q"]) + documents @ (self.b + h @ self.c)) / tau
        p = np.exp(logits - logits.max())
        if self.s.get("outside") and self.shown > 0:
            # Without a correction its probability is the share of the spread about m that lies between lists, at most .9.
            spread = (documents ** 2).sum(1).mean()
            between = min((documents.mean(0) ** 2).sum(), self.of(.9) * spread)
            chance = between / spread
            omega = omega * (1 - self.of(self.s["modesty"]) * chance)
            none = log_sum(beta * (documents @ one["q"]) / tau) + np.log(between / (spread - between)) if between > 0 else -np.inf
            p = np.exp(logits - log_sum(np.append(logits, none)))
        else:
            p /= p.sum()
        between = (p + wanted) / 2
        # What is left of p and wanted is at m, which is 0 here.
        variance = between @ ((documents - between @ documents) ** 2).sum(1)
        if self.s.get("outside"):
            variance = variance + (1 - between.sum()) * ((between @ documents) ** 2).sum()
        share = 1 / (1 + omega * (1 + gamma * (h @ h)) * variance / (lam * tau ** 2))
        alpha = one["alpha"] + share * (omega * (wanted - p) - one["alpha"])
        before, after = documents.T @ one["alpha"], documents.T @ alpha
        self.b = self.b + (after - before) / (lam * tau)
        self.c = self.c + gamma * (np.outer(h, after) - np.outer(one["h"], before)) / (lam * tau)
        self.alphas = self.alphas + alpha.sum() - one["alpha"].sum()
        self.h_alphas = self.h_alphas + h * alpha.sum() - one["h"] * one["alpha"].sum()
        u = self.c @ after / (lam * tau)
        self.s_sum = self.s_sum + np.outer(u - one["u"], one["q"])
        self.u_sum = self.u_sum + u - one["u"]
        one["alpha"], one["h"], one["u"] = alpha, h, u

    def turn(self):
        """One power iteration: a moves towards the span of T; its rows stay orthonormal (Gram-Schmidt in their order)."""
        t = self.s_sum - np.outer(self.u_sum, self.mu())
        size = np.sqrt((t * t).sum())
        if size == 0:
            return
        t = t * (self.of(np.sqrt(len(self.a))) / size)
        moved = self.a + self.of(self.s["eta"]) * (t - (t @ self.a.T) @ self.a)
        rows = []
        for row in moved:
            for _ in range(2):
                for other in rows:
                    row = row - (other @ row) * other
            rows.append(row / np.sqrt(row @ row))
        self.a = np.stack(rows)

    def forget(self, position):
        """Takes the part of one remembered list out of every sum. `next` stays where it is."""
        one = self.lists.pop(position)
        lam, gamma, tau = (self.of(self.s[name]) for name in ("lam", "gamma", "tau"))
        g = (one["documents"] - self.m()).T @ one["alpha"]
        self.b = self.b - g / (lam * tau)
        self.c = self.c - gamma * np.outer(one["h"], g) / (lam * tau)
        self.s_sum = self.s_sum - np.outer(one["u"], one["q"])
        self.u_sum = self.u_sum - one["u"]
        self.q_sum, self.count = self.q_sum - one["q"], self.count - 1
        self.alphas, self.h_alphas = self.alphas - one["alpha"].sum(), self.h_alphas - one["h"] * one["alpha"].sum()
        if self.s.get("outside"):
            self.count_documents(one["documents"], -1)


def unit(rows):
    return packing.representable(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def events_of(rng, n, lists, length, graded, forget, unclicked):
    """Lists of documents near the query; wanted is what points towards a taste that no query knows. `forget`: {after: position};
    `unclicked`: the numbers of lists without a click."""
    taste, events = unit(rng.normal(size=n)), []
    for number in range(1, lists + 1):
        q = unit(rng.normal(size=n) + 1)
        k = int(rng.integers(length[0], length[1] + 1))
        documents = unit(q + rng.normal(size=(k, n)) * .8)
        likes = documents @ taste + rng.normal(size=k) * .1
        if graded:
            weights = packing.representable(np.maximum(likes - np.median(likes), 0) + rng.uniform(0, .1, k))
        else:
            weights = (likes >= np.sort(likes)[-int(rng.integers(1, k))]).astype(float)
        if number in unclicked:
            weights = np.zeros(k)
        events.append({"learn": {"q": q, "documents": documents, "weights": weights}})
        if number in forget:
            events += [{"forget": forget[number]}, {"settle": 5}]
    return events


def play(dual, event):
    if "learn" in event:
        dual.learn(**event["learn"])
    elif "forget" in event:
        dual.forget(event["forget"])
    else:
        dual.settle(event["settle"])


def state(dual):
    return {
        "b": dual.b, "c": dual.c, "a": dual.a, "mu": dual.mu(),
        "alphas": np.concatenate([one["alpha"] for one in dual.lists]),
    }


DEFAULTS = {"lam": 50., "gamma": 5., "tau": .1, "beta": .5, "eta": .1, "visits": 9, "ring": 10}


def case(name, seed, n, rank, lists, length, graded=False, forget=None, unclicked=(), **more):
    rng, settings = np.random.default_rng(seed), DEFAULTS | more
    a = packing.representable(np.linalg.qr(rng.normal(size=(n, rank)))[0].T)
    events = events_of(rng, n, lists, length, graded, forget or {}, unclicked)
    wide, narrow, steps, apart = Dual(a, settings, np.float64), Dual(a, settings, np.float32), [], 0.
    for event in events:
        play(wide, event), play(narrow, event)
        exact, rounded = state(wide), state(narrow)
        apart = max(apart, *(np.abs(exact[key] - rounded[key]).max() for key in exact))
        given = {key: value if key != "learn" else {k: packing.exact(v) for k, v in value.items()} for key, value in event.items()}
        steps.append(given | {"lists": len(wide.lists)} | {key: packing.expected(value) for key, value in exact.items()})
    print(f"{name}: float32 differs by {apart:.1e} at most")
    return {"name": name, "n": n, "rank": rank, **settings, "lora_a": packing.exact(a), "steps": steps}


def main():
    cases = [
        case("rank 2, a forgotten list", 1, n=12, rank=2, lists=24, length=(5, 5), ring=8, forget={6: 2, 14: 7, 20: 0}),
        case("rank 4, lists of many lengths", 2, n=16, rank=4, lists=20, length=(2, 10), ring=7, forget={12: 3}),
        case("rank 1, opposite wishes in pairs", 3, n=8, rank=1, lists=16, length=(2, 2), ring=5, forget={9: 4}),
        case("rank 3, graded weights, other settings", 4, n=9, rank=3, lists=16, length=(3, 6), graded=True, ring=6, visits=4,
             lam=20., gamma=2., tau=.2, beta=1., eta=.25),
        case("rank 4, nothing remembered", 5, n=10, rank=4, lists=12, length=(4, 4), ring=1, visits=0),
        case("rank 2, none of these", 6, n=12, rank=2, lists=24, length=(5, 5), ring=8, forget={6: 2, 14: 7, 20: 0},
             unclicked={3, 8, 9, 16, 22}, outside=True, modesty=.5),
        case("rank 4, none of these, lists of many lengths", 7, n=16, rank=4, lists=20, length=(2, 10), ring=7, forget={12: 3},
             unclicked={2, 11}, outside=True, modesty=.5),
        case("rank 1, none of these", 8, n=8, rank=1, lists=16, length=(3, 6), ring=5, forget={9: 4},
             outside=True, modesty=.5),
    ]
    packing.write(__file__, {"file": "dual_run.json", "cases": cases})


if __name__ == "__main__":
    main()
