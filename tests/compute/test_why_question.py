"""`GET /api/v1/why` answers what `gradviz why` prints, for runs of any study."""

from pathlib import Path

import pytest

from gradviz.cli import main
from gradviz.dashboard.factory import create_server
from gradviz.landscape.field import ZeroReason
from gradviz.numbers import number
from gradviz.settings import Settings
from tests.compute.conftest import STUDY_FILE

ADDRESS = "/api/v1/why"
ASKED = {"run": "net", "epoch": 1, "minibatch": 2, "mode": "train"}


@pytest.fixture
def client(recorded: Path, tmp_path: Path):
    settings = Settings(runs=recorded, study=str(STUDY_FILE), cache_dir=tmp_path / "cache", read_only=True)
    return create_server(settings).test_client()


@pytest.mark.parametrize(
    ("parameter", "reason"), [("conv1.bias[1]", ZeroReason.BATCH_STATISTICS), ("conv2.bias[3]", None)]
)
def test_it_tells_what_the_command_prints(
    client, recorded: Path, capsys: pytest.CaptureFixture[str], parameter: str, reason: ZeroReason | None
):
    told = client.get(ADDRESS, query_string=ASKED | {"parameter": parameter}).json
    command = ["why", "--run", "net", "--epoch", "1", "--minibatch", "2", "--mode", "train", "--study", str(STUDY_FILE)]
    assert main([*command, "--runs", str(recorded), parameter]) == 0
    single, double = (number(told[precision], 4) for precision in ("float32", "float64"))
    printed = f"{parameter}: {told['sentence']} ({single} in float32, {double} in float64)\n"
    assert capsys.readouterr().out == printed
    assert told["is_zero"] == (reason is not None)
    assert told["zero_reason"] == reason


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"parameter": "conv9.bias[0]"}, "this model has no parameter conv9.bias"),
        ({"parameter": "conv1.bias[9]"}, "is out of range: conv1.bias takes [0..3]"),
        ({"parameter": "bias"}, "is not the name of a parameter"),
        ({"minibatch": 9}, "`minibatch` of the run net must be in [0, 3]"),
        ({"minibatch_size": 32}, "`minibatch_size` cannot be chosen"),
    ],
)
def test_what_it_cannot_answer_is_one_sentence(client, changes: dict, named: str):
    answer = client.get(ADDRESS, query_string=ASKED | {"parameter": "conv1.bias[0]"} | changes)
    assert answer.status_code == 422
    assert named in answer.json["error"]
