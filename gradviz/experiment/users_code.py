"""Runs a user's own code: its errors are told in one sentence with the user's own line, and nothing global changes."""

import linecache
import random
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gradviz.errors import UserError, shown

_OURS = Path(__file__).parents[1]
_SHIPPED = Path(__file__).parent / "studies"
_INSTALLED = tuple(
    Path(path) for name, path in sysconfig.get_paths().items() if name.endswith("lib") or name == "stdlib"
)


class UsersError(UserError):
    """An error raised by a user's own code, told by its own line."""


@contextmanager
def users_code(what: str) -> Iterator[None]:
    """Turns any error of the code within into a UsersError that begins with `what`, such as `loss of the study x`.

    Errors for users and exhausted memory pass unchanged.
    """
    try:
        yield
    except (UserError, torch.OutOfMemoryError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # a user's code may raise anything; the sentence tells all of it
        raise UsersError(_told(error, what)) from error


@contextmanager
def same_randomness() -> Iterator[None]:
    """Restores the random states of torch, numpy and Python afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=gpus):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def same_model(model: nn.Module, *, training: bool) -> Iterator[None]:
    """Sets the mode of the whole model, and restores each part's mode and all buffers afterwards."""
    modes = {part: part.training for part in model.modules()}
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    model.train(training)
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
        with torch.no_grad():
            for buffer, value in buffers:
                if not torch.equal(buffer, value):
                    buffer.copy_(value)


def _told(error: BaseException, what: str) -> str:
    name = type(error).__name__
    text = shown(" ".join(str(error).split()))
    reason = f"{name}: {text}" if text else name
    if isinstance(error, SyntaxError) and error.filename:
        place, line = (Path(error.filename).name, error.lineno), error.text or ""
    else:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
        if not own:
            return f"The {what} fails with {reason}."
        place = Path(own[-1].filename).name, own[-1].lineno
        line = own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0)
    quoted = f" (`{shown(line.strip())}`)" if line.strip() else ""
    return f"The {what} fails in {place[0]}, line {place[1]}{quoted}: {reason}."


def _is_users(filename: str) -> bool:
    """Whether a line is the user's own: neither gradviz's, nor Python's or an installed package's."""
    path = Path(filename)
    if path.is_relative_to(_SHIPPED):
        return True
    return not path.is_relative_to(_OURS) and not any(path.is_relative_to(place) for place in _INSTALLED)
