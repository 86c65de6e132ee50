"""A question about a checkpoint: a frozen, validated value with its own address, answered by bytes."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import Run, RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import ENGINE_VERSION

_ROWS_OF_A_PASS = 64
_WEIGHTS_OF_A_PASS = 3_500_000
_LEAST_OF_A_PASS = 0.02  # drawing masks and calling functions costs something even without weights


class Question(BaseModel, ABC):
    """Each kind of question is one subclass, listed in `kinds.py`; `kind` identifies it in messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def key(self, store: RunStore) -> str:
        """The address of the answer, 40 hex digits: changes with everything that the answer depends on (`address_of`).

        UserError if the checkpoint does not exist.
        """

    @abstractmethod
    def answer(self, bench: Workbench) -> bytes:
        """The answer, the same bytes on every machine. UserError if the input does not exist."""

    def passes(self, store: RunStore) -> float:
        """Approximate cost in forward passes of 64 rows through 3.5 million weights; cheap questions run first."""
        return 1.0

    @classmethod
    def prepare(cls, questions: Sequence["Question"], bench: Workbench) -> None:
        """Computes what several questions of this kind share, before each is answered; nothing by default."""


def cost_of_a_pass(run: Run | StudyRun, minibatch_size: int) -> float:
    """Of one forward pass, in the unit of `Question.passes`."""
    size = max(_LEAST_OF_A_PASS, run.record.num_parameters / _WEIGHTS_OF_A_PASS)
    return size * max(1.0, minibatch_size / _ROWS_OF_A_PASS)


def address_of(question: Question, store: RunStore, run: str, epoch: int, *settings: object) -> str:
    """A key made of the question's values, the checkpoint's content, the engine's version and `settings`.

    `settings`: constants of the program that the answer depends on.
    """
    # Only under the key of version 0.1, so that answers kept since then stay valid.
    values = question.model_dump(mode="json", exclude={"run": True, "request": {"run"}})
    content = [ENGINE_VERSION, store.any_run(run).address(epoch), values, settings]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=20).hexdigest()
