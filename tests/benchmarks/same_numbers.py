"""Numbers of this version beside another's: trained parameters, fields, statistics and verdicts, to the last bit.

Run `python -m tests.benchmarks.same_numbers record FILE` with one version and `... compare FILE` with the next, on the
same machine. It trains small runs by the command line and asks a server over HTTP, so that both versions need no more
in common than what users rely on. Numbers that the later version adds are no difference. Exit status 1 if any differs.
"""

import hashlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
from safetensors.numpy import load_file

from tests.benchmarks.serving import serving

TRAINING = "--variants none,dropout,batchnorm --epochs 3 --rows 1600 --hidden 24,16,8 --device cpu"
PAIRS = [
    ("hidden.0.linear.bias[0]", "hidden.0.linear.bias[1]"),
    ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"),
    ("hidden.1.linear.weight[3,7]", "hidden.2.linear.bias[4]"),
    ("hidden.2.linear.weight[0,2]", "output.bias[0]"),
]
BETAS = ("hidden.1.norm.weight[0]", "hidden.1.norm.bias[1]")

Numbers = dict[str, float | bool | str | None]


def trained(runs: Path) -> Numbers:
    """Every tensor of every checkpoint, and what was measured, but for the time it took."""
    command = [sys.executable, "-m", "gradviz", "train", *TRAINING.split(), "--runs", str(runs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: Numbers = {}
    for path in sorted(runs.glob("*/epoch-*.safetensors")):
        for name, tensor in load_file(path).items():
            found[f"{path.parent.name} {path.stem} {name}"] = _digest(tensor)
    for path in sorted(runs.glob("*/metrics.csv")):
        for line in path.read_text().splitlines()[1:]:
            found[f"{path.parent.name} metrics {line.split(',')[0]}"] = line.rpartition(",")[0]
    return found


def asked() -> Iterator[tuple[str, dict[str, object]]]:
    """Addresses and arguments."""
    variants = ("none", "dropout", "batchnorm")
    for variant, epoch, (x, y) in itertools.product(variants, (0, 1, 3), PAIRS):
        plane = {"variant": variant, "epoch": epoch, "x": x, "y": y}
        yield "landscape", plane
        yield "landscape", plane | {"mode": "train", "minibatch": 2, "minibatch_size": 32}
    for masks, seed in itertools.product(("fresh", "frozen", "averaged"), (0, 7)):
        drawn = {"masks": masks, "seed": seed, "num_masks": 3, "mode": "train", "points": 11, "half_width": 0.5}
        yield "landscape", {"variant": "dropout", "epoch": 2, "x": PAIRS[1][0], "y": PAIRS[1][1], **drawn}
    for mode in ("eval", "train"):
        yield "landscape", {"variant": "batchnorm", "epoch": 2, "x": BETAS[0], "y": BETAS[1], "mode": mode}
    for variant, mode in itertools.product(variants, ("eval", "train")):
        at = {"variant": variant, "epoch": 2, "mode": mode}
        yield "agreement", {**at, "minibatch_size": 16}
        yield "course", {**at, "x": PAIRS[1][0], "y": PAIRS[1][1], "minibatch_size": 32}
        for part in ("model", "hidden.1", "hidden.2.linear.bias"):
            yield f"cosines/{variant}/2", {"part": part, "mode": mode, "minibatch_size": 32}
        for layer in range(3):
            yield f"units/{variant}/2/{layer}", {"mode": mode, "minibatch_size": 32}
    for variant in variants:
        yield f"activity/{variant}/3", {}
        yield f"pairs/{variant}/2/1", {}
        yield f"minibatches/{variant}/1", {"minibatch_size": 16}


def answered(url: str) -> Numbers:
    """The numbers of all answers, each under the address that gave it."""
    found: Numbers = {}
    for path, arguments in asked():
        name = f"{path} {urlencode(arguments)}"
        if path == "landscape":
            with np.load(io.BytesIO(_read(url, path, {**arguments, "format": "npz"}))) as arrays:
                found |= {f"{name} {key}": _digest(arrays[key]) for key in arrays.files if key != "request"}
        else:
            found |= _flat(name, json.loads(_read(url, path, arguments)))
    for claim in json.loads(_read(url, "evidence", {}))["claims"]:
        answer: Any = {"state": "measuring"}
        while answer["state"] == "measuring":
            answer = json.loads(_read(url, f"evidence/{claim['key']}", {}))
        found[f"evidence {claim['key']}"] = f"{answer['state']} {answer['verdict']}"
        for number, figure in enumerate(answer["figures"]):
            for key in ("value", "low", "high"):
                found[f"evidence {claim['key']} {number} {key}"] = figure[key]
    return found


def _read(url: str, path: str, arguments: dict[str, object]) -> bytes:
    with urlopen(f"{url}/api/v1/{path}?{urlencode(arguments)}", timeout=600) as answer:
        return answer.read()


def _flat(name: str, value: object) -> Numbers:
    """The numbers of an answer, by their place in it; words may be said in another way."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        return {name: value} if value is None or isinstance(value, bool | int | float) else {}
    return {key: number for part, each in parts for key, number in _flat(f"{name} {part}", each).items()}


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()[:16]


def main(action: str, file: Path) -> int:
    os.environ |= {"GRADVIZ_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory) / "runs"
        numbers = trained(runs)
        with serving(runs) as (port, _process):
            numbers |= answered(f"http://127.0.0.1:{port}")
    if action == "record":
        file.write_text(json.dumps(numbers, indent=0))
        print(f"{len(numbers)} numbers are in {file}.")
        return 0
    before = json.loads(file.read_text())
    differing = [name for name in before if name not in numbers or numbers[name] != before[name]]
    for name in differing[:40]:
        print(f"{name}: {before[name]} before, {numbers.get(name, 'nothing')} now")
    print(f"{len(differing)} of {len(before)} numbers differ; {len(numbers.keys() - before.keys())} are new.")
    return int(bool(differing))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("record", "compare"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
