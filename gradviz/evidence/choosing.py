"""Minibatches of chosen rows: the training rows cut in the order of a quantity, beside minibatches of random rows."""

# Shape suffixes: R = training rows, C = 45 characters of a row.

from dataclasses import dataclass

import numpy as np
import torch

from gradviz.evidence.ablation import place_of
from gradviz.evidence.agreeing import bias_tensors, bootstrap, estimate_of
from gradviz.evidence.controls import ChosenRows
from gradviz.evidence.values import BIASES, Estimate, Scope
from gradviz.experiment.run import Run
from gradviz.experiment.studies.deliveries.encoding import decode
from gradviz.experiment.studies.deliveries.fields import DELIVERERS, FIELDS, PADDING
from gradviz.landscape import Network
from gradviz.landscape.statistics import example_products, null_agreement, parts_of, regrouped, sorted_minibatches

_STORE, _ORDER_MADE = FIELDS[0], FIELDS[2]
_DAY, _HOUR = slice(0, 6), slice(7, 9)  # of YYMMDD HH:MM:SS
_DRAWS = 60


@dataclass(frozen=True)
class Composition:
    """A quantity by which rows are put together: where it stands among a row's characters."""

    words: str
    characters: slice


def _part_of(start: int, part: slice) -> slice:
    return slice(start + part.start, start + part.stop)


COMPOSITIONS = (
    Composition("d", place_of(DELIVERERS)),
    Composition("store", place_of(_STORE)),
    Composition("hour", _part_of(place_of(_ORDER_MADE).start, _HOUR)),
    Composition("day", _part_of(place_of(_ORDER_MADE).start, _DAY)),
)


def values_of(composition: Composition, codes_RC: np.ndarray) -> np.ndarray:
    """(R,) float64: the quantity of each row, nan where it is blank or no number."""
    texts, where_R = np.unique([text[composition.characters] for text in decode(codes_RC)], return_inverse=True)
    return np.array([_number(text) for text in texts])[where_R]


def chosen_rows_of(run: Run, network: Network, epoch: int, size: int) -> tuple[ChosenRows, ...]:
    """For the biases of the source's layers and the whole model, in eval mode: every composition."""
    rows = run.rows()
    codes_RC = rows.codes_RC[rows.train_rows].numpy()
    cut = [(each, sorted_minibatches(values_of(each, codes_RC), size, bootstrap())) for each in COMPOSITIONS]
    found = []
    for scope, tensors in _parts(network).items():
        products_RR = _products(run, network, tensors)
        num = len(cut[0][1])
        random = null_agreement(products_RR, size, bootstrap(), draws=_DRAWS, num=num)
        for composition, rows_KB in cut:
            agreed = regrouped(products_RR, rows_KB, random)
            found.append(
                ChosenRows(
                    run=run.name,
                    epoch=epoch,
                    scope=scope,
                    by=composition.words,
                    minibatch_size=size,
                    num_minibatches=num,
                    resultant=Estimate(value=agreed.resultant),
                    opposite=Estimate(value=agreed.opposite),
                    random_resultant=estimate_of(random.resultant),
                    sensitivity=estimate_of(agreed.sensitivity),
                )
            )
    return tuple(found)


def _parts(network: Network) -> dict[Scope, list[str]]:
    biases: dict[Scope, list[str]] = dict(zip(BIASES, ([name] for name in bias_tensors(network, "eval")), strict=True))
    return {**biases, "model": parts_of(network)["model"]}


def _products(run: Run, network: Network, tensors: list[str]) -> torch.Tensor:
    """(R, R): tensor by tensor, so that memory holds three such matrices and not one for each tensor."""
    inputs, targets = run.training_inputs(), run.training_targets()
    first, *others = tensors
    total_RR = example_products(network, inputs, targets, parts=[first])[first]
    for name in others:
        total_RR += example_products(network, inputs, targets, parts=[name])[name]
    return total_RR


def _number(text: str) -> float:
    try:
        return float(text.strip(PADDING))
    except ValueError:  # blank, or cut in the middle of a number
        return float("nan")
