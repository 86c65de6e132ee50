"""Deliveries as a study like any other: an MLP, the mean absolute error, and minibatches of the synthetic table.

`gradviz train` trains it, with the masks and the seeds of a configuration; the engine computes its landscapes.
"""

# Shape suffixes: B = rows of a minibatch, I = 675 inputs, C = 45 characters of a row.

from itertools import accumulate, pairwise

from torch import Tensor, nn

from gradviz.experiment.asking import MAX_MINIBATCHES
from gradviz.experiment.losses import L1
from gradviz.experiment.model import MLP
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.encoding import decode
from gradviz.experiment.studies.deliveries.fields import CHARACTERS, FIELDS, NUM_CHARACTERS
from gradviz.experiment.studies.deliveries.prepare import prepare_rows
from gradviz.experiment.study import Study

_ROWS = 64
_PLACES = tuple(pairwise(accumulate((field.width for field in FIELDS), initial=0)))


def make_model(hidden: str = "2000,1000,200", regularizer: str = "none", output_scale: float = 100.0) -> MLP:
    """The network; `hidden` are the units of each hidden layer."""
    widths = tuple(int(width) for width in hidden.split(","))
    return MLP(hidden=widths, regularizer=regularizer, output_scale=output_scale)


def minibatches() -> list[tuple[Tensor, Tensor]]:
    """Fifty minibatches (inputs (B, I), targets (B,)) of 64 rows, as the runs of seed 0 have them."""
    config = TrainingConfig()
    rows = prepare_rows(config).rows
    each = [rows.minibatch(index, _ROWS, config.seed) for index in range(MAX_MINIBATCHES)]
    return [(one.inputs_BI, one.targets_B) for one in each]


def describe(batch: tuple[Tensor, Tensor]) -> list[str]:
    """The fields of each row as they are encoded, and its target."""
    inputs_BI, targets_B = batch
    codes_BC = inputs_BI.reshape(-1, NUM_CHARACTERS, len(CHARACTERS)).argmax(-1)
    lines = []
    for text, target in zip(decode(codes_BC.numpy()), targets_B.tolist(), strict=True):
        lines.append(" ".join(text[begin:end] for begin, end in _PLACES) + f" → {target:g}")
    return lines


def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """(B,): |prediction - target|; in train mode it draws the masks, as the training does."""
    assert isinstance(model, MLP)
    inputs_BI, targets_B = batch
    masks = None
    if model.training and model.regularizer.draws_masks:
        blanks = [inputs_BI.new_empty((len(inputs_BI), width)) for width in model.widths]
        masks = [model.regularizer.draw(blank, None) for blank in blanks]
    return (model(inputs_BI, masks) - targets_B).abs()


STUDY = Study("deliveries", make_model, loss, minibatches=minibatches, describe=describe, facts=L1().facts)
