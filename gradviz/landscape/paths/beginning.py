"""Where all replicas of a request begin: the checkpoint, the optimizer with its state, and its rate."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.continuation import Continuation, MomentsSource, TrainedAgain, own_moments
from gradviz.experiment.optimizers import SGD, with_rate
from gradviz.landscape.paths.kept import Kept
from gradviz.landscape.paths.progress import Work
from gradviz.landscape.paths.rate import Tried, matched_rate
from gradviz.landscape.paths.replica import OwnDraws, Start, train_replica
from gradviz.landscape.paths.request import PathsRequest

# Shape suffixes: N = epochs, S = steps of an epoch, B = rows of a minibatch.

_GUESS = 0.01  # of the rate of Adam: where the search for SGD's begins
_SO_FAR, _EPOCH = "moments-so-far", "epoch"
_PARTS = ("state ", "moments ")
_KEEP_SECONDS = 10.0  # between two notes of how far a run is trained again, each of which takes up to half a second


@dataclass(frozen=True, eq=False)
class Beginning:
    """`losses`: of all training and all test rows at the checkpoint; `searched`: the rates that were tried."""

    start: Start
    moments: MomentsSource
    searched: Tried
    losses: tuple[float, float]


@dataclass
class BeginningOf:
    """Finds the beginning of a request; what takes a training to find is kept."""

    run: Continuation
    request: PathsRequest
    kept: Kept
    work: Work
    own_NSB: Tensor

    def found(self) -> Beginning:
        """UserError if the checkpoint is not there, or no rate matches."""
        request, own = self.request, self.run.optimizer
        state = self.run.state(request.epoch)
        losses = self._losses_of("start", state)
        if request.optimizer == "own":
            moments, source = self._own_moments()
            optimizer = with_rate(own, self._rate(request.learning_rate or own.learning_rate))
            return Beginning(Start(request.epoch, state, optimizer, moments), source, (), losses)
        rate, searched = request.learning_rate, ()
        if rate is None:
            rate, searched = self._matched(state, losses[0])
        optimizer = SGD(momentum=0.0, learning_rate=self._rate(rate))
        return Beginning(Start(request.epoch, state, optimizer, {}), "none", searched, losses)

    def _rate(self, rate: float) -> float:
        """Times the request's factor; UserError if no number is that small or large."""
        found = rate * self.request.rate_factor
        if not 0 < found < math.inf:
            raise UserError(
                f"`rate_factor` {self.request.rate_factor:g} times the rate {rate:g} is {found:g}: choose another."
            )
        return found

    def next_recorded(self) -> dict[str, Tensor] | None:
        """The state of the checkpoint that the run's own epochs lead to; None if it is not recorded."""
        end = self.request.epoch + self.request.epochs
        return self.run.state(end) if end in self.run.epochs() else None

    def _own_moments(self) -> tuple[dict[str, Tensor], MomentsSource]:
        found = self.kept.get("moments")
        if found is not None:
            again = bool(found.pop("trained-again"))
            return found, "trained again" if again else "saved" if found else "none"

        so_far = _SoFar(self.kept)

        def on_step(done: int, steps: int) -> None:
            if done == 1:
                self.work.add(steps)
            since = f", from epoch {so_far.epoch}" if so_far.epoch else ""
            self.work.step(f"moments of epoch {self.request.epoch}{since}")

        moments, source = own_moments(
            self.run, self.request.epoch, on_step, begun=so_far.read(), on_epoch=so_far.keep_now_and_then
        )
        self.kept.put("moments", moments | {"trained-again": torch.tensor(source == "trained again")})
        return moments, source

    def _matched(self, state: Mapping[str, Tensor], before: float) -> tuple[float, Tried]:
        recorded, own, epoch = self.next_recorded(), self.run.optimizer, self.request.epoch
        if recorded is not None:
            wanted = self._losses_of("wanted", recorded)[0]
        else:
            moments, _ = self._own_moments()
            wanted = self._loss_after("own", Start(epoch, state, own, moments), "the run's own epoch")

        def loss_after(rate: float) -> float:
            start = Start(epoch, state, SGD(momentum=0.0, learning_rate=rate), {})
            return self._loss_after(f"rate-{rate.hex()}", start, f"search: rate {rate:.3g}")

        guess = own.learning_rate * (1.0 if isinstance(own, SGD) else _GUESS)
        return matched_rate(loss_after, before, wanted, guess)

    def _losses_of(self, name: str, state: Mapping[str, Tensor]) -> tuple[float, float]:
        found = self.kept.get(name)
        if found is None:
            self.run.load(state, self.run.optimizer, {})
            found = {"losses": torch.tensor(self.run.losses(), dtype=torch.float64)}
            self.kept.put(name, found)
        train_loss, test_loss = found["losses"].tolist()
        return train_loss, test_loss

    def _loss_after(self, name: str, start: Start, what: str) -> float:
        """The training loss after the run's own minibatches."""
        found = self.kept.get(name)
        if found is None:
            rows_SB = self.own_NSB.flatten(0, 1)
            self.work.add(len(rows_SB))
            draws = OwnDraws(self.run, start, self.own_NSB.shape[1])
            trained = train_replica(
                self.run, start, rows_SB, (), draws.before_step, lambda numbers: None, lambda: self.work.step(what)
            )
            found = {"loss": torch.tensor(trained.train_loss, dtype=torch.float64)}
            self.kept.put(name, found)
        return found["loss"].item()


@dataclass
class _SoFar:
    """How far a run is trained again, and the `epoch` of the last note of it."""

    kept: Kept
    epoch: int = 0
    _noted: float = field(default_factory=time.monotonic)

    def read(self) -> TrainedAgain | None:
        found = self.kept.get(_SO_FAR)
        if found is None:
            return None
        self.epoch = int(found[_EPOCH])
        state, moments = ({name[len(of) :]: found[name] for name in found if name.startswith(of)} for of in _PARTS)
        return TrainedAgain(self.epoch, state, moments)

    def keep_now_and_then(self, now: TrainedAgain) -> None:
        if time.monotonic() - self._noted < _KEEP_SECONDS:
            return
        tensors = {_EPOCH: torch.tensor(now.epoch)}
        for of, named in zip(_PARTS, (now.state, now.moments), strict=True):
            tensors |= {of + name: tensor for name, tensor in named.items()}
        self.kept.put(_SO_FAR, tensors)
        self.epoch, self._noted = now.epoch, time.monotonic()
