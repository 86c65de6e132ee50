"""Training as a generator of epochs."""

import math

import pytest
import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.experiment.batches import num_steps
from gradviz.experiment.model import MLP, draw_masks
from gradviz.experiment.randomness import derived_seed, generator
from gradviz.experiment.regularizers import DEFAULT_NAMES, Dropout
from gradviz.experiment.run import model_of
from gradviz.experiment.studies.deliveries.prepare import prepare_rows
from gradviz.experiment.studies.deliveries.rows import Rows
from gradviz.experiment.studies.deliveries.training import evaluate, train_epochs

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def rows(tiny) -> Rows:
    return prepare_rows(tiny()).rows


def results(config, rows, **arguments):
    return list(train_epochs(config, rows, device=CPU, **arguments))


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def plain_loop(config, rows: Rows) -> dict[str, torch.Tensor]:
    """The obvious reference: one loop, no resuming, no progress."""
    order, masks = generator(config.seed, "order"), generator(config.seed, "masks")
    model = model_of(config, generator(config.seed, "initialisation"))
    optimizer = torch.optim.Adam(model.parameters(), lr=config.optimizer.learning_rate, fused=True)
    for _ in range(config.epochs):
        shuffled = rows.train_rows[torch.randperm(rows.num_train, generator=order)]
        model.train()
        for start in range(0, rows.num_train - config.batch_size + 1, config.batch_size):
            batch = shuffled[start : start + config.batch_size]
            keep = draw_masks(Dropout(), config.hidden, len(batch), masks) if config.name == "dropout" else None
            optimizer.zero_grad()
            nn.L1Loss()(model(rows.inputs(batch), keep), rows.targets_R[batch]).backward()
            optimizer.step()
    return model.state_dict()


@pytest.mark.parametrize("variant", DEFAULT_NAMES)
@pytest.mark.parametrize("norm_placement", ["before", "after"])
def test_it_trains_as_the_plain_loop_does(tiny, rows, variant, norm_placement):
    config = tiny(variant, norm_placement=norm_placement)
    state, expected = results(config, rows)[-1].state, plain_loop(config, rows)
    # Bit for bit: Adam makes full steps of gradients that are round-off, as those of biases below a batch norm are.
    assert same(state, expected)


def test_epoch_zero_is_the_initialisation_with_its_metrics(tiny, rows):
    first = results(tiny(), rows)[0]
    assert same(first.state, model_of(tiny(), generator(0, "initialisation")).state_dict())
    assert (first.metrics.epoch, first.metrics.share_below_target) == (0, 1.0)
    assert first.metrics.train_loss == pytest.approx(rows.targets_R[rows.train_rows].mean().item(), rel=0.5)


def test_all_variants_start_from_the_same_linear_parameters(tiny, rows):
    states = [next(train_epochs(tiny(variant), rows, device=CPU)).state for variant in DEFAULT_NAMES]
    for state in states[1:]:
        assert all(torch.equal(state[name], states[0][name]) for name in states[0])


def test_all_variants_see_the_same_minibatches_in_the_same_order(tiny, rows, monkeypatch: pytest.MonkeyPatch):
    seen: dict[str, list[torch.Tensor]] = {variant: [] for variant in DEFAULT_NAMES}
    forward = MLP.forward

    def spy(model: MLP, inputs_BI, masks=None):
        if model.training:
            seen[model.regularizer.run_name].append(inputs_BI)
        return forward(model, inputs_BI, masks)

    monkeypatch.setattr(MLP, "forward", spy)
    for variant in DEFAULT_NAMES:
        results(tiny(variant), rows)
    assert len(seen["none"]) == 3 * 4
    assert not torch.equal(seen["none"][0], seen["none"][4])
    for variant in DEFAULT_NAMES[1:]:
        assert all(torch.equal(a, b) for a, b in zip(seen["none"], seen[variant], strict=True))


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tiny, rows):
    config = tiny("dropout")
    first, again = results(config, rows)[-1], results(config, rows)[-1]
    assert same(first.state, again.state)
    assert not same(first.state, results(tiny("dropout", seed=1), rows)[-1].state)


@pytest.mark.parametrize("variant", DEFAULT_NAMES)
@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_resuming_after_any_epoch_is_bit_for_bit_the_uninterrupted_run(tiny, rows, variant, stop_after):
    whole = results(tiny(variant), rows)
    stopped = whole[stop_after]
    resumed = results(tiny(variant), rows, resume=(stopped.state, stopped.resume))
    assert len(resumed) == 3 - stop_after
    for expected, result in zip(whole[stop_after + 1 :], resumed, strict=True):
        assert same(result.state, expected.state)
        assert same(result.resume.optimizer, expected.resume.optimizer)
        assert torch.equal(result.resume.order_state, expected.resume.order_state)
        assert torch.equal(result.resume.masks_state, expected.resume.masks_state)
        assert result.metrics.train_loss == expected.metrics.train_loss


def test_a_result_is_not_changed_by_the_epochs_that_follow(tiny, rows):
    epochs = train_epochs(tiny("batchnorm"), rows, device=CPU)
    first = next(epochs)
    before = {name: tensor.clone() for name, tensor in first.state.items()}
    next(epochs)
    assert same(first.state, before)


def test_training_leaves_the_global_random_state_and_the_rows_alone(tiny, rows):
    before, codes = torch.get_rng_state(), rows.codes_RC.clone()
    results(tiny("dropout"), rows)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(rows.codes_RC, codes)


def test_a_last_minibatch_that_is_not_full_is_left_out(tiny):
    assert num_steps(16, 64) == 4
    assert num_steps(16, 79) == 4
    assert num_steps(100, 64) == 1  # of all 64 rows


def test_a_minibatch_larger_than_the_training_rows_is_all_of_them(tiny, rows):
    steps = []
    results(tiny("batchnorm", batch_size=1000), rows, on_step=lambda step, total, loss: steps.append((step, total)))
    assert steps == [(1, 1)] * 3


def test_metrics_are_those_of_the_state_that_comes_with_them(tiny, rows):
    result = results(tiny("batchnorm"), rows)[-1]
    model = model_of(tiny("batchnorm"))
    model.load_state_dict(result.state)
    model.eval()
    with torch.no_grad():
        train = model(rows.inputs(rows.train_rows)).double() - rows.targets_R[rows.train_rows]
        test = model(rows.inputs(rows.test_rows)).double() - rows.targets_R[rows.test_rows]
    targets = rows.targets_R[rows.test_rows].double()
    assert result.metrics.train_loss == pytest.approx(train.abs().mean().item(), rel=1e-6)
    assert result.metrics.test_loss == pytest.approx(test.abs().mean().item(), rel=1e-6)
    assert result.metrics.test_r2 == pytest.approx(
        1.0 - (test.square().sum() / (targets - targets.mean()).square().sum()).item(), rel=1e-6
    )
    assert result.metrics.share_below_target == (train < 0.0).double().mean().item()


def test_r2_is_nan_when_all_test_targets_are_equal(tiny, rows):
    constant = Rows(rows.codes_RC, torch.full_like(rows.targets_R, 3.0), rows.train_rows, rows.test_rows)
    assert math.isnan(evaluate(model_of(tiny()), constant)[2])


@pytest.mark.parametrize("variant", DEFAULT_NAMES)
def test_a_loss_that_is_not_finite_ends_the_training_in_one_sentence(tiny, rows, variant):
    with pytest.raises(UserError, match=f"training of {variant} broke down: its loss is (inf|nan)") as refusal:
        results(tiny(variant, learning_rate=1e38), rows)
    assert "\n" not in str(refusal.value)


def test_an_exception_from_on_step_ends_the_training_there(tiny, rows):
    calls = []

    def on_step(step: int, steps: int, loss: float) -> None:
        calls.append(step)
        if len(calls) == 6:
            raise KeyboardInterrupt

    epochs = train_epochs(tiny(), rows, device=CPU, on_step=on_step)
    with pytest.raises(KeyboardInterrupt):
        list(epochs)
    assert calls == [1, 2, 3, 4, 1, 2]


def test_a_tiny_network_learns(tiny):
    config = tiny(rows=600, hidden=(64, 32), epochs=25, learning_rate=3e-3)
    metrics = [result.metrics for result in results(config, prepare_rows(config).rows)]
    assert max(line.test_r2 for line in metrics) > 0.8
    assert metrics[0].test_r2 < 0.0


def test_seeds_for_different_purposes_have_nothing_in_common():
    seeds = {derived_seed(seed, purpose) for seed in range(50) for purpose in ("order", "masks", "rows")}
    assert len(seeds) == 150


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("variant", DEFAULT_NAMES)
def test_a_gpu_trains_as_the_cpu_does_and_resumes_bit_for_bit(tiny, rows, variant):
    device = torch.device("cuda")
    config = tiny(variant)
    whole = list(train_epochs(config, rows, device=device))
    resumed = list(train_epochs(config, rows, device=device, resume=(whole[1].state, whole[1].resume)))
    assert same(resumed[-1].state, whole[-1].state)
    on_cpu = results(config, rows)[-1]
    assert whole[-1].metrics.test_loss == pytest.approx(on_cpu.metrics.test_loss, rel=1e-2)
    if config.regularizer.has_batch_statistics:
        return  # Adam moves what has no gradient, such as these biases, by the sign of its round-off
    for name, tensor in on_cpu.state.items():
        # Sums are taken in another order: a few float32 roundings a step, 12 steps.
        torch.testing.assert_close(whole[-1].state[name], tensor, rtol=1e-3, atol=1e-4)
