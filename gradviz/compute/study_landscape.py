"""The gradient landscapes of any network: replay runs a study's own model and loss."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.batches import Batch, mapped
from gradviz.experiment.facts import Fact
from gradviz.experiment.run import Run
from gradviz.experiment.studies.deliveries.rows import Minibatch
from gradviz.experiment.studies.deliveries.study import STUDY as DELIVERIES
from gradviz.experiment.study import Study
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.per_row import RowFields, row_fields
from gradviz.landscape.replay import Plane, Prepared, Problem, network_landscape
from gradviz.landscape.replay.depending import Dependence
from gradviz.landscape.request import ComposedMinibatch, WhyRequest

REPLAY_VERSION = 5
"""Part of every key: raise it whenever replay gives different numbers for the same request."""

_MINIBATCH_SIZE = LandscapeRequest.model_fields["minibatch_size"].default
ROWS_OF_A_STUDY = 64
"""About, as its minibatches may have any number: for estimates of costs."""
AnyNetwork = Literal["replay", "reference"]
"""Methods for any network."""


def study_key(run: StudyRun, request: LandscapeRequest, *sources: str) -> str:
    """The address of the answer, which `sources` belong to as well; UserError if the checkpoint does not exist or the
    study is not loaded."""
    if request.rows is None:
        check_minibatch_size(run, request.minibatch_size)
    return request.key(" ".join([f"replay {REPLAY_VERSION} {run.address(request.epoch)}", *sources]))


def problem_of(
    run: Run | StudyRun, asked: LandscapeRequest | WhyRequest, device: torch.device, model: nn.Module | None = None
) -> Problem:
    """A checkpoint (`model`, if it has been read before), a minibatch and the study's loss; UserError if they do not
    exist or the study is not loaded."""
    return Problem(
        run.model(asked.epoch).to(device) if model is None else model,
        study_of(run).loss,
        batch_of(run, asked, device),
        mode=asked.mode,
        masks=asked.masks,
        num_masks=asked.num_masks if isinstance(asked, LandscapeRequest) else 1,
        seed=asked.seed,
    )


def study_of(run: Run | StudyRun) -> Study:
    """The study of a run; UserError if it is not loaded."""
    return run.study if isinstance(run, StudyRun) else DELIVERIES


def batch_of(run: Run | StudyRun, asked: ComposedMinibatch, device: torch.device) -> Batch:
    """One minibatch, on the device; UserError if it does not exist."""
    found = asked_minibatch(run, asked)
    batch = (found.inputs_BI, found.targets_B) if isinstance(found, Minibatch) else found
    return mapped(batch, lambda tensor: tensor.to(device))


def asked_minibatch(run: Run | StudyRun, asked: ComposedMinibatch) -> Minibatch | Batch:
    """The minibatch of a run of either kind; UserError if it does not exist."""
    if asked.rows is not None:
        return run.rows_batch(asked.rows)
    return run.minibatch(asked.minibatch, asked.minibatch_size)


def row_numbers(run: Run | StudyRun, asked: ComposedMinibatch) -> list[int]:
    """The numbers of its rows, in their order; UserError if it does not exist."""
    return run.row_numbers(asked.minibatch, asked.minibatch_size) if asked.rows is None else list(asked.rows)


def loop_of(run: StudyRun, request: LandscapeRequest, device: torch.device, dtype: torch.dtype) -> GradientField:
    """The field of one request by the plain loop, in this precision."""
    problem = problem_of(run, request, device).computed_in(dtype)
    return network_landscape(problem, Plane.of_parameters(request), method="reference").field


class StudyCheckpoint:
    """A checkpoint of any network: its model is read once, and planes of a minibatch share what is known of it."""

    def __init__(self, run: Run | StudyRun, epoch: int, device: torch.device) -> None:
        self.model = run.model(epoch).to(device)
        self._device = device
        self._minibatches: OrderedDict[tuple[object, ...], _Minibatch] = OrderedDict()  # the last used at the end

    def landscape(self, run: Run | StudyRun, request: LandscapeRequest, method: AnyNetwork = "replay") -> GradientField:
        """The field of one request, with a study's facts about the minibatch; UserError as `network_landscape`."""
        with self._minibatch(run, request) as own:
            found = network_landscape(own.prepared, Plane.of_parameters(request), method=method)
            told = {"facts": own.facts, "method": found.method, "passed_over": found.passed_over}
            masks = run.capabilities.draws_masks_in(request.mode)
            return replace(found.field, **told, spec=request.spec(), draws_masks=masks)

    def row_fields(self, run: Run | StudyRun, request: LandscapeRequest) -> RowFields:
        """The fields of the minibatch's rows; UserError as `row_fields`."""
        with self._minibatch(run, request) as own:
            return row_fields(own.prepared, Plane.of_parameters(request))

    def dependence(self, run: Run | StudyRun, request: LandscapeRequest) -> Dependence:
        """What the rows of the minibatch depend on; UserError as `row_fields`."""
        with self._minibatch(run, request) as own:
            return own.prepared.dependence()

    @contextmanager
    def _minibatch(self, run: Run | StudyRun, request: LandscapeRequest) -> Iterator["_Minibatch"]:
        """For one plane at a time: a landscape that is paused keeps what it knows, and another one begins anew."""
        key = self._key(request)
        own = self._minibatches.pop(key, None)
        if own is None:
            own = _Minibatch(study_of(run), Prepared(problem_of(run, request, self._device, self.model)))
        yield own
        self._minibatches[key] = own

    @property
    def nbytes(self) -> int:
        own = sum(tensor.nbytes for tensor in (*self.model.parameters(), *self.model.buffers()))
        return own + sum(each.prepared.nbytes for each in self._minibatches.values())

    def make_room(self, excess: int) -> None:
        """Drops what is known of the minibatches used longest ago, until so many bytes are free or nothing is left."""
        while excess > 0 and self._minibatches:
            excess -= self._minibatches.popitem(last=False)[1].prepared.nbytes

    def _key(self, request: LandscapeRequest) -> tuple[object, ...]:
        random = () if request.mode == "eval" else (request.masks, request.num_masks, request.seed)
        return (*request.which_rows, request.mode, *random)


@dataclass
class _Minibatch:
    study: Study
    prepared: Prepared

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        return asking.facts(self.study, self.prepared.problem.model, self.prepared.problem.batch)


def check_minibatch_size(run: StudyRun, size: int) -> None:
    """UserError unless the size is the default: a study's run has the minibatches that it was recorded with."""
    if size != _MINIBATCH_SIZE:
        raise UserError(
            f"`minibatch_size` cannot be chosen for the run {run.name}: its minibatches were recorded with it."
        )
