"""The runs that a notebook looks at: those of a directory, or one made of the model that the session has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from gradviz.errors import UserError, shown
from gradviz.experiment.batches import Batch
from gradviz.experiment.recording import record
from gradviz.experiment.store import RunStore
from gradviz.experiment.study import Study
from gradviz.experiment.study_loading import LoadedStudy, digest_of

NOW = "now"
"""The name of the run that is made of the session's model."""


@dataclass(frozen=True)
class Session:
    """`scratch` holds what is made for this session, and is removed with it."""

    store: RunStore
    scratch: TemporaryDirectory[str]

    @property
    def cache(self) -> Path:
        return Path(self.scratch.name) / "cache"


def open_session(
    study: Study | None,
    model: nn.Module | None,
    minibatches: Sequence[Batch] | None,
    *,
    runs: Path | str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Session:
    """The runs of the directory `runs`; or one of `model` as it is now, a copy, with `minibatches` (by default the
    study's). `arguments`: those that make the model, `study.model(**arguments)`.

    UserError if neither is given, or both are, and as `gradviz.record`.
    """
    if study is not None and not isinstance(study, Study):
        raise UserError(f"`study` must be a `gradviz.Study`, got {shown(repr(study))}.")
    if (model is None) == (runs is None):
        raise UserError("Give either a `study` and its `model`, or `runs`, the directory of runs to look at.")
    if model is not None and study is None:
        raise UserError("`study` is missing: `gradviz.Study(name, make_model, loss)` says how the model is computed.")
    scratch = TemporaryDirectory(prefix="gradviz-notebook-", ignore_cleanup_errors=True)
    loaded = None if study is None else LoadedStudy(study, study.name, "", {}, digest_of(study))
    try:
        if study is not None and model is not None:
            runs = Path(scratch.name) / "runs"
            runs.mkdir()
            record(study, model, runs / NOW, minibatches=minibatches, arguments=arguments, label="this session").close()
        assert runs is not None
        return Session(RunStore(Path(runs), loaded), scratch)
    except BaseException:
        scratch.cleanup()
        raise
