"""How the vector files pack arrays: "f32:" or "f64:" followed by base64 of the little-endian values, row-major."""

import base64
import json
import pathlib

import numpy as np


def exact(values):
    """What the engine is given: the values must survive the trip to f32, or the two sides start apart."""
    wide = np.asarray(values, np.float64)
    narrow = wide.astype("<f4")
    assert np.array_equal(narrow, wide), "an input is not representable in f32"
    return "f32:" + base64.b64encode(narrow.tobytes()).decode()


def expected(values):
    """What the engine is measured against: full precision."""
    return "f64:" + base64.b64encode(np.asarray(values, "<f8").tobytes()).decode()


def representable(values):
    """Rounds to the nearest f32, kept as f64."""
    return np.asarray(values, np.float32).astype(np.float64)


def write(script, document):
    """Writes next to the script, one case per line so that a change is visible in a diff."""
    head = {key: value for key, value in document.items() if key != "cases"}
    lines = ",\n".join(json.dumps(case) for case in document["cases"])
    text = json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
    target = pathlib.Path(script).with_name(document["file"])
    target.write_text(text)
    print(f"{target.name}: {len(text)} bytes, {len(document['cases'])} cases")
