"""What an address opens that names nothing; whatever else an address says, it says as ever."""

from collections.abc import Mapping
from typing import Any

import pytest

from gradviz.compute.cache import FieldCache
from gradviz.compute.interface import Busy, Cancelled, Compute, StillWanted
from gradviz.compute.local import LocalCompute
from gradviz.dashboard import first_picture
from gradviz.dashboard.callbacks.opening import opened
from gradviz.dashboard.first_picture import Pair, live_pair
from gradviz.dashboard.overview import runs_of
from gradviz.experiment.store import RunStore

FIRST_TWO = {"x_a": "hidden.1.linear.bias[0]", "y_a": "hidden.1.linear.bias[1]"}
LIVE = {"x_a": "hidden.1.linear.bias[3]", "y_a": "hidden.1.linear.bias[4]"}


def later_ones(_: Mapping, pair: Pair) -> Pair:
    tensor = pair[0].partition("[")[0]
    return f"{tensor}[3]", f"{tensor}[4]"


def view_of(search: str, store: RunStore) -> dict[str, Any]:
    answer: Any = opened(search, runs_of(store), later_ones)
    assert answer["notices"] == []
    return answer["view"]


@pytest.mark.parametrize(("search", "pair"), [("", LIVE), ("?view=explore", LIVE), ("?view=compare", LIVE)])
def test_an_address_that_names_nothing_opens_live_biases(tiny_store: RunStore, search: str, pair: dict[str, str]):
    view = view_of(search, tiny_store)
    assert {name: view[name] for name in pair} == pair


@pytest.mark.parametrize("search", ["?epoch=1", "?variant=none", "?view=compare&epoch=1", "?view=minibatches"])
def test_a_link_shows_what_it_always_did(tiny_store: RunStore, search: str):
    view = view_of(search, tiny_store)
    assert {name: view[name] for name in FIRST_TWO} == FIRST_TWO
    assert view["mode"] == "eval"


def test_compare_opens_as_the_runs_were_trained_unless_the_address_says_otherwise(tiny_store: RunStore):
    assert view_of("?view=compare", tiny_store)["mode"] == "train"
    assert view_of("?view=compare&mode=eval", tiny_store)["mode"] == "eval"
    assert view_of("", tiny_store)["mode"] == "eval"


def test_before_the_first_checkpoint_nothing_is_chosen(tiny_store: RunStore):
    """The page asks again then: a pair that is chosen before would stay in the address, alive or not."""
    runs = {name: run | {"epochs": []} for name, run in runs_of(tiny_store).items()}
    view: Any = opened("", runs, later_ones)["view"]
    assert [view[name] for name in ("x_a", "y_a", "x_b", "y_b")] == [None] * 4


def test_the_live_pair_is_of_the_first_units_that_are_active_at_all_checkpoints_looked_at(
    tiny_store: RunStore, tmp_path: Any
):
    with FieldCache(tmp_path) as cache:
        compute = LocalCompute(tiny_store, cache, device="cpu")
        run = runs_of(tiny_store)["none"]
        pair = tuple(run["suggested"]["a"])
        tensor = pair[0].partition("[")[0]
        shares = [compute.activity("none", epoch)[int(run["tensors"][tensor]["layer"])] for epoch in run["epochs"]]
        alive = [unit for unit in range(len(shares[0])) if all(each[unit] >= 0.05 for each in shares)]
        assert live_pair(compute, run, pair) == tuple(f"{tensor}[{unit}]" for unit in alive[:2])


def test_where_that_cannot_be_told_now_the_first_two_biases_are_opened(tiny_store: RunStore, monkeypatch: Any):
    class Away(LocalCompute):
        def __init__(self) -> None:
            self.store = tiny_store

        def activity(self, *_: object) -> Any:
            raise Busy(8)

    compute: Compute = Away()
    run = runs_of(tiny_store)["none"]
    assert live_pair(compute, run, tuple(run["suggested"]["b"])) == tuple(run["suggested"]["b"])


def test_behind_long_computations_of_others_it_is_not_waited_for(tiny_store: RunStore, monkeypatch: Any):
    """Few threads serve the page: no visitor's queue may hold them."""
    now = [0.0]
    monkeypatch.setattr(first_picture, "monotonic", lambda: now[0])

    class Queued(LocalCompute):
        def __init__(self) -> None:
            self.store = tiny_store

        def activity(self, run: str, epoch: int, still_wanted: StillWanted = lambda: True) -> Any:
            while still_wanted():
                now[0] += 1.0
            raise Cancelled

    run = runs_of(tiny_store)["none"]
    assert live_pair(Queued(), run, tuple(run["suggested"]["a"])) == tuple(run["suggested"]["a"])
    assert now[0] <= 10
