"""Who computes is chosen by the settings, and whoever computes alone never waits for Celery and redis."""

import subprocess
import sys
from pathlib import Path

from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_compute, open_trainer
from gradviz.compute.local import LocalCompute
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings

_SERVE_ALONE = """
import sys
from gradviz.cli import main
from gradviz.commands import landscape, serve, train, web_server
from gradviz.commands.supervised_training import SupervisedTraining
from gradviz.dashboard.factory import create_server
from gradviz.settings import load_settings

server = create_server()
assert server.test_client().get("/api/v1/landscape", query_string=dict(
    run="none", epoch=1, points=3, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]")).status_code == 200
SupervisedTraining(load_settings(), starts=False).watch()
print(sorted({name.split(".")[0] for name in sys.modules} & {"celery", "kombu", "redis", "billiard"}))
"""


def test_this_process_computes_unless_the_settings_say_otherwise(tiny_runs: Path, tmp_path: Path):
    settings = Settings(runs=tiny_runs)
    with FieldCache(tmp_path) as cache:
        assert isinstance(open_compute(settings, RunStore(tiny_runs), cache), LocalCompute)
    assert isinstance(open_trainer(settings), TrainerProcess)


def test_whoever_computes_alone_imports_no_celery_and_no_redis(tiny_runs: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", _SERVE_ALONE],
        env={"GRADVIZ_RUNS": str(tiny_runs), "GRADVIZ_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
