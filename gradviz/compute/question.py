"""A question about a checkpoint: a frozen, validated value with an address of its own, and with bytes as its answer."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape import ENGINE_VERSION


class Question(BaseModel, ABC):
    """One kind of question is one subclass, named in `kinds.py`; `kind` tells it from the others in a message."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def key(self, store: RunStore) -> str:
        """The address of the answer, 40 hex digits: changes with all that the answer depends on (see `address_of`).

        UserError if the checkpoint is not there.
        """

    @abstractmethod
    def answer(self, bench: Workbench) -> bytes:
        """The answer; the same bytes whoever computes it. UserError if what is asked for is not there."""

    def passes(self, store: RunStore) -> float:
        """About how many forward passes of 64 rows through 3.5 million weights the answer costs; short goes first."""
        return 1.0

    @classmethod
    def prepare(cls, questions: Sequence["Question"], bench: Workbench) -> None:
        """Does what several questions of this kind share, before each is answered; nothing by default."""


def address_of(question: Question, store: RunStore, run: str, epoch: int, *settings: object) -> str:
    """A key made of the question's own values, the checkpoint's content, the engine's version and `settings`.

    `settings`: constants of the program that the answer depends on.
    """
    # Under the key of version 0.1 alone: the answers kept since then stay valid.
    values = question.model_dump(mode="json", exclude={"run": True, "request": {"run"}})
    content = [ENGINE_VERSION, store.run(run).address(epoch), values, settings]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=20).hexdigest()
