#!/usr/bin/env python3
"""Packs the Debian search set into the two files the lab crate embeds.

    python3 pack_debian.py debian_f16.npz debian.jsonl OUT_DIR

Writes OUT_DIR/debian.tsv and OUT_DIR/debian.i8 (formats: examples/data/README.md) and prints
the quantisation error. Needs numpy. The same input always gives the same bytes.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

MAGIC = b"MLEMBED1"
FACETS = ("use", "works-with", "interface")
HEADER = ("package", "section", "description", *FACETS)
# debtags' own marker for packages that nobody has reviewed yet: not a label.
UNREVIEWED = "TODO"


def text_table(records):
    """One tab-separated line per package; several values of a facet are joined by commas."""
    lines = ["\t".join(HEADER)]
    for record in records:
        facets = [
            ",".join(value for value in record["tags"].get(facet, []) if value != UNREVIEWED)
            for facet in FACETS
        ]
        fields = [record["package"], record["section"], record["desc"], *facets]
        for field in fields:
            if any(c in field for c in "\t\r\n"):
                sys.exit(f"{record['package']}: expected a field without tabs or line ends, got {field!r}")
        lines.append("\t".join(fields))
    return ("\n".join(lines) + "\n").encode()


def quantise(rows):
    """Symmetric int8 per row: the largest magnitude of a row becomes 127."""
    scales = (np.abs(rows).max(axis=1) / 127).astype("<f4")
    levels = np.rint(rows / scales[:, None]).astype(np.int8)
    return scales, levels


def packed(scales, levels, table_crc):
    """The file of embeddings that belongs to the table of this checksum."""
    body = MAGIC + struct.pack("<III", *levels.shape, table_crc) + scales.tobytes() + levels.tobytes()
    return body + struct.pack("<I", zlib.crc32(body))


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    vectors, records, out = map(Path, sys.argv[1:])

    rows = unit(np.load(vectors)["emb"].astype(np.float32))
    records = [json.loads(line) for line in records.open(encoding="utf-8")]
    if len(rows) != len(records):
        sys.exit(f"expected one record per vector, got {len(rows)} vectors and {len(records)} records")

    table = text_table(records)
    scales, levels = quantise(rows)
    embeddings = packed(scales, levels, zlib.crc32(table))
    (out / "debian.tsv").write_bytes(table)
    (out / "debian.i8").write_bytes(embeddings)

    cosine = (unit(levels * scales[:, None]) * rows).sum(axis=1)
    print(f"{len(rows)} rows x {rows.shape[1]}: debian.tsv {len(table)} bytes, debian.i8 {len(embeddings)} bytes")
    print(f"cosine of original and quantised rows: min {cosine.min():.6f}, mean {cosine.mean():.6f}")


if __name__ == "__main__":
    main()
