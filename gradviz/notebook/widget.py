"""`gradviz.widget`: one landscape in a notebook, with sliders over epochs and minibatches. Needs anywidget.

The browser draws with the dashboard's own modules (`assets/standalone/widget.js`); the kernel computes what a slider
asks for, and the browser keeps it.
"""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

from gradviz.compute.workbench import Workbench
from gradviz.dashboard.assets import STANDALONE, assets_folder
from gradviz.dashboard.modules import assembled
from gradviz.drawing import frames
from gradviz.drawing.browser import for_browser
from gradviz.drawing.inline import field_html, words_of
from gradviz.errors import UserError
from gradviz.experiment.batches import Batch
from gradviz.experiment.study import Study
from gradviz.landscape import GradientField, LandscapeRequest, ZeroReason, zero_message
from gradviz.landscape.directions.axis import is_direction
from gradviz.notebook.session import NOW, Session, open_session


def widget(
    study: Study | None = None,
    model: nn.Module | None = None,
    minibatches: Sequence[Batch] | None = None,
    *,
    x: str,
    y: str,
    runs: Path | str | None = None,
    run: str = NOW,
    epoch: int | None = None,
    minibatch: int = 0,
    arguments: Mapping[str, Any] | None = None,
    device: str = "auto",
    **asked: Any,
) -> Any:
    """The landscape of the parameters `x` and `y` of `model` as it is now; or of a `run` in the directory `runs`, with
    a slider over its epochs (`epoch` at first, by default the last one).

    `asked`: more of a `LandscapeSpec`, such as `mode`, `masks`, `half_width` and `points`. The widget's `field` is the
    `GradientField` on show; `epoch` and `minibatch` are its traits. Raises UserError as `gradviz.explore`, and if
    anywidget is not installed.
    """
    if is_direction(x) or is_direction(y):
        raise UserError(f"`x` and `y` must be parameters, got {x} and {y}: `gradviz.explore` shows directions.")
    made = _widget_class()
    session = open_session(study, model, minibatches, runs=runs, arguments=arguments)
    epochs = session.store.any_run(run).epochs()
    if not epochs:
        raise UserError(f"The run {run} has no checkpoint yet.")
    first = {"run": run, "epoch": epochs[-1] if epoch is None else epoch, "minibatch": minibatch, "x": x, "y": y}
    return made(session, LandscapeRequest.of(**{**first, **asked}), device)


@cache
def script() -> str:
    """The browser's part: a module whose default export is what anywidget calls."""
    return assembled(assets_folder() / STANDALONE / "widget.js", default="widget")


def told_to_browser(session: Session, request: LandscapeRequest) -> dict[str, Any]:
    """What stays the same while the sliders move."""
    run = session.store.any_run(request.run)
    return {
        "look": for_browser(),
        "zero_messages": [zero_message(reason) for reason in ZeroReason],
        "epochs": run.epochs(),
        "minibatches": run.num_minibatches(request.minibatch_size),
        "half_width": request.half_width,
        "direction": "ascent",
        "x": request.x,
        "y": request.y,
    }


def answer_of(request: LandscapeRequest, field: GradientField) -> dict[str, Any]:
    """A field as the browser takes it."""
    words = [f"Run {request.run}, epoch {request.epoch}, {request.minibatch_words}.", *words_of(field)]
    told = {"epoch": request.epoch, "minibatch": request.minibatch, "words": words}
    return told | {"frame": frames.frame(request.epoch, field)}


@cache
def _widget_class() -> Any:
    """Made when it is first wanted: anywidget is no requirement of gradviz."""
    if importlib.util.find_spec("anywidget") is None:
        raise UserError("`gradviz.widget` needs anywidget: pip install 'gradviz-dashboard[notebook]'.")
    anywidget, traitlets = importlib.import_module("anywidget"), importlib.import_module("traitlets")

    class LandscapeWidget(anywidget.AnyWidget):
        _esm = script()
        _css = (assets_folder() / STANDALONE / "widget.css").read_text(encoding="utf-8")
        told = traitlets.Dict().tag(sync=True)
        answer = traitlets.Dict().tag(sync=True)
        trouble = traitlets.Unicode().tag(sync=True)
        epoch = traitlets.Int().tag(sync=True)
        minibatch = traitlets.Int().tag(sync=True)
        under = traitlets.Enum(("none", "heat", "contour"), "none").tag(sync=True)
        field: GradientField

        def __init__(self, session: Session, request: LandscapeRequest, device: str) -> None:
            self._session, self._request = session, request
            self._bench = Workbench(session.store, device=device)
            told = told_to_browser(session, request)
            super().__init__(told=told, epoch=request.epoch, minibatch=request.minibatch)
            self._compute()
            self.observe(self._moved, ["epoch", "minibatch"])

        def _moved(self, _: Any) -> None:
            try:
                self._compute()
            except UserError as error:
                self._tell(str(error))
            except Exception as error:  # of the study's own code: the browser waits for an answer
                self._tell(f"{type(error).__name__}: {error}")
                raise

        def _tell(self, trouble: str) -> None:
            self.trouble = ""  # so that the same one is told again
            self.trouble = trouble

        def _compute(self) -> None:
            where = {"epoch": self.epoch, "minibatch": self.minibatch}
            request = LandscapeRequest.of(**{**self._request.model_dump(exclude={"variant"}), **where})
            self.field = self._bench.landscape(request)
            self.answer = answer_of(request, self.field)

        def _repr_mimebundle_(self, **options: Any) -> Any:
            """With a still picture, for places that show no widgets."""
            told = super()._repr_mimebundle_(**options)
            still = {"text/html": field_html(self.field)}
            return ({**told[0], **still}, *told[1:]) if isinstance(told, tuple) else {**(told or {}), **still}

    return LandscapeWidget
