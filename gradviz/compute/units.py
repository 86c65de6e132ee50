"""Questions about the units of a layer: the size of their gradients, and pairs worth looking at."""

import json
from abc import abstractmethod
from dataclasses import asdict
from typing import Any, Literal

from torch import Tensor

from gradviz.compute.question import Question, address_of
from gradviz.compute.study_statistics import STUDY_STATISTICS_VERSION, Draws, passes_of, problems_of
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.anatomy import Layer as LayerOfStudy
from gradviz.experiment.store import Run, RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import Network, centre_gradients, find_pairs
from gradviz.landscape.activity import unit_activity_of
from gradviz.landscape.pairs import best_pairs, suggested_tensor
from gradviz.landscape.request import Checkpoint, Evaluation, Layer, MinibatchSize
from gradviz.landscape.unit_gradients import Units, units_of

ACTIVITY_ROWS = 2000
"""Number of training rows for measuring the activity of units."""

_PASSES = 2
"""Over a study's minibatches, at most: where batch statistics take the biases out, those of the norm come second."""

_NAMES_PARAMETERS = 2  # the version of the answers that do

# Shape suffixes: R = training rows, K = minibatches, B = examples of each, M = inputs, N = units of the layer.


class LayerRequest(Checkpoint, Layer, MinibatchSize, Evaluation):
    """A layer of a checkpoint, seen by all minibatches of a size (at most 50).

    Of deliveries a hidden layer, without dropout masks; of another study any of its run's `layers`, in train mode with
    masks of each minibatch's own.
    """


class LayerQuestion(LayerRequest, Question):
    """A question about the layer; the answer is JSON."""

    def key(self, store: RunStore) -> str:
        of_study = (STUDY_STATISTICS_VERSION,) if isinstance(store.any_run(self.run), StudyRun) else ()
        return address_of(self, store, self.run, self.epoch, ACTIVITY_ROWS, *of_study)

    def passes(self, store: RunStore) -> float:
        run = store.any_run(self.run)
        return _PASSES * passes_of(run, self, Draws()) if isinstance(run, StudyRun) else super().passes(store)

    def answer(self, bench: Workbench) -> bytes:
        run = bench.store.any_run(self.run)
        told = self.of_study(run, bench) if isinstance(run, StudyRun) else self.of_deliveries(run, bench)
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

    @abstractmethod
    def of_deliveries(self, run: Run, bench: Workbench) -> dict[str, Any]:
        """The answer for a run of deliveries."""

    @abstractmethod
    def of_study(self, run: StudyRun, bench: Workbench) -> dict[str, Any]:
        """The answer for a run of another study."""

    def network(self, bench: Workbench) -> Network:
        """The checkpoint; UserError if it lacks the layer, or the minibatch is too small for batch statistics."""
        network = bench.network(self.run, self.epoch)
        if self.layer >= network.output:
            raise UserError(f"`layer` must be one of the hidden layers, 0..{network.output - 1}, got {self.layer}.")
        return network

    def training_rows(self, run: Run) -> Tensor:
        """(R, M)."""
        return run.training_inputs(limit=ACTIVITY_ROWS)

    def layer_of(self, run: StudyRun) -> LayerOfStudy:
        """UserError if the run has no layer of this number."""
        layers = run.anatomy.layers
        if self.layer >= len(layers):
            raise UserError(f"`layer` of the run {run.name} must be in [0, {len(layers) - 1}], got {self.layer}.")
        return layers[self.layer]

    def units(self, run: StudyRun, bench: Workbench) -> Units:
        layer = self.layer_of(run)
        return units_of(problems_of(run, self, Draws(), bench.device), run.anatomy, layer)


class UnitsQuestion(LayerQuestion):
    """For each unit, its share of active rows (eval mode) and the root mean square of its gradient.

    The gradient is the bias's, over the minibatches; β's, if batch statistics cancel the bias's; where a study's layer
    has no bias, that of all the unit's weights. `parameters` names the number that stands for each unit.
    """

    kind: Literal["units"] = "units"

    def key(self, store: RunStore) -> str:
        if isinstance(store.any_run(self.run), StudyRun):
            return super().key(store)
        return address_of(self, store, self.run, self.epoch, ACTIVITY_ROWS, _NAMES_PARAMETERS)

    def of_deliveries(self, run: Run, bench: Workbench) -> dict[str, Any]:
        network = self.network(bench)
        tensor = suggested_tensor(network, self.layer, self.mode)
        inputs_KBM, targets_KB = run.minibatches(self.minibatch_size)
        gradients_KN = centre_gradients(network, inputs_KBM, targets_KB, [tensor], mode=self.mode)[tensor]
        active_N = unit_activity_of(network, self.training_rows(run))[self.layer]
        told = {"layer": self.layer, "tensor": tensor, "num_minibatches": len(inputs_KBM)}
        told |= {"active": active_N.tolist(), "gradient_rms": gradients_KN.square().mean(0).sqrt().tolist()}
        return told | {"parameters": [f"{tensor}[{unit}]" for unit in range(len(active_N))]}

    def of_study(self, run: StudyRun, bench: Workbench) -> dict[str, Any]:
        found = self.units(run, bench)
        told = {"layer": self.layer, "tensor": found.tensor, "num_minibatches": len(found.gradients_KN)}
        active = None if found.active_N is None else found.active_N.tolist()
        told |= {"active": active, "gradient_rms": found.rms_N.tolist(), "parameters": found.parameters}
        if active is None:
            label = self.layer_of(run).label
            told["active_reason"] = f"No ReLU follows {label}, so that its units are never off."
        return told


class PairsQuestion(LayerQuestion):
    """The pairs of `find_pairs`, best first, with their scores. The answer is JSON."""

    kind: Literal["pairs"] = "pairs"

    def of_deliveries(self, run: Run, bench: Workbench) -> dict[str, Any]:
        network = self.network(bench)
        inputs_KBM, targets_KB = run.minibatches(self.minibatch_size)
        found = find_pairs(network, self.training_rows(run), inputs_KBM, targets_KB, self.layer, mode=self.mode)
        return {"layer": self.layer, "num_minibatches": len(inputs_KBM), "pairs": [asdict(pair) for pair in found]}

    def of_study(self, run: StudyRun, bench: Workbench) -> dict[str, Any]:
        units = self.units(run, bench)
        found = best_pairs(units.parameters, units.gradients_KN, units.active_N)
        told = {"layer": self.layer, "num_minibatches": len(units.gradients_KN)}
        return told | {"pairs": [asdict(pair) for pair in found]}
