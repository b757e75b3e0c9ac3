"""The C interface from Python, by cffi: the pattern for any language that can call C.

    pip install cffi
    cargo xtask c-install --prefix DIR
    python3 personal_search.py DIR

The header is all that is needed: its declarations, without comments and preprocessor lines, are what cffi reads. Memory is
the caller's, lengths are numbers of values, every status is checked in one place.
"""

import pathlib
import re
import sys
from array import array

import cffi

FEATURES, RANK = 4, 2


def declarations(header):
    """The header for a C parser without a preprocessor."""
    constants = dict(re.findall(r"^#define (\w+) (\d+)$", header, flags=re.M))
    text = re.sub(r"//[^\n]*", "", header)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    text = re.sub(r"\[(\w+)\]", lambda length: f"[{constants.get(length[1], length[1])}]", text)
    return re.sub(r'extern "C" \{|^\}[^;\w]*$', "", text, flags=re.M)


class Failure(Exception):
    """A status that is not MLORA_OK, by its name and message."""


class Adapter:
    def __init__(self, prefix, in_features, out_features, rank):
        self.ffi = cffi.FFI()
        header = (prefix / "include/micro_lora.h").read_text()
        abi_version = int(re.search(r"#define MLORA_ABI_VERSION (\d+)", header)[1])
        self.ffi.cdef(declarations(header))
        self.lib = self.ffi.dlopen(str(prefix / "lib/libmicro_lora.so"))
        config = self.ffi.new("mlora_config *")
        self.check(self.lib.mlora_config_default(config, self.ffi.sizeof("mlora_config")))
        config.in_features, config.out_features, config.rank = in_features, out_features, rank
        size = self.ffi.new("size_t *")
        self.check(self.lib.mlora_size(in_features, out_features, rank, 0, size))
        # cffi aligns a new array of words as the library wants it.
        self.memory = self.ffi.new("uint32_t[]", size[0] // 4)
        handle = self.ffi.new("mlora **")
        self.check(self.lib.mlora_init(self.memory, size[0], config, abi_version, handle))
        self.handle = handle[0]

    def check(self, status):
        if status != 0:
            name, message = self.lib.mlora_status_name(status), self.lib.mlora_status_message(status)
            raise Failure(f"{self.ffi.string(name).decode()}: {self.ffi.string(message).decode()}")

    def floats(self, values):
        """An array that stays alive as long as its view."""
        return self.ffi.from_buffer("float[]", array("f", values))

    def corrected(self, query):
        """The query with its correction."""
        x = self.floats(query)
        self.check(self.lib.mlora_apply_residual(self.handle, x, len(query), self.ffi.NULL))
        return list(x)

    def learn(self, query, shown, clicks):
        """One list of results and which were clicked."""
        x, rows, weights = self.floats(query), self.floats(sum(shown, [])), self.floats(clicks)
        sample = self.ffi.new("mlora_sample *", {"x": x, "x_len": len(query), "weight": 1.0})
        receipt = self.ffi.new("mlora_receipt *")
        self.check(
            self.lib.mlora_adapt_listwise(self.handle, sample, rows, len(rows), weights, len(clicks), 0.1, receipt)
        )
        self.check(self.lib.mlora_apply_updates(self.handle, 0.01, self.ffi.NULL))
        return receipt.outcome == 0

    def saved(self):
        """The state as JSON."""
        size = self.ffi.new("size_t *")
        self.check(self.lib.mlora_json_len(self.handle, size))
        text = self.ffi.new("char[]", size[0])
        self.check(self.lib.mlora_save_json(self.handle, text, size[0], size))
        return self.ffi.buffer(text, size[0])[:]

    def load(self, state):
        self.check(self.lib.mlora_load_json(self.handle, self.ffi.from_buffer("char[]", state), len(state)))


def main(prefix):
    lora, other = (Adapter(prefix, FEATURES, FEATURES, RANK) for _ in range(2))
    query = [0.5, 0.5, 0.5, 0.5]
    shown = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.6, 0.8]]
    for _ in range(20):
        assert lora.learn(query, shown, [0.0, 1.0, 0.0]), "expected a list that teaches"
    moved = lora.corrected(query)
    assert max(moved) == moved[1], f"expected the query to have moved to the clicked result, got {moved}"

    other.load(lora.saved())
    assert other.corrected(query) == moved, "expected the bits that were saved"
    try:
        other.load(lora.saved()[:-9])
    except Failure as failure:
        print(f"a state that was cut off: {failure}")
    else:
        raise AssertionError("expected a state that was cut off to be refused")
    assert other.corrected(query) == moved, "expected an adapter as it was"
    print("ok: the query moved to " + " ".join(f"{value:.2f}" for value in moved))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
