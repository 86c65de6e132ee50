"""The agreement of the minibatches at a checkpoint, as a question; its answer is JSON, for any reader."""

import json
from dataclasses import asdict
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from gradviz.compute.question import Question, address_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape import ParameterRef
from gradviz.landscape.request import Checkpoint, MaskedEvaluation, MinibatchSize
from gradviz.landscape.statistics import minibatch_agreement

BOOTSTRAP_SEED = 0
STATISTICS_VERSION = 1
"""Part of every key: raise it whenever the same question gets different numbers."""


class AgreementRequest(Checkpoint, MinibatchSize, MaskedEvaluation):
    """A checkpoint, how to evaluate it, and the parts of its parameters whose gradients to compare.

    `parts`: `all`, or names separated by commas: `model`, a layer (`hidden.1`), a tensor (`hidden.1.linear.bias`).
    `pair` names two parameters, separated by a semicolon, to compare as a separate part.
    """

    num_masks: int = Field(default=8, ge=1, le=16)
    parts: str = Field(default="all", pattern=r"^[a-z0-9.]{1,64}(,[a-z0-9.]{1,64}){0,63}$")
    pair: str = Field(default="", pattern=r"^([^;]{1,80};[^;]{1,80})?$")

    @field_validator("pair")
    @classmethod
    def _two_parameters(cls, text: str) -> str:
        if not text:
            return ""
        x, y = (str(ParameterRef.parse(part)) for part in text.split(";"))
        if x == y:
            raise ValueError(f"`pair` names {x} twice: it takes two different parameters.")
        return f"{x};{y}"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pair, if there is one."""
        x, _, y = self.pair.partition(";")
        return [(x, y)] if x else []


class AgreementQuestion(Question):
    """Agreement over all minibatches of a size (at most 50), each part with its bootstrap intervals."""

    kind: Literal["agreement"] = "agreement"
    request: AgreementRequest

    def key(self, store: RunStore) -> str:
        return address_of(self, store, self.request.run, self.request.epoch, STATISTICS_VERSION, BOOTSTRAP_SEED)

    def answer(self, bench: Workbench) -> bytes:
        asked = self.request
        run = bench.store.run(asked.run)
        network = bench.network(asked.run, asked.epoch)
        found = minibatch_agreement(
            network,
            *run.minibatches(asked.minibatch_size),
            generator=np.random.default_rng(BOOTSTRAP_SEED),
            mode=asked.mode,
            masks=asked.masks,
            num_masks=asked.num_masks,
            seed=asked.seed,
            parts=None if asked.parts == "all" else list(dict.fromkeys(asked.parts.split(","))),
            pairs=asked.pairs,
        )
        values = asdict(found) | {
            "request": asked.model_dump(),
            "parts": [asdict(part) for part in found.parts.values()],
        }
        return json.dumps(values, separators=(",", ":"), allow_nan=False).encode()
