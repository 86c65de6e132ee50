"""What is kept in memory: bounded in bytes, weights shared by the minibatches of a checkpoint, the same numbers."""

import numpy as np
import pytest

from gradviz.compute.checkpoint import MINIBATCHES_TOGETHER
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest, Minibatch

REQUEST = LandscapeRequest.of(
    run="none", epoch=0, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", points=3, minibatch_size=4
)


def at(epoch: int, minibatch: int = 0) -> LandscapeRequest:
    return REQUEST.model_copy(update={"epoch": epoch, "minibatch": minibatch})


def answer(bench: Workbench, request: LandscapeRequest) -> Minibatch:
    minibatch = bench.minibatch(request)
    minibatch.landscape(request.spec())
    return minibatch


@pytest.fixture
def sizes(tiny_store: RunStore) -> tuple[int, int]:
    """Bytes of the model of a checkpoint, and of one minibatch with its forward pass."""
    minibatch = answer(Workbench(tiny_store), at(0))
    return minibatch.network.nbytes, minibatch.nbytes


def test_a_network_is_as_large_as_its_checkpoint(tiny_store: RunStore):
    for variant in ("none", "batchnorm"):
        bench = Workbench(tiny_store)
        state = bench.model(variant, 1).state_dict()
        assert bench.nbytes == sum(tensor.nbytes for tensor in state.values())


def test_a_minibatch_counts_all_its_forward_passes_keep(tiny_store: RunStore):
    minibatch = answer(Workbench(tiny_store), at(0))
    clean = minibatch.clean(REQUEST.spec())
    last = clean.network.output
    kept = [minibatch.targets, *(clean.inputs(k) for k in range(last + 1)), *(clean.pre(k) for k in range(last + 1))]
    kept.append(clean.active(1))
    # the minibatch's inputs are those that its pass begins with: the same memory, told once more
    assert minibatch.nbytes == sum(tensor.nbytes for tensor in kept) + minibatch.inputs.nbytes


def test_minibatches_of_a_checkpoint_share_its_weights(tiny_store: RunStore, sizes: tuple[int, int]):
    bench = Workbench(tiny_store)
    networks = [answer(bench, at(1, minibatch)).network for minibatch in range(5)]
    assert all(network is networks[0] for network in networks)
    weights = networks[0].layers[0].weight_NM
    assert weights.data_ptr() == bench.model("none", 1).blocks()[0].linear.weight.data_ptr()
    assert bench.nbytes == sizes[0] + 5 * sizes[1]


def test_checkpoints_used_longest_ago_go_first(tiny_store: RunStore, sizes: tuple[int, int]):
    model, minibatch = sizes
    bench = Workbench(tiny_store, memory_bytes=2 * (model + minibatch))
    first = {epoch: answer(bench, at(epoch)) for epoch in (0, 1)}
    assert answer(bench, at(0)) is first[0]
    answer(bench, at(2))
    assert bench.minibatch(at(0)) is first[0]
    assert bench.minibatch(at(1)) is not first[1]
    assert bench.nbytes <= 3 * (model + minibatch)


def test_memory_stays_bounded_over_minibatches(tiny_store: RunStore, sizes: tuple[int, int]):
    model, minibatch = sizes
    limit = model + 10 * minibatch
    bench = Workbench(tiny_store, memory_bytes=limit)
    for number in range(40):
        answer(bench, at(1, number))
        assert bench.nbytes <= limit + 2 * minibatch


def test_those_computed_together_are_kept_however_small_the_limit(tiny_store: RunStore):
    bench = Workbench(tiny_store, memory_bytes=0)
    requests = [at(2, number) for number in range(MINIBATCHES_TOGETHER)]
    bench.share_layers_below(requests)
    assert all(bench.minibatch(request).has_clean() for request in requests)


def test_what_was_dropped_gives_the_same_numbers_again(tiny_store: RunStore):
    small, large = Workbench(tiny_store, memory_bytes=0), Workbench(tiny_store)
    for request in (at(0), at(1, 3), at(0), at(1, 3)):
        one, other = (bench.minibatch(request).landscape(request.spec()) for bench in (small, large))
        np.testing.assert_array_equal(one.u, other.u)


def test_masked_passes_are_not_kept(tiny_store: RunStore):
    bench = Workbench(tiny_store)
    request = at(1).model_copy(update={"run": "dropout", "mode": "train", "masks": "frozen"})
    assert answer(bench, request).network.nbytes == bench.nbytes
