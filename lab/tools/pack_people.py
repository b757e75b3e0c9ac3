#!/usr/bin/env python3
"""Packs what the simulated persons of the Debian set need beside the set itself.

    python3 pack_people.py debian.jsonl debian_known_item_f16.npz OUT_DIR

Writes OUT_DIR/debian-tags.tsv and OUT_DIR/debian-typed.i8 (formats: examples/data/README.md) beside the debian.tsv that
is there already, and prints the quantisation error. Needs numpy. The same input always gives the same bytes.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np

from pack_debian import UNREVIEWED, packed, quantise, unit

# Facets that say what a program is about, without use and works-with, which are in debian.tsv, and without interface,
# toolkit, language and role.
TOPICAL = (
    "works-with-format", "field", "protocol", "network", "game", "sound", "web", "mail", "office", "admin", "devel", "hardware",
    "science", "biology", "security", "filetransfer", "junior", "accessibility", "culture",
)
# Enough for every metric: all packages of the personal search, then every sixth.
TYPED_FIRST, TYPED_EVERY = 400, 6


def tags_of(tags):
    topical = [f"{facet}::{value}" for facet in TOPICAL for value in tags.get(facet, []) if value != UNREVIEWED]
    return topical + [f"{facet}::{UNREVIEWED}" for facet in ("use", "works-with") if UNREVIEWED in tags.get(facet, [])]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    records, typed, out = map(Path, sys.argv[1:])
    records = [json.loads(line) for line in records.open(encoding="utf-8")]
    lines = ["topical"] + [",".join(tags_of(record["tags"])) for record in records]
    (out / "debian-tags.tsv").write_text("\n".join(lines) + "\n")

    rows = unit(np.load(typed)["emb"].astype(np.float32))
    rows = np.concatenate([rows[:TYPED_FIRST], rows[TYPED_FIRST::TYPED_EVERY]])
    scales, levels = quantise(rows)
    (out / "debian-typed.i8").write_bytes(packed(scales, levels, zlib.crc32((out / "debian.tsv").read_bytes())))
    cosine = (unit(levels * scales[:, None]) * rows).sum(axis=1)
    print(f"{len(rows)} typed rows, cosine of original and quantised: min {cosine.min():.6f}, mean {cosine.mean():.6f}")


if __name__ == "__main__":
    main()
