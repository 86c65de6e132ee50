"""Which minibatches make the steps of a probe, how many stand for all rows, and what the steps cost."""

from gradviz.compute.estimate import cost_of_a_point, num_sets
from gradviz.experiment.run import Run
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.network import Network
from gradviz.landscape.probe_together import keeps_passes, products_of_a_row
from gradviz.landscape.request import LandscapeRequest, LandscapeSpec

FEWEST, MOST, MOST_COUPLED = 4, 24, 8
"""Minibatches that stand for all rows, as far as there are so many; coupled ones are evaluated one after the other."""
_SINGLE = 4
"""Places of a line-up before those that stand for all rows."""
_PRODUCTS_OF_A_STEP = 3e8
"""Multiplications that all rows may take for each step; there are fewer minibatches where they would take more."""
_PASSES_OF_A_STEP = 4.0
"""The same for networks that are not the built-in one, in the unit of `Question.passes`."""
_PASSES = 5.0  # forward and backward, and the moved weights
_LEAST_OF_A_LOOP = 0.3


def following_of(asked: LandscapeRequest, there: int) -> LandscapeRequest:
    """The request of the next of so many minibatches; after the last one, and after chosen rows, comes the first."""
    return asked.of_minibatch((asked.minibatch + 1) % max(1, there) if asked.rows is None else 0)


def spread_over(there: int, most: int) -> list[int]:
    """So many of the minibatches at most, at even distances, or all."""
    many = max(1, min(there, most))
    return [k * there // many for k in range(many)]


def most_together(network: Network, spec: LandscapeSpec, size: int) -> int:
    """How many minibatches of this size stand for all rows of the built-in network, so that a step stays quick."""
    draws = spec.mode == "train" and network.draws_masks
    most = MOST_COUPLED if spec.mode == "train" and network.has_norm else MOST

    def quick(*, whole: bool) -> int:
        each = products_of_a_row(network, spec.refs, whole=whole) * size
        each *= spec.num_masks if draws and spec.masks == "averaged" else 1
        return max(FEWEST, min(most, int(_PRODUCTS_OF_A_STEP / max(1.0, each))))

    kept = quick(whole=False)
    return kept if not draws or keeps_passes(spec, (_SINGLE + kept) * size) else quick(whole=True)


def most_by_loop(run: Run | StudyRun, asked: LandscapeRequest) -> int:
    """The same for any network, and for planes along directions."""
    own = (_LEAST_OF_A_LOOP + _PASSES * cost_of_a_point(run, asked.minibatch_size)) * _num_sets(run, asked)
    return max(FEWEST, min(MOST, int(_PASSES_OF_A_STEP / own)))


def passes_by_engine(run: Run, asked: LandscapeRequest, steps: int) -> float:
    """The cost of the paths of the built-in network, in the unit of `Question.passes`."""
    draws, sets = run.capabilities.draws_masks_in(asked.mode), _num_sets(run, asked)
    rows = 2 * asked.num_rows + (_SINGLE - 2 + FEWEST) * asked.minibatch_size
    each = 0.1 if not draws or keeps_passes(asked, rows) else 1.0
    first = max(_SINGLE + FEWEST, MOST // sets)
    return sets * (_cost_of_points(run, asked, first) + each * _cost_of_points(run, asked, FEWEST) * steps)


def passes_by_loop(run: Run | StudyRun, asked: LandscapeRequest, steps: int) -> float:
    """The same where the model's own loss runs forward and backward."""
    points = FEWEST + most_by_loop(run, asked)
    each = _LEAST_OF_A_LOOP * points + _PASSES * _cost_of_points(run, asked, points)
    return each * steps * _num_sets(run, asked)


def _cost_of_points(run: Run | StudyRun, asked: LandscapeRequest, many: int) -> float:
    """Of so many minibatches at a point each, of which two are the minibatch itself, alone and in turn."""
    others = (many - 2) * cost_of_a_point(run, asked.minibatch_size)
    return 2 * cost_of_a_point(run, asked.num_rows) + others


def _num_sets(run: Run | StudyRun, asked: LandscapeRequest) -> int:
    return num_sets(run, asked.mode, asked.masks, asked.num_masks)
