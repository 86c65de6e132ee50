"""The benchmark of replay measures every case against the ways without it; how long anything takes is not asserted."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.landscape.replay import Plane, Problem, Scalar, bench
from gradviz.landscape.replay.examples import CharTransformer, ConvolutionalNet, RecurrentNet, ResidualNet, example
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.rivals import by_backward, by_vmap_of_grad, by_vmap_of_jvp

pytestmark = [  # what torch says of its own rules for many points at once, and of how it makes those of forward mode
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),
]

SMALL = {
    "digits CNN": lambda: example(ConvolutionalNet(channels=2, units=4), rows=4),
    "ResNet": lambda: example(ResidualNet(widths=(2, 2, 3, 3)), rows=2),
    "transformer": lambda: example(CharTransformer(characters=5, positions=4, width=8), rows=2, positions=4),
    "GRU": lambda: example(RecurrentNet(nn.GRU, characters=5, width=4), rows=2, positions=3),
}


@pytest.mark.parametrize("parts", [("conv2", "random plane"), pytest.param(None, marks=pytest.mark.slow)])
def test_the_benchmark_measures_every_case(tmp_path, capsys, monkeypatch, parts):
    monkeypatch.setattr(bench, "MODELS", bench.MODELS | SMALL)
    monkeypatch.setattr(bench, "LONG", 0.0)
    path = tmp_path / "bench.json"
    names = [case.name for case in bench.CASES if case.model in SMALL and (parts is None or case.part in parts)]
    bench.main(path, names=names, points=3)
    rows = json.loads(path.read_text())
    assert [row["case"] for row in rows] == names
    assert len(names) == (3 if parts else len(bench.CASES) - 6)
    for row in rows:
        assert row["method"].startswith("replay")
        assert min(row["forward"], row["replay"], row["further"], row["rivals"]["loop"]) > 0
        assert row["rivals"]["vmap(grad)"] or row["case"].startswith("GRU")  # which torch.func may not map
    printed = capsys.readouterr().out
    assert "best/further" in printed


@pytest.mark.parametrize("way", [by_backward, by_vmap_of_grad, by_vmap_of_jvp])
def test_what_it_is_measured_against_gives_the_loops_numbers(way):
    torch.manual_seed(0)
    own = SMALL["digits CNN"]()
    model = own.model.double().eval()
    problem = Problem(model, own.loss, own.batch | {"x": own.batch["x"].double()}, dtype=torch.float64)
    plane = Plane(Scalar.parse("conv1.weight[1,0,0,2]"), Scalar.parse("fc2.bias[1]"), points=3)
    # the loop sums in the same order but for the mapped batch
    np.testing.assert_allclose(way(problem, plane, [0, 5]), by_loop(problem, plane, [0, 5]), rtol=1e-6, atol=1e-9)
