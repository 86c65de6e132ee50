"""A plane along directions that has begun goes on from what its coarser grids have found, within bounded memory."""

import pytest
import torch

from gradviz.compute import directions
from gradviz.compute.begun_planes import BegunPlane, BegunPlanes, Opened
from gradviz.compute.workbench import MEMORY_BYTES, Workbench
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.pausing import asking
from gradviz.landscape.replay import Plane, Prepared
from gradviz.landscape.replay.coarser import Order

RUNS = ("none", "dropout", "batchnorm")


def request(x: str = "gradient:0", y: str = "random:2", run: str = "none", **values) -> LandscapeRequest:
    own = {"minibatch_size": 16, "points": 11, "epoch": 2, "masks": "frozen"} | values
    return LandscapeRequest.of(run=run, x=x, y=y, **own)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which planes were found, in order."""
    found: list[str] = []
    span = directions.span

    def counted(store, request, device, kept):
        found.append(f"{request.x} {request.y}")
        return span(store, request, device, kept)

    monkeypatch.setattr(directions, "span", counted)
    return found


@pytest.mark.parametrize("memory_bytes", [MEMORY_BYTES, 0], ids=["kept", "numbers alone"])
@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("run", RUNS)
def test_a_field_after_its_coarser_grid_is_the_field_alone_to_the_byte(run, mode, memory_bytes, tiny_store, spans):
    asked = request(run=run, mode=mode)
    alone = Workbench(tiny_store).landscape(asked)
    spans.clear()
    bench = Workbench(tiny_store, memory_bytes=memory_bytes)
    first, _ = bench.direction_landscape(asked, coarse=3)
    assert first.plane == alone.plane
    assert bench.landscape(asked).to_bytes() == alone.to_bytes()
    assert len(spans) == (1 if memory_bytes else 2)


def test_what_is_told_of_a_plane_is_found_once_even_when_its_network_is_not_kept(tiny_store, monkeypatch):
    bench, told, facts = Workbench(tiny_store, memory_bytes=0), [], directions.Span.facts

    def counted(span):
        told.append(span)
        return facts(span)

    monkeypatch.setattr(directions.Span, "facts", counted)
    for size in (5, 11, None):
        bench.direction_landscape(request(points=21), coarse=size)
    assert len(told) == 1


def test_planes_that_take_turns_are_each_found_once(tiny_store, spans):
    bench, planes = Workbench(tiny_store), (request(), request(y="random:3"))
    for size in (3, None):
        for asked in planes:
            bench.direction_landscape(asked, coarse=size)
    assert spans == ["gradient:0 random:2", "gradient:0 random:3"]


def test_another_method_or_minibatch_begins_anew(tiny_store, spans):
    bench = Workbench(tiny_store)
    bench.direction_landscape(request(), coarse=3)
    bench.direction_landscape(request(), "reference")
    bench.direction_landscape(request(minibatch=1))
    assert len(spans) == 3


def test_a_stage_that_is_ended_leaves_the_numbers_of_those_before(tiny_store, spans):
    bench, asked = Workbench(tiny_store), request(points=21)
    alone = Workbench(tiny_store).landscape(asked).to_bytes()
    bench.direction_landscape(asked, coarse=5)

    def end() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), asking(end):
        bench.direction_landscape(asked, coarse=11)
    spans.clear()
    assert bench.landscape(asked).to_bytes() == alone
    assert len(spans) == 1  # what the ended one had in its hands is made again


def test_memory_stays_bounded_and_can_be_freed(tiny_store):
    own = opened(tiny_store)
    planes = BegunPlanes(int(2.5 * own.nbytes))
    for number in range(100):
        planes.keep(str(number), BegunPlane(Order.coarser_first(21), opened=own))
    assert planes.nbytes == 2 * own.nbytes
    assert planes.take("99", 21).opened is own
    assert planes.take("97", 21).opened is None
    planes.forget()
    assert planes.nbytes == 0


def opened(store) -> Opened:
    own = directions.span(store, request(), torch.device("cpu"), directions.KeptVectors(0))
    return Opened(Plane(own.x, own.y, 1.0, 21), Prepared(own.problem))
