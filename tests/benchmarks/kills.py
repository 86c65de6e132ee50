"""Kills of every process of a server at random moments: nothing that was saved is lost, and everything comes back.

`python -m tests.benchmarks.kills --kills 100 --seed 0` trains tiny runs under `gradviz serve` and sends SIGKILL to its
trainer, supervisor, web worker and gunicorn's master in turn by chance, starts the supervisor again as an operator
would, and begins the runs afresh whenever they are trained. Each time they are, every file is held byte for byte
against a training that nobody disturbed (of metrics.csv all but the time that an epoch took). After each kill every
checkpoint that was there must still be. Prints a table; exit status 1 if anything was lost or did not come back.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gradviz.compute.trainer_process import TrainerProcess

ROLES = ("trainer", "supervisor", "web worker", "master")
TINY = ("--hidden", "20,10,5", "--rows", "200", "--device", "cpu")
BACK_SECONDS = 180.0  # within which whoever was killed is back, on a machine that is busy
LONGEST_PAUSE_SECONDS = 3.0
LANDSCAPE = "/api/v1/landscape?variant=none&epoch=1&x=output.bias%5B0%5D&y=hidden.1.linear.bias%5B0%5D&format=binary"


def until(wanted: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + BACK_SECONDS
    while not wanted():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {BACK_SECONDS:.0f} s: {what}")
        time.sleep(0.02)


def contents(runs: Path) -> dict[str, bytes]:
    """Checkpoints, rows, records and metrics; of the latter all but the last column, the time that an epoch took."""
    files = {}
    for path in sorted(runs.glob("*/*")):
        if path.suffix in (".safetensors", ".csv") or path.name == "run.json":
            files[f"{path.parent.name}/{path.name}"] = path.read_bytes()
    for name in files:
        if name.endswith("metrics.csv"):
            lines = files[name].decode().splitlines()
            files[name] = "\n".join(line.rpartition(",")[0] for line in lines).encode()
    return files


def differences(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))


@dataclass
class Server:
    """`gradviz serve` and the processes below it; all of them were started here."""

    runs: Path
    port: int
    log: Path
    supervisor: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "gradviz", "serve", "--runs", str(self.runs), "--port", str(self.port)]
        with open(self.log, "ab") as log:
            self.supervisor = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def pid(self, role: str) -> int | None:
        """The process that has this role now; None while there is none."""
        supervisor = self.supervisor.pid
        if role == "supervisor":
            return supervisor
        if role == "trainer":
            holder = TrainerProcess(self.runs).status().holder
            return holder.pid if holder is not None and str(self.runs) in words_of(holder.pid) else None
        masters = [pid for pid in children(supervisor) if "gradviz.commands.web_server" in words_of(pid)]
        if role == "master":
            return next(iter(masters), None)
        return next((worker for master in masters for worker in children(master)), None)

    def ask(self, path: str, body: dict | None = None) -> tuple[int, bytes]:
        """(0, b"") where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            if body is None:
                connection.request("GET", path)
            else:
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def state(self) -> str:
        status, content = self.ask("/api/v1/training")
        return json.loads(content)["state"] if status == 200 else "away"

    def end(self) -> int:
        self.supervisor.send_signal(signal.SIGINT)
        return self.supervisor.wait(120)


def children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def words_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


@dataclass
class Tally:
    kills: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    trainings: int = 0
    compared: int = 0

    def table(self) -> str:
        lines = ["| killed | times | checkpoints lost |", "|---|--:|--:|"]
        lines += [f"| {role} | {self.kills[role]} | {self.losses[role]} |" for role in ROLES]
        return "\n".join(lines)


def train_undisturbed(runs: Path, epochs: int) -> dict[str, bytes]:
    command = [sys.executable, "-m", "gradviz", "train", "--runs", str(runs), "--epochs", str(epochs), *TINY]
    subprocess.run(command, check=True, capture_output=True)
    return contents(runs)


def begin(runs: Path, epochs: int) -> None:
    """The runs that the server goes on with, in their own size: it could only begin those of its preset."""
    trainer = TrainerProcess(runs)
    trainer.start(["--epochs", str(epochs), *TINY])
    until(lambda: len(trainer.status().progress) == 3, "the runs have begun")


def kill(server: Server, role: str, tally: Tally) -> None:
    until(lambda: server.pid(role) is not None or (role == "trainer" and server.state() == "finished"), f"a {role}")
    pid = server.pid(role)
    if pid is None:
        return
    before = set(server.runs.glob("*/epoch-*.safetensors"))
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    if role == "supervisor":
        server.supervisor.wait()
        server.start()
    until(lambda: server.pid(role) != pid, f"the killed {role} is gone")
    tally.kills[role] += 1
    tally.losses[role] += sum(not path.exists() for path in before)


def compare(server: Server, whole: dict[str, bytes], tally: Tally) -> None:
    wrong = differences(contents(server.runs), whole)
    tally.trainings += 1
    tally.compared += len(whole)
    tally.losses["any"] += len(wrong)
    if wrong:
        print("differ from the undisturbed training:", ", ".join(wrong[:10]), flush=True)


def start_again(server: Server) -> None:
    """All runs from the beginning; asked for again where the server or the new trainer was killed before it began."""
    oldest = min(path.stat().st_mtime_ns for path in server.runs.glob("*/epoch-0000.safetensors"))

    def has_begun() -> bool:
        if server.state() == "finished":
            server.ask("/api/v1/training", {"action": "start_again", "confirm": True})
        paths = [server.runs / variant / "epoch-0000.safetensors" for variant in ("none", "dropout", "batchnorm")]
        return all(path.exists() and path.stat().st_mtime_ns > oldest for path in paths)

    until(has_begun, "the runs have begun afresh")


def run(kills: int, seed: int, epochs: int, root: Path) -> tuple[Tally, list[str]]:
    chance, tally, wrong = random.Random(seed), Tally(), []
    whole = train_undisturbed(root / "whole", epochs)
    runs = root / "runs"
    begin(runs, epochs)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(runs, port, root / "server.log")
    try:
        while tally.kills.total() < kills:
            if server.supervisor.poll() is not None:
                wrong.append("the supervisor has ended by itself")
                break
            if server.state() == "finished":
                compare(server, whole, tally)
                start_again(server)
            time.sleep(chance.uniform(0.0, LONGEST_PAUSE_SECONDS))
            kill(server, chance.choice(ROLES), tally)
            print(f"\r{tally.kills.total()} of {kills} kills, {tally.trainings} trainings", end="", file=sys.stderr)
        else:
            until(lambda: server.state() == "finished", "all runs are trained")
            compare(server, whole, tally)
            if server.ask("/readyz")[0] != 200 or server.ask(LANDSCAPE)[0] != 200:
                wrong.append("the page does not answer")
    except TimeoutError as error:
        wrong.append(str(error))
    finally:
        status = server.end() if server.supervisor.poll() is None else server.supervisor.returncode
        TrainerProcess(runs).stop(background_only=True)
    if status:
        wrong.append(f"the server ended with status {status}")
    if "Traceback" in (root / "server.log").read_text():
        wrong.append("a traceback in the log of the server")
    wrong += [f"left behind: {path.name}" for path in (root / "tmp").glob("gradviz-*")]
    return tally, wrong


@contextmanager
def own_world() -> Iterator[Path]:
    """A directory for all, settings of nobody, and temporary files where what is left can be seen."""
    with tempfile.TemporaryDirectory(prefix="kills-") as directory:
        root = Path(directory)
        (root / "tmp").mkdir()
        for name in [name for name in os.environ if name.startswith("GRADVIZ_")]:
            del os.environ[name]
        os.environ |= {
            "GRADVIZ_CACHE_DIR": str(root / "cache"),
            "GRADVIZ_DEVICE": "cpu",
            "GRADVIZ_METRICS": "1",
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(root / "tmp"),
        }
        yield root


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=150)
    options = parser.parse_args()
    began = time.monotonic()
    with own_world() as root:
        tally, wrong = run(options.kills, options.seed, options.epochs, root)
        if wrong:
            print("\n" + (root / "server.log").read_text()[-4000:])
    print(f"\n{tally.table()}\n")
    print(f"{tally.trainings} trainings to the end, {tally.compared:,} files compared, {tally.losses['any']} differ.")
    print("".join(f"{each}\n" for each in wrong) + f"{time.monotonic() - began:.0f} s")
    return int(bool(wrong or tally.losses.total()))


if __name__ == "__main__":
    sys.exit(main())
