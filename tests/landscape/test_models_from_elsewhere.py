"""Models and rows from elsewhere: what the engine does not know is refused in one sentence, the rest is not changed."""

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gradviz.errors import UserError
from gradviz.experiment.model import MLP
from gradviz.experiment.regularizers import BatchNormalization
from gradviz.landscape import (
    LandscapeSpec,
    centre_gradients,
    find_pairs,
    gradient_landscape,
    minibatch_landscapes,
    network_of,
    unit_activity,
)
from gradviz.landscape.statistics import (
    example_products,
    masks_split,
    minibatch_agreement,
    minibatch_cosines,
    redrawn_agreement,
)
from tests.landscape.cases import Case, random_case

BIAS = "hidden.1.linear.bias"
PAIR = {"x": f"{BIAS}[0]", "y": f"{BIAS}[1]"}


def spec_of(**values: Any) -> LandscapeSpec:
    return LandscapeSpec.model_validate(PAIR | values)


SPEC = spec_of(points=3)
UNKNOWN: Any = "training"
AS_DICT: Any = {**PAIR}


@pytest.fixture
def case() -> Case:
    return random_case("none")


def field_of(model: Any, case: Case, **options: Any) -> np.ndarray:
    return gradient_landscape(model, case.inputs, case.targets, SPEC, **options).u


def refusal_of(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 400
    return sentence


def test_one_row_is_enough_where_no_statistics_are_taken_of_it():
    class Same(MLP):
        def forward(self, inputs_BI: Tensor, masks: Any = None) -> Tensor:
            return super().forward(inputs_BI, masks)

    case = random_case("batchnorm")
    case.model.__class__ = Same  # compared with its layers, on the rows of the request
    one = gradient_landscape(case.model, case.inputs[:1], case.targets[:1], spec_of(points=3, mode="eval"))
    assert one.num_rows == 1
    assert np.isfinite(one.loss).all()


class Doubled(MLP):
    def forward(self, inputs_BI: Tensor, masks: Any = None) -> Tensor:
        return 2 * super().forward(inputs_BI, masks)


class Noisy(MLP):
    def forward(self, inputs_BI: Tensor, masks: Any = None) -> Tensor:
        return super().forward(inputs_BI, masks) + 0.1 * torch.randn(len(inputs_BI))


class Column(MLP):
    def forward(self, inputs_BI: Tensor, masks: Any = None) -> Tensor:
        return super().forward(inputs_BI, masks)[:, None]


class Failing(MLP):
    def forward(self, inputs_BI: Tensor, masks: Any = None) -> Tensor:
        raise RuntimeError("no forward here")


class OnlyInTraining(MLP):
    def forward(self, inputs_BI: Tensor, masks: Any = None) -> Tensor:
        return super().forward(inputs_BI, masks) * (2 if self.training else 1)


class Renamed(MLP):
    """Predicts as its layers do."""


class Holder(nn.Module):
    def __init__(self, model: MLP) -> None:
        super().__init__()
        self.model = model


def changed(change: Callable[[MLP], Any]) -> Callable[[], MLP]:
    def make() -> MLP:
        model = random_case("none").model
        change(model)
        return model

    return make


def as_class(kind: type[MLP], regularizer: str = "none") -> Callable[[], MLP]:
    def make() -> MLP:
        model = random_case(regularizer).model
        model.__class__ = kind
        return model

    return make


def meta(kind: type[MLP] = MLP) -> MLP:
    with torch.device("meta"):
        return kind(num_inputs=10, hidden=(12, 9, 7))


def of_three_outputs(model: MLP) -> None:
    model.output = nn.Linear(7, 3)


def complex_output(model: MLP) -> None:
    model.output = nn.Linear(7, 1, dtype=torch.complex64)


def lazy(model: MLP) -> None:
    model.output = nn.LazyLinear(1)


def wider(model: MLP) -> None:
    model.hidden.append(nn.Dropout(0.5))


def one_half_layer(model: MLP) -> None:
    model.output.half()


def with_leaky(model: MLP) -> None:
    block = model.blocks()[0]
    block.forward = lambda h_BI: nn.functional.leaky_relu(block.linear(h_BI))


def with_hook(model: MLP) -> None:
    model.hidden[1].register_forward_hook(lambda *about: 2 * about[-1])


def with_pre_hook(model: MLP) -> None:
    model.register_forward_pre_hook(lambda _, args: tuple(2 * tensor for tensor in args))


def with_placement(model: MLP) -> None:
    model.regularizer = BatchNormalization(placement="after")


MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "sequential": (lambda: nn.Sequential(nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 1)), "build an MLP of the same"),
    "linear": (lambda: nn.Linear(10, 1), "must be a gradviz.experiment.model.MLP, got Linear"),
    "holder": (lambda: Holder(random_case("none").model), "pass its `.model`"),
    "the class": (lambda: MLP, "got the class MLP"),
    "state dict": (lambda: random_case("none").model.state_dict(), "load_state_dict"),
    "network": (lambda: network_of(random_case("none").model), "pass the model itself"),
    "nothing": (lambda: None, "got NoneType"),
    "path": (lambda: "model.pt", "got str"),
    "half": (lambda: random_case("none").model.half(), "has float16.*pass `model.float"),
    "bfloat16": (lambda: random_case("none").model.bfloat16(), "has bfloat16.*pass `model.float"),
    "complex": (changed(complex_output), "has complex64, float32"),
    "one half layer": (changed(one_half_layer), "has float16, float32"),
    "meta": (meta, "no values in .*load its weights"),
    "lazy": (changed(lazy), "lazy: let it predict"),
    "three outputs": (changed(of_three_outputs), "has 3 outputs"),
    "another module": (changed(wider), "contain only blocks of gradviz.experiment.model"),
    "own forward": (as_class(Doubled), "does not predict as its layers do.*100 %"),
    "random forward": (as_class(Noisy), "does not predict as its layers do"),
    "column": (as_class(Column), r"of 4 rows it gives \(4, 1\), not one number each"),
    "failing forward": (as_class(Failing), r"fails with RuntimeError \(no forward here\)"),
    "forward of training": (as_class(OnlyInTraining), "does not predict as its layers do"),
    "forward of dropout in training": (as_class(OnlyInTraining, "dropout"), "does not predict as its layers do"),
    "another activation": (changed(with_leaky), "does not predict as its layers do"),
    "hook": (changed(with_hook), "remove its own forward, hooks"),
    "hook before": (changed(with_pre_hook), "remove its own forward, hooks"),
}


@pytest.mark.parametrize(("make", "reason"), MODELS.values(), ids=MODELS)
def test_a_model_that_the_engine_does_not_know_is_refused_by_all_that_take_one(
    make: Callable[[], Any], reason: str, case: Case
):
    model = make()
    calls: list[Callable[[], object]] = [
        lambda: gradient_landscape(model, case.inputs, case.targets, SPEC),
        lambda: gradient_landscape(model, case.inputs, case.targets, SPEC, method="reference"),
        lambda: unit_activity(model, case.inputs),
    ]
    for call in calls:
        assert re.search(reason, refusal_of(call))
    if reason != "pass the model itself":
        refusal_of(lambda: network_of(model))


def test_a_norm_that_moved_is_noticed():
    model = random_case("batchnorm").model
    with_placement(model)
    assert "does not predict" in refusal_of(lambda: network_of(model))


def compiled(model: MLP) -> Any:
    return torch.compile(model, backend="eager")  # the one that is loaded soon


WRAPPED: dict[str, Callable[[MLP], Any]] = {
    "data parallel": nn.DataParallel,
    "compiled and parallel": lambda model: nn.DataParallel(compiled(model)),
    "in train mode": lambda model: model.train(),
    "frozen": lambda model: model.requires_grad_(False),
    "float64": lambda model: model.double(),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapped_model_is_the_one_within(wrap: Callable[[MLP], Any], case: Case):
    expected = field_of(case.model, case)
    wrapped = wrap(copy.deepcopy(case.model))
    for method in ("engine", "reference"):
        np.testing.assert_allclose(field_of(wrapped, case, method=method), expected, rtol=1e-4)


def test_what_predicts_as_its_layers_do_is_taken(case: Case):
    expected = field_of(case.model, case)
    seen: list[int] = []
    renamed = as_class(Renamed)()
    hooked = copy.deepcopy(case.model)
    hooked.hidden[0].register_forward_hook(lambda *_: seen.append(1))
    for model in (renamed, hooked):
        np.testing.assert_array_equal(field_of(model, case), expected)
    normed = copy.deepcopy(case.model)
    parametrizations.weight_norm(normed.output)
    np.testing.assert_allclose(field_of(normed, case), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [Renamed, Noisy])
def test_comparing_a_model_changes_nothing(kind: type[MLP]):
    model = as_class(kind, "batchnorm")().train()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    try:
        network_of(model)
    except UserError:
        assert kind is Noisy
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_model_of_our_own_is_not_asked_for_its_predictions(case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(MLP, "forward", lambda *_: pytest.fail("asked"))
    network_of(case.model)


def nan_at(tensor: Tensor, value: float = float("nan")) -> Tensor:
    tensor = tensor.clone()
    tensor.view(-1)[3] = value
    return tensor


ROWS: dict[str, tuple[Callable[[Case], tuple[Any, Any]], str]] = {
    "numpy inputs": (lambda c: (c.inputs.numpy(), c.targets), "`inputs` must be a tensor, got ndarray"),
    "list targets": (lambda c: (c.inputs, c.targets.tolist()), "`targets` must be a tensor, got list"),
    "no targets": (lambda c: (c.inputs, None), "`targets` must be a tensor, got NoneType"),
    "column of targets": (
        lambda c: (c.inputs, c.targets[:, None]),
        r"\(B, 10\) and \(B,\), got \(16, 10\) and \(16, 1\)",
    ),
    "other number": (lambda c: (c.inputs, c.targets[1:]), "must have shapes"),
    "other inputs": (lambda c: (c.inputs[:, 1:], c.targets), "must have shapes"),
    "one row": (lambda c: (c.inputs[0], c.targets[0]), "must have shapes"),
    "many minibatches": (lambda c: (c.inputs[None], c.targets[None]), "must have shapes"),
    "no rows": (lambda c: (c.inputs[:0], c.targets[:0]), "at least one row"),
    "NaN inputs": (lambda c: (nan_at(c.inputs), c.targets), r"`inputs` must be finite, got nan at \[0, 3\]"),
    "infinite inputs": (lambda c: (nan_at(c.inputs, float("-inf")), c.targets), r"got -inf at \[0, 3\]"),
    "NaN inputs twice": (lambda c: (torch.cat([nan_at(c.inputs[:8])] * 2), c.targets), r"got nan at \[0, 3\]"),
    "NaN targets": (lambda c: (c.inputs, nan_at(c.targets)), r"`targets` must be finite, got nan at \[3\]"),
    "complex inputs": (lambda c: (c.inputs.to(torch.complex64), c.targets), "must be real numbers, got complex64"),
    "meta inputs": (lambda c: (c.inputs.to("meta"), c.targets), "no values"),
    "meta targets": (lambda c: (c.inputs, c.targets.to("meta")), "no values"),
    "sparse inputs": (lambda c: (c.inputs.to_sparse(), c.targets), "sparse or quantized"),
}


@pytest.mark.parametrize(("change", "reason"), ROWS.values(), ids=ROWS)
def test_rows_that_do_not_fit_are_refused_by_all_that_take_a_minibatch(
    change: Callable[[Case], tuple[Any, Any]], reason: str, case: Case
):
    inputs, targets = change(case)
    network = network_of(case.model)
    calls: list[Callable[[], object]] = [
        lambda: gradient_landscape(case.model, inputs, targets, SPEC),
        lambda: gradient_landscape(case.model, inputs, targets, SPEC, method="reference"),
        lambda: list(minibatch_landscapes(network, [(inputs, targets)], SPEC)),
        lambda: example_products(network, inputs, targets),
        lambda: redrawn_agreement(network, inputs, targets, 4, np.random.default_rng(0)),
    ]
    for call in calls:
        assert re.search(reason, refusal_of(call))
    if "targets" not in reason and "shapes" not in reason and targets is case.targets:
        refusal_of(lambda: unit_activity(case.model, inputs))


MINIBATCHES: dict[str, tuple[Callable[[Tensor, Tensor], tuple[Any, Any]], str]] = {
    "targets (K, B, 1)": (lambda x, y: (x, y[..., None]), r"\(K, B, 10\) and \(K, B\), got .*\(2, 8, 1\)"),
    "targets (B,)": (lambda x, y: (x, y[0]), "must have shapes"),
    "targets (B, K)": (lambda x, y: (x, y.T), "must have shapes"),
    "targets (1, B)": (lambda x, y: (x, y[:1]), "must have shapes"),
    "one minibatch": (lambda x, y: (x[0], y[0]), "must have shapes"),
    "no minibatch": (lambda x, y: (x[:0], y[:0]), "at least one row"),
    "no rows": (lambda x, y: (x[:, :0], y[:, :0]), "at least one row"),
    "other inputs": (lambda x, y: (x[..., 1:], y), "must have shapes"),
    "a list": (lambda x, y: (list(x), y), "`inputs` must be a tensor, got list"),
    "NaN": (lambda x, y: (nan_at(x), y), "must be finite"),
    "infinite target": (lambda x, y: (x, nan_at(y, float("inf"))), "must be finite"),
    "complex": (lambda x, y: (x, y.to(torch.complex64)), "must be real numbers"),
}


@pytest.mark.parametrize(("change", "reason"), MINIBATCHES.values(), ids=MINIBATCHES)
def test_minibatches_that_do_not_fit_are_refused_by_all_that_take_many(
    change: Callable[[Tensor, Tensor], tuple[Any, Any]], reason: str
):
    case = random_case("dropout")
    inputs, targets = change(case.inputs.reshape(2, 8, 10), case.targets.reshape(2, 8))
    network = network_of(case.model)
    generator = np.random.default_rng(0)
    calls: list[Callable[[], object]] = [
        lambda: centre_gradients(network, inputs, targets, [BIAS]),
        lambda: find_pairs(network, case.inputs, inputs, targets, 1),
        lambda: minibatch_agreement(network, inputs, targets, generator=generator),
        lambda: minibatch_agreement(network, inputs, targets, generator=generator, mode="train"),
        lambda: minibatch_cosines(network, inputs, targets, "model", mode="train", masks="averaged"),
        lambda: masks_split(network, inputs, targets, generator, tensors=[BIAS]),
    ]
    for call in calls:
        assert re.search(reason, refusal_of(call))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda c, x, y: field_of(c.model, c, method="fast"), "`method` must be one of engine, reference, got 'fast'"),
        (lambda c, x, y: field_of(c.model, c, method=""), "`method` must be one of"),
        (lambda c, x, y: field_of(c.model, c, dtype=torch.float16), "`dtype` must be torch.float32 or torch.float64"),
        (lambda c, x, y: field_of(c.model, c, dtype="float32"), "`dtype` must be"),
        (lambda c, x, y: field_of(c.model, c, device="tpu"), "`device` must be available"),
        (lambda c, x, y: field_of(c.model, c, device="meta"), "`device` must store values"),
        (
            lambda c, x, y: gradient_landscape(c.model, x[0], y[0], AS_DICT),
            "`spec` must be a LandscapeSpec, got dict",
        ),
        (lambda c, x, y: gradient_landscape(c.model, x[0], y[0], SPEC.model_copy(update={"mode": "test"})), "`mode`"),
        (lambda c, x, y: centre_gradients(network_of(c.model), x, y, [BIAS], mode=UNKNOWN), "`mode` must be one of"),
        (lambda c, x, y: centre_gradients(network_of(c.model), x, y, BIAS), "must be a list of tensors"),
        (lambda c, x, y: centre_gradients(c.model, x, y, [BIAS]), "`network` must be a result of `network_of"),
        (lambda c, x, y: find_pairs(network_of(c.model), c.inputs, x, y, 3), r"hidden layers, 0\.\.2, got 3"),
        (lambda c, x, y: find_pairs(network_of(c.model), c.inputs, x, y, -1), "hidden layers"),
        (lambda c, x, y: find_pairs(c.model, c.inputs, x, y, 1), "`network` must be a result of `network_of"),
        (lambda c, x, y: list(minibatch_landscapes(c.model, [(x[0], y[0])], SPEC)), "`network` must be"),
        (lambda c, x, y: list(minibatch_landscapes(network_of(c.model), x, SPEC)), "must be pairs"),
        (
            lambda c, x, y: list(
                minibatch_landscapes(
                    network_of(c.model), [(x[0], y[0])], SPEC.model_copy(update={"x": "output.bias[7]"})
                )
            ),
            "output.bias",
        ),
        (lambda c, x, y: minibatch_cosines(network_of(c.model), x, y, "model", mode=UNKNOWN), "`mode`"),
        (
            lambda c, x, y: minibatch_cosines(network_of(c.model), x, y, "model", masks=UNKNOWN),
            "`masks` must be one of",
        ),
        (lambda c, x, y: example_products(network_of(c.model), x[0], y[0], mode=UNKNOWN), "`mode`"),
        (lambda c, x, y: example_products(network_of(c.model), x[0], y[0], parts=["nope"]), "`nope` is not a part"),
        (
            lambda c, x, y: redrawn_agreement(network_of(c.model), x[0], y[0], 0, np.random.default_rng(0)),
            "minibatches of 0",
        ),
    ],
)
def test_an_option_that_is_not_known_is_not_taken_for_another(call: Callable[..., object], reason: str, case: Case):
    inputs, targets = case.inputs.reshape(2, 8, 10), case.targets.reshape(2, 8)
    assert re.search(reason, refusal_of(lambda: call(case, inputs, targets)))


def scaled(factor: float) -> Callable[[MLP], None]:
    def change(model: MLP) -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(factor)

    return change


def broken(value: float) -> Callable[[MLP], None]:
    def change(model: MLP) -> None:
        with torch.no_grad():
            model.blocks()[1].linear.weight[2, 3] = value

    return change


def output_scale(value: float) -> Callable[[MLP], None]:
    def change(model: MLP) -> None:
        model.output_scale = value

    return change


HUGE: dict[str, tuple[Callable[[MLP], None], str]] = {
    "near the limit of float32": (scaled(1e38), "too large"),
    "large": (scaled(1e10), "too large"),
    "scale 1e308": (output_scale(1e308), "output_scale"),
    "scale NaN": (output_scale(float("nan")), "output_scale"),
    "NaN": (broken(float("nan")), "hidden.1.linear.weight of `model` has values that are not finite"),
    "infinite": (broken(float("-inf")), "not finite"),
}


@pytest.mark.parametrize(("change", "reason"), HUGE.values(), ids=HUGE)
def test_numbers_that_cannot_be_told_are_refused_and_no_unit_is_called_dead(
    change: Callable[[MLP], None], reason: str, case: Case
):
    change(case.model)
    inputs, targets = case.inputs[None], case.targets[None]
    calls: list[Callable[[], object]] = [
        lambda: field_of(case.model, case),
        lambda: field_of(case.model, case, method="reference"),
        lambda: list(minibatch_landscapes(network_of(case.model), [(case.inputs, case.targets)] * 2, SPEC)),
        lambda: centre_gradients(network_of(case.model), inputs, targets, ["hidden.0.linear.bias"]),
        lambda: minibatch_agreement(network_of(case.model), inputs, targets, generator=np.random.default_rng(0)),
        lambda: example_products(network_of(case.model), case.inputs, case.targets),
    ]
    for call in calls:
        assert reason in refusal_of(call)


def test_a_grid_whose_edge_is_too_far_is_refused(case: Case):
    scaled(1e3)(case.model)
    output_scale(1e9)(case.model)
    near = spec_of(points=3, half_width=1e-3)
    with pytest.raises(UserError, match="half_width"):
        gradient_landscape(case.model, case.inputs, case.targets, near)


def in_inference_mode(call: Callable[[], Any]) -> Any:
    with torch.inference_mode():
        return call()


def without_gradients(call: Callable[[], Any]) -> Any:
    with torch.no_grad():
        return call()


def in_autocast(call: Callable[[], Any]) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return call()


def on_another_default(call: Callable[[], Any]) -> Any:
    with torch.device("meta"):
        return call()


def in_float64(call: Callable[[], Any]) -> Any:
    torch.set_default_dtype(torch.float64)
    try:
        return call()
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "surrounding", [in_inference_mode, without_gradients, in_autocast, on_another_default, in_float64]
)
def test_what_a_caller_has_set_for_his_own_code_changes_no_number(surrounding: Callable[..., Any], case: Case):
    inputs, targets = case.inputs.reshape(2, 8, 10), case.targets.reshape(2, 8)
    drops, subclass = random_case("dropout"), as_class(Renamed)()
    train = spec_of(points=3, mode="train", masks="averaged")
    calls: list[Callable[[], Any]] = [
        lambda: field_of(case.model, case),
        lambda: field_of(case.model, case, method="reference"),
        lambda: field_of(subclass, case),
        lambda: gradient_landscape(drops.model, drops.inputs, drops.targets, train).u,
        lambda: gradient_landscape(drops.model, drops.inputs, drops.targets, train, method="reference").u,
        lambda: [
            each.u for each in minibatch_landscapes(network_of(case.model), zip(inputs, targets, strict=True), SPEC)
        ],
        lambda: centre_gradients(network_of(case.model), inputs, targets, [BIAS])[BIAS].numpy(),
        lambda: find_pairs(network_of(case.model), case.inputs, inputs, targets, 1)[0].score,
        lambda: torch.cat(unit_activity(case.model, case.inputs)).numpy(),
        lambda: example_products(network_of(case.model), case.inputs, case.targets)["model"].numpy(),
        lambda: minibatch_cosines(network_of(drops.model), inputs, targets, "model", mode="train"),
    ]
    for call in calls:
        np.testing.assert_array_equal(surrounding(call), call())


def test_rows_of_any_real_dtype_and_with_gradients_are_taken(case: Case):
    inputs = (case.inputs > 0.5).float()
    targets = case.targets.round()
    expected = gradient_landscape(case.model, inputs, targets, SPEC).u
    for other_inputs, other_targets in [
        (inputs.bool(), targets.long()),
        (inputs.half(), targets.bfloat16()),
        (inputs.double().requires_grad_(), targets.clone().requires_grad_()),
    ]:
        np.testing.assert_array_equal(gradient_landscape(case.model, other_inputs, other_targets, SPEC).u, expected)
        [arrow] = centre_gradients(network_of(case.model), other_inputs[None], other_targets[None], [BIAS])[BIAS]
        assert not arrow.requires_grad
        np.testing.assert_allclose(arrow[0], expected[1, 1], rtol=1e-5)
