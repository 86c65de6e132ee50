"""What is kept of runs of any study: read once, bounded in bytes, shared by planes of a minibatch, the same bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import LandscapeRequest, pausing
from gradviz.landscape.replay import loop
from gradviz.landscape.replay.private import PrivateModel

REQUEST = LandscapeRequest.of(run="net", epoch=1, x="conv1.weight[2,0,1,1]", y="conv2.bias[3]", points=3)
OTHERS = [
    REQUEST,
    REQUEST.model_copy(update={"x": "head.bias[0]"}),
    REQUEST.model_copy(update={"minibatch": 3}),
    REQUEST.model_copy(update={"epoch": 0}),
    REQUEST.model_copy(update={"mode": "train", "masks": "frozen"}),
    REQUEST.model_copy(update={"mode": "train", "masks": "frozen", "seed": 4}),
    REQUEST,
]


@pytest.fixture
def make(recorded: Path, loaded: LoadedStudy) -> Callable[[int], Workbench]:
    return lambda memory_bytes: Workbench(RunStore(recorded, loaded), device="cpu", memory_bytes=memory_bytes)


def test_small_and_large_memory_give_the_same_bytes(make: Callable[[int], Workbench]):
    small, large = make(0), make(2**30)
    for request in OTHERS:
        one, other = (bench.landscape(request) for bench in (small, large))
        assert one.to_bytes() == other.to_bytes()
        assert one.facts == other.facts


def test_memory_is_bounded_and_told(make: Callable[[int], Workbench]):
    own = sum(t.nbytes for t in make(0).store.study_run("net").model(1).state_dict().values())
    bench = make(0)
    bench.landscape(REQUEST)
    assert bench.nbytes == own  # the model of the last checkpoint alone
    roomy = make(2**30)
    roomy.landscape(REQUEST)
    known = roomy.nbytes - own
    # in two precisions: parameters, minibatch, and at least what conv1 makes of it: 12 rows of 4 × 6 × 6 numbers
    assert known > 3 * (own + 12 * 6 * 6 * 4 + 12 * 4 * 6 * 6 * 4)
    bounded = make(own + 2 * known)
    for minibatch in (0, 1, 2, 3):
        bounded.landscape(REQUEST.model_copy(update={"minibatch": minibatch}))
        assert own < bounded.nbytes <= own + 2 * known
    bounded.forget()
    assert bounded.nbytes == 0


def test_a_checkpoint_is_read_once_and_its_planes_share_a_copy(
    make: Callable[[int], Workbench], monkeypatch: pytest.MonkeyPatch
):
    reads, copies = [], []
    read = StudyRun.model
    monkeypatch.setattr(StudyRun, "model", lambda run, epoch: (reads.append(epoch), read(run, epoch))[1])

    class Counted(PrivateModel):
        def __init__(self, problem):
            copies.append(problem.dtype)
            super().__init__(problem)

    monkeypatch.setattr("gradviz.landscape.replay.known.PrivateModel", Counted)
    bench = make(2**30)
    for x in ("conv1.bias[0]", "conv1.bias[1]", "head.bias[2]"):
        bench.landscape(REQUEST.model_copy(update={"x": x}))
    assert reads == [1]
    assert len(copies) == 2  # one for each precision


def test_the_plain_loop_has_a_copy_of_its_own_for_each_plane(
    make: Callable[[int], Workbench], monkeypatch: pytest.MonkeyPatch
):
    copies = []

    class Counted(PrivateModel):
        def __init__(self, problem, values):
            copies.append(problem)
            super().__init__(problem, values)

    monkeypatch.setattr(loop, "PrivateModel", Counted)
    bench = make(2**30)
    for x in ("conv1.bias[0]", "conv1.bias[1]"):
        before = len(copies)
        bench.landscape(REQUEST.model_copy(update={"x": x}))
        assert len(copies) > before


def test_a_landscape_that_is_paused_keeps_what_it_knows_to_itself(make: Callable[[int], Workbench]):
    other = REQUEST.model_copy(update={"x": "head.bias[0]", "y": "conv1.bias[2]"})
    alone = [make(0).landscape(request).to_bytes() for request in (REQUEST, other)]
    bench, within = make(2**30), []

    def interrupted() -> None:
        with pausing.asking(lambda: None):
            within.append(bench.landscape(other).to_bytes())

    with pausing.asking(interrupted):
        paused = bench.landscape(REQUEST).to_bytes()
    assert paused == alone[0]
    assert len(within) > 3
    assert set(within) == {alone[1]}
