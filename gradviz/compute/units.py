"""Questions about the units of a hidden layer: the size of their gradients, and pairs worth looking at."""

import json
from dataclasses import asdict
from typing import Literal

from torch import Tensor

from gradviz.compute.question import Question, address_of
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import Network, centre_gradients, find_pairs
from gradviz.landscape.activity import unit_activity_of
from gradviz.landscape.pairs import suggested_tensor
from gradviz.landscape.request import Checkpoint, Evaluation, Layer, MinibatchSize

ACTIVITY_ROWS = 2000
"""Number of training rows for measuring the activity of units."""

# Shape suffixes: R = training rows, K = minibatches, B = examples of each, M = inputs, N = units of the layer.


class LayerRequest(Checkpoint, Layer, MinibatchSize, Evaluation):
    """A hidden layer of a checkpoint, seen by all minibatches of a size (at most 50), without dropout masks."""


class LayerQuestion(LayerRequest, Question):
    """A question about the layer; the answer is JSON."""

    def key(self, store: RunStore) -> str:
        return address_of(self, store, self.run, self.epoch, ACTIVITY_ROWS)

    def network(self, bench: Workbench) -> Network:
        """The checkpoint; UserError if it lacks the layer, or the minibatch is too small for batch statistics."""
        network = bench.network(self.run, self.epoch)
        if self.layer >= network.output:
            raise UserError(f"`layer` must be one of the hidden layers, 0..{network.output - 1}, got {self.layer}.")
        return network

    def minibatches(self, bench: Workbench) -> tuple[Tensor, Tensor]:
        """Inputs (K, B, M) and targets (K, B)."""
        return bench.store.run(self.run).minibatches(self.minibatch_size)

    def training_rows(self, bench: Workbench) -> Tensor:
        """(R, M)."""
        return bench.store.run(self.run).training_inputs(limit=ACTIVITY_ROWS)


class UnitsQuestion(LayerQuestion):
    """For each unit, its share of active training rows (eval mode) and the root mean square of its gradient.

    The gradient is the bias's, over the minibatches; β's, if batch statistics cancel the bias's. The answer is JSON.
    """

    kind: Literal["units"] = "units"

    def answer(self, bench: Workbench) -> bytes:
        network = self.network(bench)
        tensor = suggested_tensor(network, self.layer, self.mode)
        inputs_KBM, targets_KB = self.minibatches(bench)
        gradients_KN = centre_gradients(network, inputs_KBM, targets_KB, [tensor], mode=self.mode)[tensor]
        active_N = unit_activity_of(network, self.training_rows(bench))[self.layer]
        told = {"layer": self.layer, "tensor": tensor, "num_minibatches": len(inputs_KBM)}
        told |= {"active": active_N.tolist(), "gradient_rms": gradients_KN.square().mean(0).sqrt().tolist()}
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


class PairsQuestion(LayerQuestion):
    """The pairs of `find_pairs`, best first, with their scores. The answer is JSON."""

    kind: Literal["pairs"] = "pairs"

    def answer(self, bench: Workbench) -> bytes:
        network = self.network(bench)
        inputs_KBM, targets_KB = self.minibatches(bench)
        found = find_pairs(network, self.training_rows(bench), inputs_KBM, targets_KB, self.layer, mode=self.mode)
        told = {"layer": self.layer, "num_minibatches": len(inputs_KBM), "pairs": [asdict(pair) for pair in found]}
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()
