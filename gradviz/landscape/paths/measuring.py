"""Measures the paths of a request: trains one replica after the other, then compares what they kept.

Whatever is kept is not computed again, so that a job that was killed goes on with the replica that it was at, and ends
with the same numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.continuation import Continuation
from gradviz.experiment.cpu_threads import cpu_threads
from gradviz.landscape.paths.beginning import Beginning, BeginningOf
from gradviz.landscape.paths.grams import Paths, products_of_ends, products_of_paths
from gradviz.landscape.paths.kept import Kept, PathShape
from gradviz.landscape.paths.plane import ChosenPlane
from gradviz.landscape.paths.progress import OnProgress, Work
from gradviz.landscape.paths.replica import (
    OwnDraws,
    Start,
    Trained,
    before_step,
    num_numbers,
    number_type,
    numbers_of,
    train_replica,
)
from gradviz.landscape.paths.request import Condition, PathsRequest
from gradviz.landscape.paths.result import ConditionPaths, PathsResult
from gradviz.landscape.paths.schedule import schedule, times

# Shape suffixes: N = epochs, S = steps, B = rows of a minibatch, D = bytes of a random state; others as in `grams`.

RECORDED = "recorded"
_NUM_AXES = 2

Told = dict[str, Tensor]


def needed_bytes(run: Continuation, request: PathsRequest) -> int:
    """Of all paths, until they are compared."""
    numbers = num_numbers(run.model)
    points = len(times(request.epochs * len(run.minibatches(1)), request.points, numbers))
    replicas = sum(map(request.num_replicas, request.conditions))
    return PathShape((replicas + 1) * points + 1, numbers, number_type(run.model)).num_bytes


def measure(
    run: Continuation,
    request: PathsRequest,
    kept: Kept,
    on_progress: OnProgress = lambda progress: None,
    plane: Callable[[], ChosenPlane] | None = None,
) -> PathsResult:
    """The paths that a request asks for, with the run's number of threads, so that they go on bit for bit.

    `on_progress` is called after each step; an exception of it ends the work, and what is kept stays. `plane` makes the
    one in which the ways are told beside that of their ends; it is made first, so that one that there is not is refused
    before anything is trained. UserError if the checkpoint is not there, a condition cannot tell anything of this run,
    or a training breaks down.
    """
    with cpu_threads(run.threads):
        return _Measuring(run, request, kept, Work(on_progress), plane and plane()).result()


@dataclass
class _Measuring:
    run: Continuation
    request: PathsRequest
    kept: Kept
    work: Work
    plane: ChosenPlane | None

    def __post_init__(self) -> None:
        request = self.request
        each = range(request.epoch + 1, request.epoch + request.epochs + 1)
        self._own_NSB = torch.stack([self.run.minibatches(epoch) for epoch in each])
        self._steps = self._own_NSB.shape[0] * self._own_NSB.shape[1]
        numbers = num_numbers(self.run.model)
        self._points = times(self._steps, request.points, numbers)
        self._shape = PathShape(len(self._points), numbers, number_type(self.run.model))
        self._names: dict[Condition, list[str]] = {
            condition: [f"{condition}-{replica:02d}" for replica in range(request.num_replicas(condition))]
            for condition in request.conditions
        }

    def result(self) -> PathsResult:
        names = [RECORDED, *(name for members in self._names.values() for name in members)]
        self.work.add(sum(self._steps for name in names if self.kept.get(name) is None))
        finding = BeginningOf(self.run, self.request, self.kept, self.work, self._own_NSB)
        beginning = finding.found()
        recorded = self._recorded(beginning.start, finding)
        _check_conditions(self.run.name, self.request, is_random=recorded["draws"].shape[1] > 0)
        told: dict[Condition, list[Told]] = {
            condition: [
                self._replica(beginning.start, condition, number, recorded["draws"]) for number in range(len(members))
            ]
            for condition, members in self._names.items()
        }
        return self._compared(beginning, recorded, told)

    def _recorded(self, start: Start, finding: BeginningOf) -> Told:
        """The path of the run's own minibatches, with the random states of its steps."""
        found = self.kept.get(RECORDED)
        if found is not None:
            return found
        draws = OwnDraws(self.run, start, self._own_NSB.shape[1])
        with self.kept.writing(
            RECORDED, PathShape(1 + self._shape.points, self._shape.numbers, self._shape.dtype)
        ) as path:
            self.run.load(start.state, start.optimizer, start.moments)
            path.add(numbers_of(self.run.model))
            trained = train_replica(
                self.run,
                start,
                self._own_NSB.flatten(0, 1),
                self._points,
                draws.before_step,
                path.add,
                lambda: self.work.step("the run's own minibatches"),
            )
            told = _as_tensors(trained) | {"draws": draws.states(self._steps)}
            end, state = finding.next_recorded(), self.run.model.state_dict()
            if end is not None and start.optimizer == self.run.optimizer:
                equal = all(torch.equal(state[name].cpu(), tensor) for name, tensor in end.items())
                told["reproduces"] = torch.tensor(equal)
            path.finish(told)
        return told

    def _replica(self, start: Start, condition: Condition, number: int, draws_SD: Tensor) -> Told:
        name, of = self._names[condition][number], len(self._names[condition])
        found = self.kept.get(name)
        if found is not None:
            return found
        own = schedule(self.request, condition, number, self._own_NSB, self.run.num_train)
        with self.kept.writing(name, self._shape) as path:
            trained = train_replica(
                self.run,
                start,
                own.rows_SB,
                self._points,
                before_step(self.run, own, draws_SD),
                path.add,
                lambda: self.work.step(f"{condition} {number + 1} of {of}"),
            )
            told = _as_tensors(trained)
            path.finish(told)
        return told

    def _compared(self, beginning: Beginning, recorded: Told, told: Mapping[Condition, list[Told]]) -> PathsResult:
        paths = Paths(self.kept, RECORDED, [name for names in self._names.values() for name in names], self._shape)
        groups, begin = {}, 0
        for condition, names in self._names.items():
            groups[condition] = slice(begin, begin + len(names))
            begin += len(names)
        weights_AM, shares_A = products_of_ends(paths).axes(_NUM_AXES)
        plane = self.plane
        recorded_T, products, coordinates_MTA, along_MTA = products_of_paths(
            paths, groups, weights_AM, plane and plane.vectors_AP
        )
        optimizer = beginning.start.optimizer
        return PathsResult(
            request=self.request,
            optimizer=optimizer.label,
            learning_rate=optimizer.learning_rate,
            moments=beginning.moments,
            searched=beginning.searched,
            reproduces=bool(recorded["reproduces"]) if "reproduces" in recorded else None,
            num_parameters=self._shape.numbers,
            steps_per_epoch=self._own_NSB.shape[1],
            batch_size=self._own_NSB.shape[2],
            start_losses=beginning.losses,
            recorded_losses=(recorded["ends"][0].item(), recorded["ends"][1].item()),
            steps_T=np.array(self._points),
            recorded_T=recorded_T,
            recorded_losses_S=recorded["losses"].numpy(),
            coordinates_MTA=coordinates_MTA,
            shares_A=shares_A,
            chosen=plane and plane.ways(along_MTA),
            conditions=tuple(
                ConditionPaths(
                    condition=condition,
                    products=products[condition],
                    recorded_T=recorded_T,
                    losses_KS=torch.stack([each["losses"] for each in replicas]).numpy(),
                    train_losses_K=torch.stack([each["ends"][0] for each in replicas]).numpy(),
                    test_losses_K=torch.stack([each["ends"][1] for each in replicas]).numpy(),
                )
                for condition, replicas in told.items()
            ),
        )


def _check_conditions(name: str, request: PathsRequest, *, is_random: bool) -> None:
    """Refuses conditions that would compare something else than they say."""
    if "rows" in request.conditions and is_random:
        raise UserError(
            f"The condition rows tells nothing of {name}, which draws masks: its rows would meet other masks. Leave it "
            "out of `--conditions`."
        )
    if "masks" in request.conditions and not is_random:
        raise UserError(
            f"The condition masks tells nothing of {name}, which draws none: leave it out of `--conditions`."
        )


def _as_tensors(trained: Trained) -> Told:
    ends = torch.tensor([trained.train_loss, trained.test_loss], dtype=torch.float64)
    return {"losses": trained.losses_S, "ends": ends}
