"""A directory of version 0.1, as that wrote it (tests/data/version-0.1): it opens, and its training goes on.

Three runs of 80 rows, hidden 2,3,2, minibatches of 16 rows, learning rate 1e-3, trained for two epochs by one thread; a
field of each, written by its `gradviz landscape`.
"""

# Shape suffixes: B = examples of a minibatch, I = inputs, N = units of a layer, C = characters.

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from gradviz.experiment.describe import describe_runs
from gradviz.experiment.optimizers import Adam
from gradviz.experiment.regularizers import DEFAULT_NAMES, BatchNormalization, Dropout, Plain
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.landscape import LandscapeRequest, gradient_landscape

OLD = Path(__file__).parents[1] / "data" / "version-0.1"
EPOCHS = 5


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "runs"))


def test_it_opens_and_says_what_its_runs_are():
    store = RunStore(OLD)
    assert store.names() == ["none", "dropout", "batchnorm"]
    assert store.broken() == []
    configs = [store.run(name).config for name in store.names()]
    assert [config.regularizer for config in configs] == [Plain(), Dropout(p=0.3), BatchNormalization()]
    assert [config.optimizer for config in configs] == [Adam(learning_rate=1e-3)] * 3
    assert [config.title for config in configs] == ["None", "Dropout", "BatchNorm"]
    assert [(one.name, one.last_epoch, one.broken) for one in describe_runs(store)] == [
        (name, 2, ()) for name in DEFAULT_NAMES
    ]
    assert [store.run(name).epochs() for name in store.names()] == [[0, 1, 2]] * 3


@pytest.mark.parametrize("name", DEFAULT_NAMES)
def test_what_was_cached_of_it_keeps_its_address(name: str):
    """The identity of a run, as version 0.1 wrote it into every key: the values of run.json that decide numbers."""
    flat = json.loads((OLD / name / "run.json").read_text())
    deciding = ("variant", "seed", "rows", "hidden", "norm_placement", "dropout", "output_scale", "batch_size")
    expected = {key: flat[key] for key in (*deciding, "learning_rate", "data_digest")}
    assert RunStore(OLD).run(name).config.identity() == expected


@pytest.mark.parametrize("name", DEFAULT_NAMES)
def test_its_landscapes_are_those_that_it_drew(name: str):
    with np.load(OLD / f"{name}.npz", allow_pickle=False) as field:
        request = LandscapeRequest.from_json(str(field["request"]))
        expected = {key: field[key] for key in ("u", "v", "loss")}
    run = RunStore(OLD).run(request.run)
    rows = run.minibatch(request.minibatch, request.minibatch_size)
    found = gradient_landscape(run.model(request.epoch), rows.inputs_BI, rows.targets_B, request.spec())
    for key, values in expected.items():
        # float32 sums of another processor may be rounded otherwise
        np.testing.assert_allclose(getattr(found, key), values, rtol=1e-5, atol=1e-5 * np.abs(values).max())
    assert np.abs(expected["u"]).max() > 0


@pytest.mark.parametrize("name", DEFAULT_NAMES)
def test_its_training_goes_on_bit_for_bit_as_a_plain_loop_does(old: Path, name: str):
    expected = plain_loop(OLD / name)
    again = run_configs(epochs=EPOCHS, rows=80, hidden=(2, 3, 2), batch_size=16, learning_rate=1e-3, variants=[name])
    assert train(old, again, device="cpu").finished
    run = RunStore(old).run(name)
    assert run.epochs() == list(range(EPOCHS + 1))
    for epoch in range(3, EPOCHS + 1):
        state = run.model(epoch).state_dict()
        assert state.keys() == expected[epoch].keys()
        for tensor, values in state.items():
            assert torch.equal(values, expected[epoch][tensor]), f"{tensor} after epoch {epoch}"


def plain_loop(directory: Path) -> dict[int, dict[str, Tensor]]:
    """The network's state after each further epoch: from the files of version 0.1, by torch alone."""
    resume, rows = load_file(directory / "resume.safetensors"), load_file(directory / "rows.safetensors")
    state = load_file(directory / f"epoch-{int(resume['epoch']):04d}.safetensors")
    told = json.loads((directory / "run.json").read_text())
    order, masks = torch.Generator(), torch.Generator()
    order.set_state(resume["order_state"])
    masks.set_state(resume["masks_state"])
    parameters = {name: tensor.requires_grad_() for name, tensor in state.items() if "running" not in name}
    optimizer = torch.optim.Adam(list(parameters.values()), lr=told["learning_rate"], fused=True)
    for name, parameter in parameters.items():
        kept = ("step", "exp_avg", "exp_avg_sq")
        optimizer.state[parameter] = {key: resume[f"{key}.{name}"] for key in kept}
    states = {}
    for epoch in range(int(resume["epoch"]) + 1, EPOCHS + 1):
        shuffled = rows["train_rows"][torch.randperm(len(rows["train_rows"]), generator=order)]
        for rows_B in shuffled.split(told["batch_size"]):
            h_BN = F.one_hot(rows["codes"][rows_B].long(), 15).float().flatten(1)
            keep = 1.0 - told["dropout"]
            sets = [torch.empty(len(rows_B), n).bernoulli_(keep, generator=masks) for n in told["hidden"]]
            for k, mask_BN in enumerate(sets):
                h_BN = F.linear(h_BN, state[f"hidden.{k}.linear.weight"], state[f"hidden.{k}.linear.bias"])
                if told["variant"] == "batchnorm":
                    statistics = [state[f"hidden.{k}.norm.{name}"] for name in ("running_mean", "running_var")]
                    scale = [state[f"hidden.{k}.norm.{name}"] for name in ("weight", "bias")]
                    h_BN = F.batch_norm(h_BN, *statistics, *scale, training=True, momentum=0.1, eps=1e-5)
                h_BN = F.relu(h_BN)
                if told["variant"] == "dropout":
                    h_BN = h_BN * mask_BN / keep
            predicted_B = told["output_scale"] * F.linear(h_BN, state["output.weight"], state["output.bias"])[:, 0]
            optimizer.zero_grad()
            F.l1_loss(predicted_B, rows["targets"][rows_B]).backward()
            optimizer.step()
        states[epoch] = {name: tensor.detach().clone() for name, tensor in state.items()}
    return states


def test_its_files_say_afterwards_what_the_run_is_in_the_new_form(old: Path):
    again = run_configs(epochs=3, rows=80, hidden=(2, 3, 2), batch_size=16, learning_rate=1e-3, variants=["dropout"])
    train(old, again, device="cpu")
    told = json.loads((old / "dropout" / "run.json").read_text())
    assert (told["format_version"], told["name"], told["epochs"]) == (2, "dropout", 3)
    assert told["regularizer"] == {"kind": "dropout", "p": 0.3}
    assert told["optimizer"] == {"kind": "adam", "learning_rate": 1e-3}
    assert RunStore(old).run("dropout").address(2) == RunStore(OLD).run("dropout").address(2)
