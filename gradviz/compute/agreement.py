"""The question how much the minibatches agree at a checkpoint; its answer is JSON, so that any reader can use it."""

import json
from dataclasses import asdict
from typing import Literal

import numpy as np
import torch
from pydantic import Field, ValidationError, field_validator

from gradviz.compute.question import Question, address_of
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError, one_line
from gradviz.experiment.store import RunStore
from gradviz.landscape import ParameterRef, network_of
from gradviz.landscape.request import Checkpoint, MaskedEvaluation, MinibatchSize
from gradviz.landscape.statistics import minibatch_agreement

BOOTSTRAP_SEED = 0
STATISTICS_VERSION = 1
"""Part of every key: raised whenever the same question would get other numbers."""


class AgreementRequest(Checkpoint, MinibatchSize, MaskedEvaluation):
    """A checkpoint, how it is evaluated, and the parts of its parameters whose gradients are compared.

    `parts`: `all`, or names with commas between: `model`, a layer (`hidden.1`), a tensor (`hidden.1.linear.bias`).
    `pair` names two parameters with a semicolon between, compared as a part of their own.
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

    @classmethod
    def of(cls, **values: object) -> "AgreementRequest":
        """As the constructor, with `UserError` in place of pydantic's own error."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError(one_line(error)) from None


class AgreementQuestion(Question):
    """Agreement over all minibatches of a size (at most 50), each part with its bootstrap intervals."""

    kind: Literal["agreement"] = "agreement"
    request: AgreementRequest

    def key(self, store: RunStore) -> str:
        return address_of(self, store, self.request.run, self.request.epoch, STATISTICS_VERSION, BOOTSTRAP_SEED)

    def answer(self, bench: Workbench) -> bytes:
        asked = self.request
        run = bench.store.run(asked.run)
        network = network_of(bench.model(asked.run, asked.epoch), dtype=torch.float32, device=bench.device)
        if asked.mode == "train" and network.has_norm and asked.minibatch_size < 2:
            raise UserError("`minibatch_size` must be at least 2 in train mode: one row has no batch statistics.")
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
