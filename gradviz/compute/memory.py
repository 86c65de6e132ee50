"""Answering where memory is short: what is kept is given back and smaller tiles are tried before a question fails.

An exception holds the frames that it has passed, they hold their tensors, and whoever keeps the exception keeps all of
these: the frames are emptied before anything else is done.
"""

import gc
import logging
import traceback
from collections.abc import Callable, Sequence

import torch

from gradviz.compute.interface import ComputationFailed
from gradviz.compute.question import Question
from gradviz.compute.workbench import Workbench
from gradviz.landscape.engine import TILE_BYTES, tiles_of

_log = logging.getLogger(__name__)
_SMALLER = 16
_SIGNS = ("out of memory", "can't allocate memory", "alloc_failed")  # of CUDA, of the CPU, of cuBLAS and cuDNN


class OutOfMemory(ComputationFailed):
    """There is too little memory for this question now, in small parts too."""


def answered(question: Question, bench: Workbench, together: Sequence[Question] = ()) -> bytes:
    """The answer to a question, `together` with others first what they share. OutOfMemory where it cannot be had."""

    def whole() -> bytes:
        if len(together) > 1:
            question.prepare(together, bench)
        return question.answer(bench)

    content = _unless_out_of_memory(whole, bench)
    if content is not None:
        return content
    _log.warning("Memory is short: what was kept is given back, and the same is tried in smaller parts.")
    with tiles_of(TILE_BYTES // _SMALLER):
        content = _unless_out_of_memory(lambda: question.answer(bench), bench)
    if content is not None:
        return content
    where = "The GPU" if bench.device.type == "cuda" else "This machine"
    raise OutOfMemory(
        f"{where} has too little memory for this, in small parts too: ask for fewer points or a smaller minibatch, or "
        "again when other programs have let go of theirs."
    )


def prepared(questions: Sequence[Question], bench: Workbench) -> None:
    """Does what several questions share, where there is memory for it; they can be answered without."""
    _unless_out_of_memory(lambda: questions[0].prepare(questions, bench) or b"", bench)


def is_out_of_memory(error: BaseException) -> bool:
    """Torch has a class for CUDA alone; of others the message tells."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def _unless_out_of_memory(compute: Callable[[], bytes], bench: Workbench) -> bytes | None:
    """None when memory has run out; then nothing of the attempt is left, nor of what was kept before."""
    try:
        return compute()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        _empty_frames(error)
    bench.forget()
    gc.collect()
    if bench.device.type == "cuda":
        torch.cuda.empty_cache()
    return None


def _empty_frames(error: BaseException | None) -> None:
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__, error = None, error.__context__
