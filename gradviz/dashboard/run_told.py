"""One run as plain JSON, as `run_answers.RunAnswer` describes it: what runs of all studies have, and what some have."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from gradviz.compute.estimate import seconds_of_a_point
from gradviz.drawing.choices import Scheme
from gradviz.drawing.shortnames import short_name
from gradviz.experiment import regularizers
from gradviz.experiment.curves import Curve, curves_of
from gradviz.experiment.describe import disk_bytes
from gradviz.experiment.metrics_table import measured_of
from gradviz.experiment.optimizers import Optimizer
from gradviz.experiment.regularizers import Regularizer
from gradviz.experiment.run import Run
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.parameters import ParameterTensor, default_pair
from gradviz.landscape.request import LandscapeRequest

MINIBATCH_SIZES = (16, 64, 256)
"""The page's choices for runs of deliveries; the API takes 1 to 1024."""

_RECORDED_SIZE = "64"
"""The size that requests carry where none can be chosen: the default."""

_LOSS = Curve("loss", test="test_loss", train="train_loss")


def told(run: Run | StudyRun, colour: Mapping[Scheme, str]) -> dict[str, object]:
    """Its configuration, parameters, complete checkpoints and metrics, and the files left out."""
    common = {
        "run": run.name,
        "variant": run.name,
        "label": run.title,
        "colour": colour,
        "study": run.study_name,
        "group": run.group,
        "seed": run.seed,
        "stamp": hashlib.blake2b(run.stamp().encode(), digest_size=8).hexdigest(),
        "epochs": run.epochs(),
        "planned_epochs": run.planned_epochs,
        "cannot": run.cannot(),
        "disk_bytes": disk_bytes(run.path),
        "broken": [{"file": broken.path.name, "reason": broken.reason} for broken in run.broken()],
    }
    return common | (_of_study(run, common["cannot"]) if isinstance(run, StudyRun) else _of_deliveries(run))


def tensors_of(run: Run | StudyRun) -> dict[str, dict[str, str]]:
    """Layer, label and kind of each tensor of parameters, by its name; UserError if the study is not loaded."""
    if isinstance(run, Run):
        return {name: asdict(ParameterTensor.parse(name)) for name in run.parameter_shapes}
    labels = {layer.name: layer.label for layer in run.anatomy.layers}
    return {
        tensor.name: {"layer": tensor.layer, "label": labels[tensor.layer], "kind": tensor.kind}
        for tensor in run.anatomy.tensors
    }


def short_names(run: Run | StudyRun, plane: LandscapeRequest) -> tuple[str, str]:
    """Of both axes, as the page has them."""
    tensors = tensors_of(run)
    return short_name(plane.x, tensors), short_name(plane.y, tensors)


def layers_of(run: Run | StudyRun) -> list[dict[str, object]]:
    """What the page offers as layers, in order; `part` names each in /agreement and /cosines."""
    if isinstance(run, StudyRun):
        return [
            _layer(each.name, each.label, each.width, has_units=True, part=each.name) for each in run.anatomy.layers
        ]
    *hidden, output = run.capabilities.layers
    told = [
        _layer(f"{number}", f"hidden layer {number}", each.width, has_units=True, part=each.name)
        for number, each in enumerate(hidden)
    ]
    return [*told, _layer("output", "output layer", output.width, has_units=False, part=output.name)]


def _layer(value: str, label: str, width: int, *, has_units: bool, part: str) -> dict[str, object]:
    return {"value": value, "label": label, "width": width, "has_units": has_units, "part": part}


def _of_deliveries(run: Run) -> dict[str, object]:
    metrics, config = run.metrics(), run.config
    tensors = tensors_of(run)
    shapes = {name: list(shape) for name, shape in run.parameter_shapes.items()}
    last = len(config.hidden) - 1
    return {
        "regularizer": _tagged(config.regularizer),
        "optimizer": _tagged(config.optimizer),
        "widths": list(config.widths),
        "capabilities": asdict(run.capabilities),
        "hidden": list(config.hidden),
        **_strengths(config.regularizer),
        "rows": config.rows,
        "train_rows": run.record.rows_train,
        "batch_size": config.batch_size,
        "learning_rate": config.optimizer.learning_rate,
        "output_scale": config.output_scale,
        "preset": config.preset,
        "data": Path(config.data).name if config.data else "the synthetic table",
        "shapes": shapes,
        "tensors": tensors,
        "layers": layers_of(run),
        "suggested": {"a": _first_biases(max(last - 1, 0), shapes), "b": _first_biases(last, shapes)},
        "minibatch_sizes": list(MINIBATCH_SIZES),
        "minibatches": {str(size): run.num_minibatches(size) for size in MINIBATCH_SIZES},
        "metrics": {
            "epoch": [line.epoch for line in metrics],
            "train_loss": _numbers(line.train_loss for line in metrics),
            "test_loss": _numbers(line.test_loss for line in metrics),
            "test_r2": _numbers(line.test_r2 for line in metrics),
            "share_below_target": _numbers(line.share_below_target for line in metrics),
            "wall_seconds": _numbers(line.wall_seconds for line in metrics),
        },
        "curves": [asdict(_LOSS)],
        "seconds_per_point": seconds_of_a_point(run),
        "about": [
            ("preset", config.preset),
            ("optimizer", str(config.optimizer)),
            ("regularizer", str(config.regularizer)),
            ("rows of a minibatch in training", str(config.batch_size)),
            ("rows", str(config.rows)),
        ],
    }


def _first_biases(layer: int, shapes: Mapping[str, list[int]]) -> tuple[str, str]:
    """The first two biases of a hidden layer; of one with a single unit, its bias and its first weight."""
    first, second = default_pair(layer)
    tensor = first.partition("[")[0]
    return first, second if shapes[tensor][0] > 1 else f"{tensor.removesuffix('bias')}weight[0,0]"


def _of_study(run: StudyRun, cannot: object) -> dict[str, object]:
    lines, record = run.metrics(), run.record
    measured = {name: _numbers(line.values.get(name, math.nan) for line in lines) for name in measured_of(lines)}
    arguments = {f"model's {name}": value for name, value in record.arguments.items()}
    return {
        **(_UNKNOWN_MODEL if cannot else _model_of(run)),
        "study_changed": None if cannot else run.study_has_changed,
        "minibatch_sizes": [],
        "minibatches": {_RECORDED_SIZE: run.num_minibatches()},
        "metrics": {"epoch": [line.epoch for line in lines], **measured},
        "curves": [asdict(curve) for curve in curves_of(measured)],
        "about": [(name, str(value)) for name, value in (record.settings | arguments).items()],
    }


_UNKNOWN_MODEL: Mapping[str, object] = {
    "capabilities": None,
    "seconds_per_point": None,
    "shapes": {},
    "tensors": {},
    "layers": [],
    "suggested": None,
}


def _model_of(run: StudyRun) -> dict[str, object]:
    anatomy = run.anatomy
    return {
        "seconds_per_point": seconds_of_a_point(run),
        "capabilities": asdict(run.capabilities),
        "shapes": {name: list(shape) for name, shape in anatomy.shapes.items()},
        "tensors": tensors_of(run),
        "layers": layers_of(run),
        "suggested": anatomy.suggested(),
    }


def _tagged(value: Regularizer | Optimizer) -> dict[str, object]:
    return {"kind": value.kind, "label": value.label, **value.model_dump(exclude={"kind"})}


def _strengths(regularizer: Regularizer) -> dict[str, object]:
    """Version 0.1's keys `dropout` and `norm_placement`, given for every run."""
    flat = regularizers.to_flat(regularizer) or regularizers.to_flat(regularizers.Plain()) or {}
    return {key: value for key, value in flat.items() if key != "variant"}


def _numbers(values: Iterable[float]) -> list[float | None]:
    """None for nan and infinity, which JSON lacks."""
    return [value if math.isfinite(value) else None for value in values]
