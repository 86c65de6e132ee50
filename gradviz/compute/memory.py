"""Answers questions when memory is short: frees the kept networks and tries smaller tiles before a question fails.

An exception holds its stack frames, and these hold their tensors; so the first step is to clear the frames.
"""

import gc
import logging
import traceback
from collections.abc import Callable, Sequence

import torch

from gradviz.compute.interface import ComputationFailed
from gradviz.compute.question import Question
from gradviz.compute.workbench import Workbench
from gradviz.landscape.tiling import TILE_BYTES, tiles_of

_log = logging.getLogger(__name__)
_SMALLER = 16
_SIGNS = ("out of memory", "can't allocate memory", "alloc_failed")  # of CUDA, of the CPU, of cuBLAS and cuDNN


class OutOfMemory(ComputationFailed):
    """Memory is currently too small for this question, even in small parts."""


def answered(question: Question, bench: Workbench, together: Sequence[Question] = ()) -> bytes:
    """The answer to a question, after preparing what the questions `together` share. OutOfMemory if memory runs out."""

    def whole() -> bytes:
        if len(together) > 1:
            question.prepare(together, bench)
        return question.answer(bench)

    content = _unless_out_of_memory(whole, bench)
    if content is not None:
        return content
    _log.warning("Memory is short: freed the kept networks, and trying again in smaller parts.")
    with tiles_of(TILE_BYTES // _SMALLER):
        content = _unless_out_of_memory(lambda: question.answer(bench), bench)
    if content is not None:
        return content
    where = "The GPU" if bench.device.type == "cuda" else "This machine"
    raise OutOfMemory(
        f"{where} has too little memory for this, even in small parts: request fewer points or a smaller minibatch, or "
        "retry when other programs have freed memory."
    )


def prepared(questions: Sequence[Question], bench: Workbench) -> None:
    """Computes what several questions share, if memory allows; they can be answered without."""
    _unless_out_of_memory(lambda: questions[0].prepare(questions, bench) or b"", bench)


def is_out_of_memory(error: BaseException) -> bool:
    """Torch has a class only for CUDA; recognise others by their message."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def _unless_out_of_memory(compute: Callable[[], bytes], bench: Workbench) -> bytes | None:
    """None if memory ran out; then both the attempt and everything kept before are freed."""
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
