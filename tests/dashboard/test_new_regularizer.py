"""A regularizer that gradviz does not ship: one value, registered below, and nothing else is changed for it."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import Field

from gradviz.cli import main
from gradviz.experiment.regularizers import REGULARIZERS, Regularizer
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeSpec, gradient_landscape

TRAINING = "--variants none,gaussian(0.4) --rows 200 --hidden 12,9,7 --device cpu --batch-size 16"
PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.weight[1,2]"}


class GaussianNoise(Regularizer):
    """Each activation is multiplied by a number from N(1, s²) in train mode (Srivastava et al. 2014, section 10)."""

    run_name, title = "gaussian", "Gaussian noise"

    kind: Literal["gaussian"] = "gaussian"
    deviation: float = Field(default=0.5, ge=0.0, le=10.0)

    @property
    def draws_masks(self) -> bool:
        return True

    def draw(self, blank_BN: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return blank_BN.normal_(1.0, self.deviation, generator=generator)

    def acted(self, activation: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return activation * mask

    def squares_acted(self, squares: torch.Tensor) -> torch.Tensor:
        return squares * (1.0 + self.deviation**2)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGULARIZERS, "gaussian", GaussianNoise)


def trained(runs: Path, epochs: int = 2) -> RunStore:
    assert main(["train", *TRAINING.split(), "--epochs", str(epochs), "--runs", str(runs)]) == 0
    return RunStore(runs)


def test_it_is_trained_listed_and_continued(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = trained(tmp_path / "parts")
    assert store.names() == ["none", "gaussian"]
    assert store.run("gaussian").config.regularizer == GaussianNoise(deviation=0.4)
    states = [store.run(name).model(2).state_dict() for name in store.names()]
    assert not all(torch.equal(*pair) for pair in zip(*(state.values() for state in states), strict=True))
    trained(tmp_path / "parts", 4)
    trained(tmp_path / "whole", 4)
    parts, whole = (tmp_path / place / "gaussian" / "epoch-0004.safetensors" for place in ("parts", "whole"))
    assert parts.read_bytes() == whole.read_bytes()
    capsys.readouterr()
    assert main(["runs", "--runs", str(tmp_path / "parts")]) == 0
    assert "gaussian" in capsys.readouterr().out


@pytest.mark.parametrize("masks", ["fresh", "frozen", "averaged"])
def test_the_engine_draws_its_masks_as_the_plain_loop_does(tmp_path: Path, masks: str) -> None:
    run = trained(tmp_path).run("gaussian")
    rows = run.minibatch(1, 16)
    values: dict[str, Any] = {
        "mode": "train",
        "masks": masks,
        "num_masks": 3,
        "points": 5,
        "half_width": 0.5,
        "seed": 4,
    }
    spec = LandscapeSpec(**PAIR, **values)
    about = {"model": run.model(2), "inputs": rows.inputs_BI, "targets": rows.targets_B, "dtype": torch.float64}
    engine, loop = (gradient_landscape(**about, spec=spec, method=method) for method in ("engine", "reference"))
    for name in ("u", "v", "loss"):
        # float64 sums in another order
        np.testing.assert_allclose(getattr(engine, name), getattr(loop, name), rtol=1e-9, atol=1e-9)
    assert np.abs(engine.u).max() > 0
    others = (spec.model_copy(update=change) for change in ({"seed": 5}, {"mode": "eval"}))
    assert all(not np.array_equal(gradient_landscape(**about, spec=other).u, engine.u) for other in others)


def test_the_page_is_told_what_it_can_do(make_app, tmp_path: Path) -> None:
    trained(tmp_path)
    client = make_app(tmp_path).server.test_client()
    told = client.get("/api/v1/runs").get_json()["runs"]["gaussian"]
    assert told["label"] == "Gaussian noise"
    assert told["regularizer"] == {"kind": "gaussian", "label": "Gaussian noise", "deviation": 0.4}
    assert told["capabilities"]["draws_masks"]
    asked = {"run": "gaussian", "epoch": 2, "mode": "train", "points": 3, "minibatch_size": 16, **PAIR}
    fields = [client.get("/api/v1/landscape", query_string=asked | {"seed": seed}).get_json() for seed in (0, 0, 1)]
    assert fields[0]["u"] == fields[1]["u"] != fields[2]["u"]
