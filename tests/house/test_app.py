"""The server that gunicorn is pointed at."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_threads_of_the_server_wait_asleep(tmp_path: Path):
    """OpenMP itself says by which policy it goes when it is loaded."""
    environment = os.environ | {
        "OMP_DISPLAY_ENV": "true",
        "GRADVIZ_CACHE_DIR": str(tmp_path),
        "GRADVIZ_RUNS": str(tmp_path),
    }
    for given, policy in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "active"}, "ACTIVE")):
        done = subprocess.run(
            [sys.executable, "-c", "import app"],
            cwd=ROOT,
            env=environment | given,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr
