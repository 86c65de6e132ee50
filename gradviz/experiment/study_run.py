"""Reads a run of any study: its checkpoints, its metrics and its minibatches, while a recorder may be writing them.

Files are checked against each other without the study, which is code and may not be loaded; the model and minibatches
of classes of the user's own need it.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor, nn

from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.anatomy import Anatomy, anatomy_of
from gradviz.experiment.batches import Batch, joined, record_classes, selected
from gradviz.experiment.capabilities import Capabilities, capabilities_of_study
from gradviz.experiment.counting import counted
from gradviz.experiment.examined import Examinations, Examined
from gradviz.experiment.files import is_there
from gradviz.experiment.metrics_table import MetricsLine, read_table
from gradviz.experiment.minibatches_file import read_minibatch, read_sizes, read_structures
from gradviz.experiment.model_state import difference, load_state
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.run_directory import (
    METRICS_NAME,
    MINIBATCHES_NAME,
    BrokenCheckpoint,
    CheckpointFiles,
    FileChecks,
    checkpoint_files,
)
from gradviz.experiment.study import Study
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.experiment.study_record import StudyRecord
from gradviz.experiment.tensor_file import TensorShape, check_header, file_digest, read_header, read_tensors

_NO_SIZE = 64  # what a request carries that names no size


class StudyRun:
    """A run of a study on disk, read-only; caches its checks. Safe to share between threads."""

    def __init__(
        self, path: Path, record: StudyRecord, loaded: LoadedStudy | None, examinations: Examinations | None = None
    ) -> None:
        self.path, self.record, self.config, self.name = path, record, record, record.name
        self.title, self.study_name, self.group, self.seed = record.title, record.study, record.group, record.seed
        self._loaded, self._examinations = loaded, examinations or Examinations()
        self._checks = FileChecks()
        self._checkpoints = CheckpointFiles(path, self.name, self._check, self._checks)

    @property
    def study(self) -> Study:
        """Its study; UserError, with the remedy, if that is not loaded."""
        return self._study().study

    @property
    def loaded_as(self) -> str:
        """The name by which its study was loaded; UserError as `study`."""
        return self._study().name

    @property
    def study_has_changed(self) -> bool:
        """Whether the study's source is not that of the recorded run."""
        return self.record.study_digest not in (None, self._study().made_by)

    @property
    def capabilities(self) -> Capabilities:
        """What its model can do, found by a forward pass; UserError as `anatomy`."""
        return self._examined().capabilities

    @property
    def anatomy(self) -> Anatomy:
        """The tensors and layers of its model; UserError if the study is not loaded, or fails, or has changed."""
        return self._examined().anatomy

    @property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of its floating parameters, in the model's order; UserError as `anatomy`."""
        return self.anatomy.shapes

    @property
    def products(self) -> int:
        """The multiplications of a forward pass of its first minibatch, by weights; UserError as `anatomy`."""
        return self._examined().products

    def cannot(self) -> str | None:
        """Why no landscape of this run can be computed now, as a sentence; None if it can."""
        try:
            self._examined()
        except UnusableFile as error:
            return f"{error.path.name} cannot be used: {error.reason}."
        except UserError as error:
            return str(error)
        reason = self._unusable_minibatches()
        return None if reason is None else f"{MINIBATCHES_NAME} cannot be used: {reason}."

    @property
    def planned_epochs(self) -> int:
        """As its settings plan them; else its last epoch."""
        planned, last = self.record.settings.get("epochs"), max(self.epochs(), default=0)
        return max(planned, last) if isinstance(planned, int) else last

    def epochs(self) -> list[int]:
        """Epochs with a complete checkpoint, ascending."""
        return self._checkpoints.epochs()

    def broken(self) -> list[BrokenCheckpoint]:
        """The files left out, and the reasons: checkpoints, then lines of metrics.csv, and the minibatches."""
        path, broken = self.path / MINIBATCHES_NAME, self._checkpoints.broken()
        broken += [BrokenCheckpoint(self.path / METRICS_NAME, reason) for reason in self._metrics()[1]]
        reason = self._unusable_minibatches()
        # What is not there is no file to be named; `cannot` tells it.
        return [*broken, BrokenCheckpoint(path, reason)] if reason and is_there(path) else broken

    def metrics(self) -> list[MetricsLine]:
        """The metrics of each epoch that has some, ascending, without damaged lines."""
        return self._metrics()[0]

    def model(self, epoch: int) -> nn.Module:
        """A fresh model of the study in eval mode with one checkpoint's state, in the study's own dtypes.

        UserError if the checkpoint is missing or broken, or is not one of the study's model.
        """
        model = asking.made_model(self.study, self.record.arguments)
        path = self._checkpoints.path(epoch)
        reason = difference(model, {name: tensor.shape for name, tensor in read_header(path).items()})
        if reason is not None:
            raise UnusableFile(path, f"{reason}: the study {self.record.study} has changed since it was recorded")
        load_state(model, self._checkpoints.read(epoch, _finite_state))
        return model.eval()

    def minibatches(self) -> list[Batch]:
        """All minibatches of the run, as `minibatch`."""
        return [self.minibatch(index) for index in range(self.record.num_minibatches)]

    def num_minibatches(self, size: int = 64) -> int:
        """How many were recorded, whatever their size; known without reading them."""
        return self.record.num_minibatches

    def minibatch(self, index: int, size: int = 64) -> Batch:
        """One of the run's minibatches, on the CPU, read anew each time.

        UserError names the allowed range, and for a `size` other than the default: they have the size that they were
        recorded with. UserError too if they are of a class that only the study knows.
        """
        self._check_minibatch(index, size)
        count = self.record.num_minibatches
        classes = {} if self._loaded is None else record_classes(self._loaded.namespace)
        return read_minibatch(self.path / MINIBATCHES_NAME, index, count, classes)

    def _check_minibatch(self, index: int, size: int) -> None:
        if size != _NO_SIZE:
            raise UserError(
                f"`minibatch_size` cannot be chosen for the run {self.name}: its minibatches were recorded with it."
            )
        count = self.record.num_minibatches
        if not 0 <= index < count:
            raise UserError(f"`minibatch` of the run {self.name} must be in [0, {count - 1}], got {index}.")

    def num_rows(self) -> int:
        """The number of rows of all its minibatches, of which one may be composed; known from the file's header."""
        return self._starts()[-1]

    def row_numbers(self, minibatch: int, size: int = 64) -> list[int]:
        """The numbers of a minibatch's rows, counted through from those of minibatch 0; UserError as `minibatch`."""
        self._check_minibatch(minibatch, size)
        return list(range(*self._starts()[minibatch : minibatch + 2]))

    def rows_batch(self, rows: Sequence[int]) -> Batch:
        """The minibatch that is composed of these rows, in this order, by their numbers as `row_numbers`.

        Reads only the minibatches that they are of. UserError names the first that is not there, and the range, or what
        keeps rows of several minibatches from being one; also as `minibatch`.
        """
        starts = self._starts()
        for row in rows:
            if not 0 <= row < starts[-1]:
                raise UserError(f"`rows` of the run {self.name} must be in [0, {starts[-1] - 1}], got {row}.")
        numbers = sorted({bisect_right(starts, row) - 1 for row in rows})
        order = sorted(set(rows))
        own = {k: [row - starts[k] for row in order if starts[k] <= row < starts[k + 1]] for k in numbers}
        together = joined([selected(self.minibatch(k), torch.tensor(own[k])) for k in numbers], numbers)
        places = {row: place for place, row in enumerate(order)}
        return selected(together, torch.tensor([places[row] for row in rows]))

    def descriptions(self, batch: Batch) -> list[str]:
        """A line of text for each row of a batch; none if the study describes none, or is not loaded."""
        return [] if self.cannot() else asking.descriptions(self.study, batch)

    def digest(self, epoch: int) -> str:
        """Hex sha256 of a checkpoint's content, for cache keys."""
        return self._checkpoints.digest(epoch)

    def address(self, epoch: int) -> str:
        """Identifies this checkpoint with the minibatches: their content, the study's source as it was loaded, and the
        model's arguments."""
        return f"{self.digest(epoch)} {self._minibatches_digest()} {self.identity()}"

    def stamp(self) -> str:
        """Changes when the run starts over."""
        contents = [] if (first := self._checkpoints.first()) is None else [self.digest(first)]
        with suppress(UnusableFile):  # without its minibatches the run is still told, with its curves
            contents.append(self._minibatches_digest())
        code = "" if self._loaded is None else self._loaded.digest
        return f"{self.record.model_dump_json()} {code} {contents}"

    def _unusable_minibatches(self) -> str | None:
        """Why the file of the minibatches is unusable, by its header and length; None if it is not."""
        path = self.path / MINIBATCHES_NAME

        def check() -> str | None:
            try:
                read_structures(path, self.record.num_minibatches)
            except UnusableFile as error:
                return error.reason
            return None

        return self._checks.cached("minibatches", path, check)

    def _starts(self) -> list[int]:
        """The number of the first row of each minibatch, and behind them that of all rows."""
        path = self.path / MINIBATCHES_NAME

        def read() -> list[int]:
            return list(accumulate(read_sizes(path, self.record.num_minibatches), initial=0))

        return self._checks.cached("starts", path, read)

    def _minibatches_digest(self) -> str:
        path = self.path / MINIBATCHES_NAME
        return self._checks.cached("digest", path, lambda: file_digest(path))

    def identity(self) -> str:
        """The study's source as it was loaded, and the model's arguments; UserError if the study is not loaded."""
        identity = [self.record.study, self._study().digest, self.record.arguments]
        return json.dumps(identity, sort_keys=True, separators=(",", ":"))

    def _examined(self) -> Examined:
        first = self._checkpoints.first()
        header = {} if first is None else self._header(self._checkpoints.path(first))
        shapes = {name: tensor.shape for name, tensor in header.items()}
        identity = self.identity()

        def examine() -> Examined:
            model = asking.made_model(self.study, self.record.arguments)
            reason = difference(model, shapes) if shapes else None
            if reason is not None:
                raise UserError(f"The study {self.record.study} has changed since {self.name} was recorded: {reason}.")
            with counted(model) as count:
                capabilities = capabilities_of_study(self.study, model, self.minibatch(0))
            return Examined(anatomy_of(model), capabilities, count.products)

        return self._examinations.get(f"{identity} {json.dumps(shapes)}", examine)

    def _study(self) -> LoadedStudy:
        if self._loaded is None or self._loaded.study.name != self.record.study:
            raise UserError(
                f"The run {self.name} is of the study {self.record.study}: name its file with `--study FILE.py:NAME` "
                "or GRADVIZ_STUDY."
            )
        return self._loaded

    def _check(self, path: Path, header: Mapping[str, TensorShape]) -> None:
        """UnusableFile unless a checkpoint has the tensors of the first one that can be read: usually of epoch 0, which
        was checked before it was written."""
        for first in checkpoint_files(self.path).values():
            with suppress(UnusableFile):
                expected = self._header(first)
                break
        else:
            expected = header
        check_header(path, header, expected)

    def _header(self, path: Path) -> dict[str, TensorShape]:
        return self._checks.cached("header", path, lambda: read_header(path))

    def _metrics(self) -> tuple[list[MetricsLine], list[str]]:
        path = self.path / METRICS_NAME
        return self._checks.cached("metrics", path, lambda: read_table(path))


def _finite_state(path: Path) -> dict[str, Tensor]:
    state = read_tensors(path)
    if not all(torch.isfinite(tensor).all() for tensor in state.values() if tensor.is_floating_point()):
        raise UnusableFile(path, "it has values that are not finite")
    return state
