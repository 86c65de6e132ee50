"""Recorders for Lightning's Trainer and Hugging Face's, as callbacks that import neither.

Both trainers call hooks by name, most of which do nothing here.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gradviz.experiment.metrics_table import LOSSES
from gradviz.experiment.recording import Recorder, record
from gradviz.experiment.study import Study

_NO_NAME = re.compile(r'[",\s]+')


class _Hooks:
    """A run that a trainer's hooks record. `options` are those of `gradviz.record`."""

    def __init__(
        self,
        study: Study,
        directory: Path | str,
        model: Callable[[Any], nn.Module],
        losses: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> None:
        self._study, self._directory, self._model_of, self._options = study, directory, model, dict(options)
        self._names = {name: own for own, name in losses.items()}
        self._run: Recorder | None = None

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Every other hook, which does nothing."""
        if name.startswith("on_") or name in ("setup", "teardown", "load_state_dict"):
            return _nothing
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _begin(self, module: Any) -> None:
        self._run = record(self._study, self._model_of(module), self._directory, **self._options)

    def _epoch(self, metrics: Mapping[str, Any]) -> None:
        assert self._run is not None
        numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float | Tensor)}
        self._run.epoch(**{self._names.get(name, _NO_NAME.sub("_", name)): value for name, value in numbers.items()})

    def _end(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.close()


class LightningRecorder(_Hooks):
    """Records every epoch of Lightning: `Trainer(callbacks=[gradviz.LightningRecorder(study, "runs/a")])`.

    `model`: finds the study's model in the LightningModule, by default its attribute `model`, else the module itself.
    `train_loss`, `test_loss`: the names under which these are logged; everything else that is logged keeps its own.
    `options`: those of `gradviz.record`.
    """

    state_key = _legacy_state_key = "gradviz.LightningRecorder"

    def __init__(
        self,
        study: Study,
        directory: Path | str,
        *,
        model: Callable[[Any], nn.Module] | None = None,
        train_loss: str = "train_loss",
        test_loss: str = "val_loss",
        **options: Any,
    ) -> None:
        found = model or (lambda module: getattr(module, "model", module))
        super().__init__(study, directory, found, dict(zip(LOSSES, (train_loss, test_loss), strict=True)), options)

    def state_dict(self) -> dict[str, Any]:
        """Lightning's own checkpoints hold nothing of the recorder."""
        return {}

    def on_train_start(self, trainer: Any, module: Any) -> None:
        if trainer.is_global_zero:
            self._begin(module)

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        if trainer.is_global_zero:
            self._epoch(trainer.callback_metrics)

    def on_train_end(self, trainer: Any, module: Any) -> None:
        self._end()

    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        self._end()


class TrainerRecorder(_Hooks):
    """Records every epoch of Hugging Face's Trainer: `Trainer(callbacks=[gradviz.TrainerRecorder(study, "runs/a")])`.

    An epoch's metrics are what the Trainer has logged since the last one, `loss` as `train_loss` and `eval_loss` as
    `test_loss`, so that it waits for an evaluation or a log that belongs to the epoch's end.
    `model`: finds the study's model in the Trainer's, by default that itself; `options`: those of `gradviz.record`.
    """

    def __init__(
        self,
        study: Study,
        directory: Path | str,
        *,
        model: Callable[[Any], nn.Module] = lambda model: model,
        train_loss: str = "loss",
        test_loss: str = "eval_loss",
        **options: Any,
    ) -> None:
        super().__init__(study, directory, model, dict(zip(LOSSES, (train_loss, test_loss), strict=True)), options)
        self._num_logged, self._is_due = 0, False

    def on_train_begin(self, args: Any, state: Any, control: Any, *, model: nn.Module, **_: Any) -> None:
        if state.is_world_process_zero:
            self._num_logged, self._is_due = len(state.log_history), False
            self._begin(model)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._is_due = self._run is not None
        if not control.should_evaluate and not control.should_log:
            self._record(state)

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not control.should_evaluate:
            self._record(state)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._record(state)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._record(state)  # what was expected at the end of the last epoch did not come; the model is still the same

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._record(state)
        self._end()

    def _record(self, state: Any) -> None:
        if not self._is_due:
            return
        self._is_due = False
        logged, self._num_logged = state.log_history[self._num_logged :], len(state.log_history)
        self._epoch({name: value for line in logged for name, value in line.items() if name not in ("epoch", "step")})


def _nothing(*_: Any, **__: Any) -> None:
    pass
