"""What the fields of a minibatch's rows cost beside the minibatch's field: 21 × 21 points, 64 rows, and 1,024.

    python tests/benchmarks/row_fields.py [--json PATH]

The engine with the model of full size in every mode, warm; replay with the networks of digits and addition, a first
plane of which nothing is known and the same once more. Field and rows take turns, and the ratio is of their medians:
processor time of one thread, because other programs come and go.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from gradviz.experiment.regularizers import BatchNormalization, Dropout, Plain, Regularizer
from gradviz.experiment.studies.addition.study import MODULUS
from gradviz.experiment.studies.addition.study import STUDY as ADDITION
from gradviz.experiment.studies.digits.study import STUDY as DIGITS
from gradviz.landscape import LandscapeSpec, Minibatch, network_of
from gradviz.landscape.bench import Case, workload
from gradviz.landscape.per_row import row_fields
from gradviz.landscape.replay import Plane, Prepared, Problem, Scalar, network_landscape

ROUNDS, LEAST_SECONDS = 5, 2.0

BIASES = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
BETAS = "hidden.1.norm.bias[0]", "hidden.1.norm.bias[1]"
ENGINE: dict[str, tuple[Regularizer, tuple[str, str], dict[str, object], int]] = {
    "none, eval": (Plain(), BIASES, {}, 1),
    "none, layer 0": (Plain(), ("hidden.0.linear.bias[0]", "hidden.0.linear.bias[1]"), {}, 1),
    "none, 1,024 rows": (Plain(), BIASES, {}, 16),
    "dropout, eval": (Dropout(), BIASES, {}, 1),
    "dropout, frozen": (Dropout(), BIASES, {"mode": "train", "masks": "frozen"}, 1),
    "dropout, averaged": (Dropout(), BIASES, {"mode": "train", "masks": "averaged"}, 1),
    "dropout, fresh": (Dropout(), BIASES, {"mode": "train", "masks": "fresh"}, 1),
    "batch norm, eval": (BatchNormalization(), BETAS, {}, 1),
    "batch norm, train": (BatchNormalization(), BETAS, {"mode": "train"}, 1),
    "batch norm after, train": (BatchNormalization(placement="after"), BIASES, {"mode": "train"}, 1),
}


def digits(**arguments: object) -> Problem:
    torch.manual_seed(0)
    model = DIGITS.model(**arguments).eval()
    return Problem(model, DIGITS.loss, (torch.rand(64, 1, 8, 8), torch.randint(0, 10, (64,))))


def addition(**arguments: object) -> Problem:
    torch.manual_seed(0)
    model = ADDITION.model(**arguments).eval()
    pairs = torch.randint(0, MODULUS, (64, 2))
    tokens = torch.cat([pairs, torch.full((64, 1), MODULUS)], 1)
    return Problem(model, ADDITION.loss, (tokens, pairs.sum(1) % MODULUS))


def in_train_mode(problem: Problem, masks: str = "fresh") -> Problem:
    return Problem(problem.model, problem.loss, problem.batch, "train", masks)  # pyright: ignore[reportArgumentType]


REPLAY: dict[str, tuple[Callable[[], Problem], str, str]] = {
    "digits, conv1": (digits, "conv1.weight[0,0,1,1]", "conv1.weight[1,0,1,1]"),
    "digits, conv2": (digits, "conv2.weight[0,0,1,1]", "conv2.bias[1]"),
    "digits, fc1": (digits, "fc1.weight[0,0]", "fc1.bias[1]"),
    "digits, batch norm, train": (lambda: in_train_mode(digits(norm=True)), "norm1.weight[0]", "norm1.bias[1]"),
    "digits, dropout, fresh": (lambda: in_train_mode(digits(dropout=0.3)), "conv2.bias[0]", "conv2.bias[1]"),
    "addition, token": (addition, "token.weight[3,0]", "token.weight[97,1]"),
    "addition, attention": (addition, "blocks.0.query.weight[0,0]", "blocks.0.value.bias[1]"),
    "addition, up": (addition, "blocks.0.up.weight[0,0]", "blocks.0.up.bias[1]"),
    "addition, dropout, fresh": (lambda: in_train_mode(addition(dropout=0.1)), "blocks.0.up.bias[0]", "norm.bias[1]"),
}


def compared(field: Callable[[], object], rows: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of a processor of both, which take turns after a first one each."""
    field()
    rows()
    taken: tuple[list[float], list[float]] = [], []
    while len(taken[0]) < ROUNDS or sum(map(sum, taken)) < LEAST_SECONDS:
        for run, own in zip((field, rows), taken, strict=True):
            start = time.process_time()
            run()
            own.append(time.process_time() - start)
        if sum(map(sum, taken)) > 10 * LEAST_SECONDS:
            break
    return statistics.median(taken[0]), statistics.median(taken[1])


def of_engine(name: str) -> tuple[str, float, float]:
    regularizer, (x, y), values, minibatches = ENGINE[name]
    spec = LandscapeSpec.model_validate({"x": x, "y": y, **values})
    model, inputs, targets = workload(Case(name, regularizer, spec, minibatches=minibatches), "cpu")
    minibatch = Minibatch(network_of(model), inputs, targets)
    return "engine", *compared(lambda: minibatch.landscape(spec), lambda: row_fields(minibatch, spec))


def of_replay(name: str, *, further: bool) -> tuple[str, float, float]:
    make, x, y = REPLAY[name]
    problem, plane = make(), Plane(Scalar.parse(x), Scalar.parse(y))
    method = row_fields(problem, plane).method
    if not further:
        return method, *compared(lambda: network_landscape(problem, plane), lambda: row_fields(problem, plane))
    for_field, for_rows = Prepared(problem), Prepared(problem)
    return method, *compared(lambda: network_landscape(for_field, plane), lambda: row_fields(for_rows, plane))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="", help="part of the names of the cases")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, processor time of one thread in milliseconds: field, rows, ratio")
    told = []
    cases = [(name, lambda name=name: of_engine(name)) for name in ENGINE]
    for name in REPLAY:
        cases += [(f"{name}, first", lambda name=name: of_replay(name, further=False))]
        cases += [(f"{name}, further", lambda name=name: of_replay(name, further=True))]
    for name, run in cases:
        if options.only in name:
            method, field, rows = run()
            told.append({"case": name, "method": method, "field": field, "rows": rows, "ratio": rows / field})
            print(f"{name:32} {method:24} {1e3 * field:9.2f} {1e3 * rows:9.2f} {rows / field:6.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
