"""Has the real PEFT save adapters and load ours, and records what it computes with them.

    pip install peft numpy
    python make_golden.py [directory]

`theirs/`: adapters that PEFT saved with save_pretrained, made here. `ours/`: adapters that this crate wrote, made by
`cargo xtask peft` (the ignored test `export` in ../peft.rs) and only read here. `expected.json`: for every module of both, an
input and the delta that PEFT computes, in float64, after loading the files with from_pretrained. `biased/` has the same three
for adapters with PEFT's `lora_bias`. Without a directory it works on the committed files beside it.
"""

import pathlib
import shutil
import sys

import numpy as np
import peft
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "golden"))

sys.dont_write_bytecode = True
import packing  # noqa: E402

VECTORS = 4

# Directory, modules with in and out, rank, alpha, rsLoRA, dtype. Sizes straddle the engine's 32 lanes.
THEIRS = [
    ("f32", {"encoder.layers.0.q_proj": (33, 17), "encoder.layers.0.v_proj": (5, 3), "head": (8, 40)}, 2, 16, False, torch.float32),
    ("rslora", {"head": (31, 65)}, 3, 0.3, True, torch.float32),
    ("f16", {"encoder.q_proj": (64, 32), "encoder.k_proj": (7, 7)}, 4, 8, False, torch.float16),
    ("bf16", {"head": (48, 48)}, 4, 1e-05, True, torch.bfloat16),
    ("rank1", {"head": (1, 1)}, 1, 123456.789, False, torch.float32),
]

BIASED = [("f32", {"head": (33, 17)}, 2, 16, False, torch.float32), ("rslora", {"head": (5, 40)}, 3, 0.3, True, torch.float16)]


def base_model(modules):
    """Linear layers at dotted names, in float64, and nothing else: what PEFT computes with the adapter is all there is."""
    root = torch.nn.Module()
    for name, (in_features, out_features) in modules.items():
        *parents, last = name.split(".")
        parent = root
        for part in parents:
            if not hasattr(parent, part):
                parent.add_module(part, torch.nn.Module())
            parent = getattr(parent, part)
        parent.add_module(last, torch.nn.Linear(in_features, out_features, bias=False, dtype=torch.float64))
    return root


def save_theirs(directory, lora_bias, modules, rank, alpha, rslora, dtype):
    torch.manual_seed(rank)
    config = LoraConfig(r=rank, lora_alpha=alpha, use_rslora=rslora, lora_bias=lora_bias, target_modules=sorted(modules))
    model = get_peft_model(base_model(modules).to(dtype), config, autocast_adapter_dtype=False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                assert parameter.dtype == dtype, parameter.dtype
                parameter.normal_(std=0.3)
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    # A generated text for humans, which no loader reads.
    (directory / "README.md").unlink()


def tensors_of(directory):
    with safe_open(directory / "adapter_model.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def cases(directory, draw):
    """Loads the files of one directory as any user of PEFT would."""
    tensors = tensors_of(directory)
    prefix, suffix = "base_model.model.", ".lora_A.weight"
    names = sorted(name.removeprefix(prefix).removesuffix(suffix) for name in tensors if name.endswith(suffix))
    biases = sum(name.endswith(".lora_B.bias") for name in tensors)
    assert 2 * len(names) + biases == len(tensors) and biases in (0, len(names)), sorted(tensors)
    sizes = {
        name: (tensors[f"{prefix}{name}.lora_A.weight"].shape[1], tensors[f"{prefix}{name}.lora_B.weight"].shape[0])
        for name in names
    }
    # A neighbour whose name ends the same must not be taken for the module.
    neighbour = f"other_{names[0]}" if "." not in names[0] else names[0].rsplit(".", 1)[0] + ".other_neighbour"
    model = PeftModel.from_pretrained(
        base_model({**sizes, neighbour: (2, 2)}), directory, autocast_adapter_dtype=False
    )
    layers = {name for name, _ in model.base_model.model.named_modules() if name.endswith("lora_A")}
    assert layers == {f"{name}.lora_A" for name in names}, layers
    config = model.peft_config["default"]
    for name in names:
        layer = model.base_model.model.get_submodule(name)
        for part in ("lora_A", "lora_B"):
            loaded, saved = getattr(layer, part)["default"].weight, tensors[f"{prefix}{name}.{part}.weight"]
            assert loaded.dtype == torch.float64 and torch.equal(loaded, saved.double()), f"{directory}: {name}.{part}"
        bias, saved = layer.lora_B["default"].bias, tensors.get(f"{prefix}{name}.lora_B.bias")
        assert (bias is None) == (saved is None) == (not config.lora_bias), f"{directory}: {name}.lora_B.bias"
        assert bias is None or torch.equal(bias, saved.double()), f"{directory}: {name}.lora_B.bias"
        x = torch.from_numpy(packing.representable(draw((VECTORS, sizes[name][0]))))
        with torch.no_grad():
            delta = layer(x) - layer.base_layer(x)
        yield {
            "directory": f"{directory.parent.name}/{directory.name}",
            "module": name,
            "in_features": sizes[name][0],
            "out_features": sizes[name][1],
            "rank": config.r,
            "alpha": packing.exact(np.float32(config.lora_alpha)),
            "use_rslora": config.use_rslora,
            "dtype": str(tensors[f"{prefix}{name}.lora_A.weight"].dtype),
            "x": packing.exact(x),
            "delta": packing.expected(delta),
        }


def exchange(root, theirs, lora_bias):
    for name, *adapter in theirs:
        save_theirs(root / "theirs" / name, lora_bias, *adapter)
    draw = np.random.default_rng(7).standard_normal
    directories = sorted((root / "ours").iterdir()) + sorted((root / "theirs").iterdir())
    document = {
        "file": "expected.json",
        "peft": peft.__version__,
        "torch": torch.__version__,
        "cases": [case for directory in directories for case in cases(directory, draw)],
    }
    packing.write(root / "expected.json", document)
    print(f"PEFT {peft.__version__} loaded {len(document['cases'])} modules of {len(directories)} adapters")


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    exchange(root, THEIRS, False)
    exchange(root / "biased", BIASED, True)


if __name__ == "__main__":
    main()
