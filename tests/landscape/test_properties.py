"""Random requests on random networks: exact in float64, and in float32 but for grid points that lie on a kink."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradviz.landscape import LandscapeSpec, Minibatch, gradient_landscape, network_of
from gradviz.landscape.zero import round_off
from tests.landscape.cases import KINDS, autograd_field_and_margin, modes_of, parameters_of, random_case, relative_error

NUM_REQUESTS = 300
# float32 knows a gate's input to about 1e-6 of the largest of its layer; batch statistics of few rows lose a digit.
ON_A_KINK = 2e-5


@st.composite
def requests(draw):
    regularizer, placement = draw(st.sampled_from(KINDS))
    hidden = draw(st.lists(st.integers(2, 12), min_size=1, max_size=4))
    case = random_case(
        regularizer,
        placement,
        seed=draw(st.integers(0, 10**6)),
        hidden=hidden,
        num_inputs=draw(st.integers(3, 8)),
        num_rows=draw(st.integers(8, 24)),
    )
    x, y = draw(st.lists(st.sampled_from(parameters_of(case)), min_size=2, max_size=2, unique=True))
    spec = LandscapeSpec(
        x=x,
        y=y,
        points=draw(st.sampled_from([3, 5])),
        half_width=draw(st.floats(1e-3, 2)),
        seed=draw(st.integers(0, 2**32 - 1)),
        **draw(st.sampled_from(modes_of(regularizer))),
    )
    return case, spec


def rounding(case, spec) -> float:
    """The engine's own round-off scale of the two components, in float32."""
    minibatch = Minibatch(network_of(case.model), case.inputs, case.targets)
    number = 0 if spec.mode == "train" and case.model.regularizer.draws_masks and spec.masks != "fresh" else None
    return sum(round_off(minibatch.clean(spec, number), ref) for ref in spec.refs)


def test_random_requests_equal_float64_autograd(record_property):
    counted = {"requests": 0, "points": 0, "on a kink": 0, "float32 differs on a kink": 0, "ill-conditioned": 0}

    @settings(max_examples=NUM_REQUESTS, deadline=None, derandomize=True)
    @given(requests())
    def check(request):
        case, spec = request
        u, v, loss, margin = autograd_field_and_margin(case, spec)
        exact = gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64)
        single = gradient_landscape(case.model, case.inputs, case.targets, spec)
        largest = max(abs(u).max(), abs(v).max())
        on_kink = margin < ON_A_KINK
        counted["requests"] += 1
        counted["points"] += margin.size
        counted["on a kink"] += int(on_kink.sum())
        assert abs(exact.loss - loss).max() <= 1e-10 * abs(loss).max()
        if exact.is_zero.all():
            assert largest < 1e-10 * max(1.0, abs(loss).max())
            return
        assert relative_error(exact.u, exact.v, u, v) < 1e-10
        error = abs(single.u - u) + abs(single.v - v)
        inexact = ~on_kink & (error >= 1e-5 * largest)
        # Where the terms of the whole field, or of the one activation that rules it, nearly cancel, float32 knows less.
        assert (error[inexact] < max(rounding(case, spec), 1e-4 * largest)).all(), (spec, error / largest)
        counted["ill-conditioned"] += int(inexact.sum())
        counted["float32 differs on a kink"] += int((error[on_kink] >= 1e-5 * largest).sum())

    check()
    for name, value in counted.items():
        record_property(name, value)
    assert counted["requests"] >= NUM_REQUESTS
    assert counted["ill-conditioned"] < 0.02 * counted["points"]
    assert counted["on a kink"] < 0.02 * counted["points"]
