"""Memory that runs out: given back, tried again in smaller parts, else told; what comes next is answered as ever."""

import gc
import logging
import weakref
from collections.abc import Callable

import pytest
import torch

from gradviz.compute import units as units_module
from gradviz.compute.cache import FieldCache
from gradviz.compute.interface import ComputationFailed
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.local import LocalCompute
from gradviz.compute.memory import OutOfMemory, answered, is_out_of_memory, prepared
from gradviz.compute.units import UnitsQuestion
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape import evaluate as evaluate_module
from gradviz.landscape import many as many_module
from gradviz.landscape.tiling import TILE_BYTES, _tile_bytes, tiles_of

REQUEST = LandscapeRequest.of(
    run="dropout", epoch=1, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", points=5, minibatch_size=4
)
QUESTION = LandscapeQuestion(request=REQUEST)
SHORT = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "older torch": RuntimeError("CUDA error: out of memory"),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to"),
    "python and numpy": MemoryError("Unable to allocate 7.28 TiB for an array"),
}


class Shortage:
    """In place of a function: raises while tiles are larger than `enough`, and remembers a tensor of each attempt."""

    def __init__(self, function: Callable, error: BaseException, enough: int) -> None:
        self.function, self.error, self.enough = function, error, enough
        self.held: list[weakref.ref] = []
        self.calls = 0

    def __call__(self, *arguments: object, **settings: object) -> object:
        self.calls += 1
        if _tile_bytes.get() <= self.enough:
            return self.function(*arguments, **settings)
        large = torch.ones(1000)
        self.held.append(weakref.ref(large))
        raise type(self.error)(*self.error.args)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shortage]:
    def make(error: BaseException, *, enough: int = 0, module: object = evaluate_module, name: str = "outputs_on_grid"):
        shortage = Shortage(getattr(module, name), error, enough)
        monkeypatch.setattr(module, name, shortage)
        return shortage

    return make


@pytest.mark.parametrize("error", SHORT.values(), ids=SHORT)
def test_smaller_tiles_give_the_same_bytes(tiny_store: RunStore, short: Callable[..., Shortage], error: BaseException):
    expected = QUESTION.answer(Workbench(tiny_store))
    shortage = short(error, enough=TILE_BYTES // 2)
    assert answered(QUESTION, Workbench(tiny_store)) == expected
    assert shortage.calls == 2


@pytest.mark.parametrize("error", SHORT.values(), ids=SHORT)
def test_what_fails_twice_is_told_and_holds_no_memory(
    tiny_store: RunStore, short: Callable[..., Shortage], error: BaseException
):
    bench = Workbench(tiny_store)
    gc.disable()
    try:
        shortage = short(error)
        with pytest.raises(OutOfMemory, match=r"too little memory.*fewer points") as raised:
            answered(QUESTION, bench)
        assert shortage.calls == 2
        assert [ref() for ref in shortage.held] == [None, None]  # though the exception itself is still held here
        assert raised.value.__context__ is None
        assert bench.nbytes == 0
    finally:
        gc.enable()


def test_other_errors_are_themselves(tiny_store: RunStore, short: Callable[..., Shortage]):
    shortage = short(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        answered(QUESTION, Workbench(tiny_store))
    assert shortage.calls == 1
    assert not any(map(is_out_of_memory, (ValueError("out of memory"), RuntimeError("boom"), KeyError(0))))


def test_minibatches_that_cannot_share_a_pass_are_answered_one_by_one(
    tiny_store: RunStore, short: Callable[..., Shortage], caplog: pytest.LogCaptureFixture
):
    questions = [
        LandscapeQuestion(request=REQUEST.model_copy(update={"minibatch": k, "run": "none"})) for k in range(3)
    ]
    expected = [question.answer(Workbench(tiny_store)) for question in questions]
    shortage = short(SHORT["cuda"], module=many_module, name="CleanPass")
    bench = Workbench(tiny_store)
    prepared(questions, bench)
    with caplog.at_level(logging.WARNING):
        assert [answered(each, bench, questions) for each in questions] == expected
    assert shortage.calls > 1
    assert "smaller parts" in caplog.text


def test_the_next_question_is_answered_and_a_sweep_goes_on(
    tiny_store: RunStore, short: Callable[..., Shortage], tmp_path
):
    shortage = short(SHORT["cuda"])
    with FieldCache(tmp_path) as cache:
        compute = LocalCompute(tiny_store, cache, device="cpu")
        with pytest.raises(ComputationFailed):
            compute.landscape(REQUEST)
        shortage.enough = TILE_BYTES
        assert isinstance(compute.landscape(REQUEST), GradientField)
        assert len(list(compute.sweep(REQUEST, [0, 1]))) == 2


def test_other_questions_are_told_the_same(tiny_store: RunStore, short: Callable[..., Shortage]):
    short(SHORT["cpu"], module=units_module, name="centre_gradients")
    with pytest.raises(OutOfMemory):
        answered(UnitsQuestion(run="none", epoch=1, layer=0, minibatch_size=4), Workbench(tiny_store))


def test_smaller_tiles_hold_within_alone():
    with pytest.raises(KeyError), tiles_of(1):
        raise KeyError
    assert _tile_bytes.get() == TILE_BYTES
