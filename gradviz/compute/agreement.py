"""The agreement of the minibatches at a checkpoint, as a question; its answer is JSON, for any reader."""

import json
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from gradviz.compute.question import Question, address_of
from gradviz.compute.study_statistics import (
    STUDY_STATISTICS_VERSION,
    Draws,
    facts_of,
    passes_of,
    problems_of,
    rows_of,
)
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import Run, RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.request import Checkpoint, MaskedEvaluation, MinibatchSize
from gradviz.landscape.scalar import Scalar, parameter_text
from gradviz.landscape.statistics import minibatch_agreement, problem_agreement

BOOTSTRAP_SEED = 0
STATISTICS_VERSION = 1
"""Part of every key: raise it whenever the same question gets different numbers."""


_PART = r"[^\s\[\],;]+"  # the name of a module or a tensor


class AgreementRequest(Checkpoint, MinibatchSize, MaskedEvaluation):
    """A checkpoint, how to evaluate it, and the parts of its parameters whose gradients to compare.

    `parts`: `all`, or names separated by commas: `model`, a layer or module (`hidden.1`), a tensor
    (`hidden.1.linear.bias`).
    `pair` names two parameters, separated by a semicolon, to compare as a separate part.
    """

    num_masks: int = Field(default=8, ge=1, le=16)
    parts: str = Field(default="all", max_length=8000, pattern=rf"^{_PART}(,{_PART})*$")
    pair: str = Field(default="", pattern=r"^([^;]{1,350};[^;]{1,350})?$")

    @field_validator("pair")
    @classmethod
    def _two_parameters(cls, text: str) -> str:
        if not text:
            return ""
        x, y = (parameter_text(part) for part in text.split(";"))
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
        asked, of_study = self.request, ()
        if isinstance(store.any_run(asked.run), StudyRun):
            of_study = (STUDY_STATISTICS_VERSION,)
        return address_of(self, store, asked.run, asked.epoch, STATISTICS_VERSION, BOOTSTRAP_SEED, *of_study)

    def passes(self, store: RunStore) -> float:
        run = store.any_run(self.request.run)
        return passes_of(run, self.request, self._draws) if isinstance(run, StudyRun) else super().passes(store)

    def answer(self, bench: Workbench) -> bytes:
        run = bench.store.any_run(self.request.run)
        found = self._of_study(run, bench) if isinstance(run, StudyRun) else self._of_deliveries(run, bench)
        return json.dumps(found, separators=(",", ":"), allow_nan=False).encode()

    def _of_deliveries(self, run: Run, bench: Workbench) -> dict[str, Any]:
        asked = self.request
        found = minibatch_agreement(
            bench.network(asked.run, asked.epoch),
            *run.minibatches(asked.minibatch_size),
            generator=np.random.default_rng(BOOTSTRAP_SEED),
            mode=asked.mode,
            masks=asked.masks,
            num_masks=asked.num_masks,
            seed=asked.seed,
            parts=self._parts,
            pairs=asked.pairs,
        )
        return asdict(found) | {
            "request": asked.model_dump(),
            "parts": [asdict(part) for part in found.parts.values()],
        }

    def _of_study(self, run: StudyRun, bench: Workbench) -> dict[str, Any]:
        asked = self.request
        problems = problems_of(run, asked, self._draws, bench.device)
        pairs = [(Scalar.parse(x), Scalar.parse(y)) for x, y in asked.pairs]
        generator = np.random.default_rng(BOOTSTRAP_SEED)
        parts = problem_agreement(problems, generator, parts=self._parts, pairs=pairs)
        return {
            "share_below": None,
            "share_below_K": None,
            "num_minibatches": len(problems),
            "num_rows": rows_of(problems),
            "parts": [asdict(part) for part in parts.values()],
            "request": asked.model_dump(),
            "facts": [[asdict(fact) for fact in told] for told in facts_of(run, problems)],
        }

    @property
    def _parts(self) -> list[str] | None:
        return None if self.request.parts == "all" else list(dict.fromkeys(self.request.parts.split(",")))

    @property
    def _draws(self) -> Draws:
        return Draws(self.request.masks, self.request.num_masks, self.request.seed)
