"""Keeps models of a store, and forward passes of their minibatches, in memory bounded in bytes."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Literal, TypeVar

import torch

from gradviz.compute.begun_planes import BegunPlanes
from gradviz.compute.cache import FieldCache
from gradviz.compute.checkpoint import Checkpoint
from gradviz.compute.directions import Span, direction_landscape, sources, span
from gradviz.compute.study_landscape import (
    AnyNetwork,
    StudyCheckpoint,
    asked_minibatch,
    batch_of,
    loop_of,
    problem_of,
    row_numbers,
)
from gradviz.compute.vectors import KeptVectors
from gradviz.errors import UserError
from gradviz.experiment.device import resolve_device
from gradviz.experiment.model import MLP
from gradviz.experiment.store import Run, RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import (
    GradientField,
    LandscapeRequest,
    LandscapeSpec,
    Minibatch,
    Network,
    check_spec,
    gradient_landscape,
    parameter_shapes,
    share_layers_below,
)
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.per_row import RowFields, row_fields
from gradviz.landscape.per_row.fields import check_alone
from gradviz.landscape.probe_together import Together
from gradviz.landscape.replay import Plane, Problem
from gradviz.landscape.replay.depending import Dependence

Method = Literal["engine"] | AnyNetwork
Answer = TypeVar("Answer")

MEMORY_BYTES = 512 * 2**20
"""Enough for the 31 checkpoints of a full-size run (14 MB each) with a minibatch each (2 MB)."""


class Workbench:
    """The runs of `store` on one device (auto, cpu or cuda); for one computation at a time.

    Keeps recently used checkpoints within `memory_bytes`, and always the last one; vectors of directions within half as
    much, and planes that have begun within as much again; the current computation comes on top. `cache` keeps vectors
    on disk that take long to make.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        device: str = "auto",
        memory_bytes: int = MEMORY_BYTES,
        cache: FieldCache | None = None,
    ) -> None:
        self.store = store
        self.device = resolve_device(device)
        self._memory_bytes = memory_bytes
        # by address, the one used last at the end
        self._checkpoints: OrderedDict[str, Checkpoint | StudyCheckpoint] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._vectors = KeptVectors(memory_bytes // 2, cache)
        self._begun = BegunPlanes(memory_bytes // 2)

    def model(self, run: str, epoch: int) -> MLP:
        """The network of one checkpoint, on the device; never change it."""
        return self._checkpoint(self.store.run(run), epoch).model

    def network(self, run: str, epoch: int) -> Network:
        """The same as the engine reads it, in float32."""
        return self._checkpoint(self.store.run(run), epoch).network

    def minibatch(self, request: LandscapeRequest) -> Minibatch:
        """The checkpoint and minibatch of one request; UserError if they or the parameters do not exist."""
        run = self.store.run(request.run)
        checkpoint = self._checkpoint(run, request.epoch)
        check_spec(parameter_shapes(checkpoint.network), request.spec())
        rows = (*request.which_rows, request.mode)
        minibatch = checkpoint.minibatches.get(rows)
        if minibatch is None:
            minibatch = _load(run, checkpoint, request)
        if not draws_masks(run, request):  # a forward pass per set of masks would be too much to keep
            checkpoint.minibatches[rows] = minibatch
            checkpoint.minibatches.move_to_end(rows)
        return minibatch

    @contextmanager
    def together(self, requests: Sequence[LandscapeRequest]) -> Iterator[Together]:
        """The minibatches of `requests`, which differ only in these, to be evaluated together at points of any plane;
        those asked for last are kept, as far as there is room. UserError as `minibatch`."""
        first, run = requests[0], self.store.run(requests[0].run)
        checkpoint = self._checkpoint(run, first.epoch)
        key = tuple(each.model_dump_json(exclude={"x", "y", "half_width", "points"}) for each in requests)
        if checkpoint.together is None or checkpoint.together[0] != key:
            each = [self.minibatch(request) for request in requests]
            parts = [(minibatch.inputs, minibatch.targets) for minibatch in each]
            checkpoint.together = key, Together(checkpoint.network, parts, first.spec())
        try:
            yield checkpoint.together[1]
        finally:
            self._make_room()  # its passes may be more than is kept

    def share_layers_below(self, requests: Sequence[LandscapeRequest]) -> None:
        """One forward pass for all `requests` without one; they must differ only in the minibatch."""
        first = requests[0]
        run = self.store.any_run(first.run)
        if isinstance(run, StudyRun) or first.has_directions or draws_masks(run, first):
            return
        minibatches = [each for each in map(self.minibatch, requests) if not each.has_clean()]
        if len(minibatches) > 1:
            share_layers_below(minibatches, first.spec())

    def landscape(self, request: LandscapeRequest, method: Method | None = None) -> GradientField:
        """The field of one request, by default with the quickest method for its run; UserError as `minibatch`."""
        run = self.store.any_run(request.run)
        if request.has_directions:
            return self.direction_landscape(request, method)[0]
        if isinstance(run, StudyRun) and method == "engine":
            raise UserError(
                f"`method` must be replay or reference for the run {run.name}, got engine: that computes only the "
                "built-in network."
            )
        if method == "replay" or isinstance(run, StudyRun):
            chosen: AnyNetwork = "reference" if method == "reference" else "replay"
            return self._any_network(run, request, lambda checkpoint: checkpoint.landscape(run, request, chosen))
        if method == "reference":
            return self.reference(request)
        return self.minibatch(request).landscape(request.spec())

    def row_fields(self, request: LandscapeRequest, of: Sequence[int] | None = None) -> RowFields:
        """The fields of the rows of one request's minibatch, of which its field is the mean; or (`of`) of these rows of
        the run, by their numbers, on the same plane: only where a row's numbers depend on nothing but the row.

        UserError as `landscape`, for a study whose loss returns the mean of the minibatch, and for too many numbers.
        """
        run = self.store.any_run(request.run)
        if of is not None:
            check_alone(self._dependence(run, beside_another(run, request, of)))
        asked = request if of is None else request.of_rows(of)
        if request.has_directions:
            own, plane = self.problem(request)  # of the request's own minibatch
            return row_fields(replace(own, batch=batch_of(run, asked, self.device)), plane)
        if isinstance(run, StudyRun):
            return self._any_network(run, asked, lambda checkpoint: checkpoint.row_fields(run, asked))
        return row_fields(self.minibatch(asked), asked.spec())

    def _dependence(self, run: Run | StudyRun, request: LandscapeRequest) -> Dependence:
        """What the rows of a request's minibatch depend on."""
        if isinstance(run, StudyRun):
            return self._any_network(run, request, lambda checkpoint: checkpoint.dependence(run, request))
        can = run.capabilities
        return Dependence(can.couples_rows_in(request.mode), can.draws_masks_in(request.mode))

    def direction_landscape(
        self, request: LandscapeRequest, method: Method | None = None, *, coarse: int | None = None
    ) -> tuple[GradientField, tuple[Vector, Vector]]:
        """The field of a plane of directions, and the vectors; UserError as `direction_landscape` in directions.py.

        `coarse`: of a coarser grid alone that lies in the request's (`coarser.py`), which the field then continues.
        """
        if method == "engine":
            raise UserError("`method` must be replay or reference for directions, got engine.")
        address = f"{self.store.any_run(request.run).address(request.epoch)} {request.canonical()}"
        address += sources(self.store, request) if request.has_directions else ""
        address += f" {method or 'replay'}"
        begun = self._begun.take(address, request.points)
        is_whole = False
        try:
            found = direction_landscape(
                self.store, request, self.device, self._vectors, method=method or "replay", coarse=coarse, begun=begun
            )
            is_whole = coarse is None
        finally:
            if not is_whole:
                self._begun.keep(address, begun)
        return found

    def span(self, request: LandscapeRequest) -> Span:
        """The plane of a request; UserError as `span` in directions.py."""
        return span(self.store, request, self.device, self._vectors)

    def problem(self, request: LandscapeRequest) -> tuple[Problem, Plane]:
        """The minibatch and plane of a request as replay and the plain loop take them, whatever the run and the axes
        are; UserError if they do not exist."""
        if request.has_directions:
            own = self.span(request)
            return own.problem, own.plane(request)
        run = self.store.any_run(request.run)
        return problem_of(run, request, self.device), Plane.of_parameters(request)

    def reference(self, request: LandscapeRequest, dtype: torch.dtype = torch.float32) -> GradientField:
        """The field by the plain loop, the reference: the same numbers, hundreds of times slower."""
        run = self.store.any_run(request.run)
        if isinstance(run, StudyRun):
            return loop_of(run, request, self.device, dtype)
        rows = asked_minibatch(run, request)
        model = self.model(request.run, request.epoch)
        return gradient_landscape(
            model,
            rows.inputs_BI,
            rows.targets_B,
            request.spec(),
            method="reference",
            dtype=dtype,
            device=self.device,
        )

    def forget(self) -> None:
        """Drops everything kept, because memory is short."""
        self._checkpoints.clear()
        self._sizes.clear()
        self._vectors.forget()
        self._begun.forget()

    @property
    def nbytes(self) -> int:
        """Bytes of the checkpoints that are kept."""
        # Only the last used checkpoint, or the one before a new one, may have grown since its measurement.
        for address in islice(reversed(self._checkpoints), 2):
            self._sizes[address] = self._checkpoints[address].nbytes
        return sum(self._sizes.values())

    def _checkpoint(self, run: Run, epoch: int) -> "Checkpoint":
        def made() -> Checkpoint:
            return Checkpoint(run.model(epoch).to(self.device), self.device)

        found = self._kept(run.address(epoch), made)
        assert isinstance(found, Checkpoint)
        return found

    def _any_network(
        self, run: Run | StudyRun, request: LandscapeRequest, compute: Callable[[StudyCheckpoint], Answer]
    ) -> Answer:
        def made() -> StudyCheckpoint:
            return StudyCheckpoint(run, request.epoch, self.device)

        found = self._kept(f"any network {run.address(request.epoch)}", made)
        assert isinstance(found, StudyCheckpoint)
        try:
            return compute(found)
        finally:
            self._make_room()  # what has become known may be more than is kept

    def _kept(self, address: str, made: Callable[[], "Checkpoint | StudyCheckpoint"]) -> "Checkpoint | StudyCheckpoint":
        if address not in self._checkpoints:
            self._checkpoints[address] = made()
        self._checkpoints.move_to_end(address)
        self._make_room()
        return self._checkpoints[address]

    def _make_room(self) -> None:
        """Drops the least recently used checkpoints, then minibatches of the last one, until the rest fits."""
        excess = self.nbytes - self._memory_bytes
        while excess > 0 and len(self._checkpoints) > 1:
            excess -= self._sizes.pop(self._checkpoints.popitem(last=False)[0])
        for last in islice(reversed(self._checkpoints.values()), 1):
            last.make_room(excess)


def _load(run: Run, checkpoint: Checkpoint, request: LandscapeRequest) -> Minibatch:
    rows = asked_minibatch(run, request)
    return Minibatch(checkpoint.network, rows.inputs_BI, rows.targets_B)


def beside_another(run: Run | StudyRun, request: LandscapeRequest, of: Sequence[int]) -> LandscapeRequest:
    """The request; of a minibatch of one row, which cannot tell whether rows depend on each other, that of this row and
    one of the others."""
    own = row_numbers(run, request)
    other = next((row for row in of if row not in own), None)
    return request if len(own) > 1 or other is None else request.of_rows([*own, other])


def draws_masks(run: Run | StudyRun, spec: LandscapeSpec) -> bool:
    """Whether what is computed for `spec` depends on masks."""
    return run.capabilities.draws_masks_in(spec.mode)
