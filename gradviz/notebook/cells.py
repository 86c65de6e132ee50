"""The page and the cells of a notebook share a process and torch's random numbers: they compute one after the other."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradviz.compute.interface import Busy, StillWanted, Ticket
from gradviz.compute.local import LocalCompute

_WAIT_SECONDS = 2.0
"""After this time behind a cell the page is told to ask again."""


class Cells:
    """Whether a cell runs. A cell that begins waits for a computation under way, which ends at its next tile."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_running, self._num_computing = False, 0

    @property
    def is_running(self) -> bool:
        return self._is_running

    def begin(self, *_: Any) -> None:
        with self._changed:
            self._is_running = True
            self._changed.wait_for(lambda: self._num_computing == 0)

    def end(self, *_: Any) -> None:
        with self._changed:
            self._is_running = False
            self._changed.notify_all()

    @contextmanager
    def between(self) -> Iterator[None]:
        """Until a cell that runs has ended; Busy if that takes long."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._is_running, _WAIT_SECONDS):
                raise Busy(1, 1.0)
            self._num_computing += 1
        try:
            yield
        finally:
            with self._changed:
                self._num_computing -= 1
                self._changed.notify_all()

    def listen(self) -> None:
        """To this process's notebook, if it is one; the cell that is running now is one that runs."""
        shell = notebook_shell()
        if shell is not None:
            shell.events.register("pre_run_cell", self.begin)
            shell.events.register("post_run_cell", self.end)
            self._is_running = True

    def forget(self) -> None:
        shell = notebook_shell()
        if shell is not None:
            for event, call in (("pre_run_cell", self.begin), ("post_run_cell", self.end)):
                if call in shell.events.callbacks[event]:
                    shell.events.unregister(event, call)
        self.end()


def notebook_shell() -> Any:
    """IPython's shell, if this process is a notebook's kernel; else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


class ComputeBetweenCells(LocalCompute):
    """Computes while no cell runs."""

    cells: Cells

    def result(self, ticket: Ticket, still_wanted: StillWanted = lambda: True) -> bytes:
        kept = self.cache.get(ticket.key)
        if kept is not None:
            return kept
        with self.cells.between():
            return super().result(ticket, lambda: still_wanted() and not self.cells.is_running)
