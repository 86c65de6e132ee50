"""The trainer: what it refuses, what it continues, what it says."""

import errno
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gradviz.errors import UserError
from gradviz.experiment.interruption import StopRequest, stop_on_signals
from gradviz.experiment.lock import RunLocked, holder, run_lock
from gradviz.experiment.outcome import TrainingOutcome, TrainingProgress
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries import trainer as trainer_module
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train


def contents(root: Path, only: str = "") -> dict[str, bytes]:
    """Every file of the runs (or of `only` one) but metrics.csv, which holds times."""
    files = (path for path in sorted((root / only).rglob("*")) if path.is_file() and path.name != "metrics.csv")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def train_all(root: Path, tiny, **options) -> tuple[list[TrainingProgress], list[str]]:
    """Trains the three variants; gives what was reported and said."""
    progress: list[TrainingProgress] = []
    messages: list[str] = []
    changes = options.pop("changes", {})
    configs = [tiny(variant, **changes) for variant in DEFAULT_NAMES]
    train(root, configs, device="cpu", on_progress=progress.append, on_message=messages.append, **options)
    return progress, messages


def test_the_variants_are_trained_in_turn_epoch_by_epoch(tmp_path: Path, tiny):
    progress, _ = train_all(tmp_path, tiny)
    saved = [(line.run, line.epoch) for line in progress if line.saved]
    assert saved == [(variant, epoch) for epoch in range(4) for variant in DEFAULT_NAMES]


def test_the_order_of_the_configurations_does_not_matter(tmp_path: Path, tiny, runs: Path):
    train(tmp_path / "reversed", [tiny(variant) for variant in reversed(DEFAULT_NAMES)], device="cpu")
    assert contents(tmp_path / "reversed") == contents(runs)


def test_one_variant_alone_gives_the_same_run_as_all_together(tmp_path: Path, tiny, runs: Path):
    train(tmp_path, [tiny("dropout")], device="cpu")
    assert contents(tmp_path / "dropout") == contents(runs / "dropout")


def test_progress_counts_steps_and_epochs_and_what_is_left(tmp_path: Path, tiny):
    progress, messages = train_all(tmp_path, tiny)
    steps = [line for line in progress if not line.saved]
    assert len(steps) == 3 * 3 * 4
    assert {(line.step, line.steps, line.epochs) for line in steps} == {(step, 4, 3) for step in (1, 2, 3, 4)}
    first, last = progress[0], progress[-1]
    assert (first.epoch, first.seconds_left, first.saved) == (0, None, True)
    assert (last.run, last.epoch, last.seconds_left) == ("batchnorm", 3, 0.0)
    assert all(line.seconds_left is not None and line.seconds_left >= 0.0 for line in steps)
    assert all(line.test_r2 is not None for line in progress)
    assert messages == ["80 of 80 usable rows: 64 for training, 16 for testing"]


def test_what_is_reported_is_what_the_store_holds(tmp_path: Path, tiny):
    progress, _ = train_all(tmp_path, tiny)
    store = RunStore(tmp_path)
    for line in progress:
        if line.saved:
            metrics = store.run(line.run).metrics()[line.epoch]
            assert (metrics.train_loss, metrics.test_r2) == (line.train_loss, line.test_r2)


def test_a_checkpoint_is_there_when_it_is_reported(tmp_path: Path, tiny):
    store = RunStore(tmp_path)

    def look(progress: TrainingProgress) -> None:
        if progress.saved:
            assert store.run(progress.run).epochs()[-1] == progress.epoch

    train(tmp_path, [tiny(variant) for variant in DEFAULT_NAMES], device="cpu", on_progress=look)


def test_a_finished_run_says_so_and_is_left_as_it_is(runs: Path, tiny):
    before = contents(runs)
    for epochs in (3, 2):
        progress, messages = train_all(runs, tiny, changes={"epochs": epochs})
        assert progress == []
        assert messages[0] == f"none: already trained for 3 epochs ({epochs} requested)."
        assert contents(runs) == before


def test_more_epochs_continue_the_same_run(runs: Path, tmp_path: Path, tiny):
    _, messages = train_all(runs, tiny, changes={"epochs": 5})
    assert "dropout: continues after epoch 3 of 5." in messages
    train_all(tmp_path / "at once", tiny, changes={"epochs": 5})
    assert contents(runs) == contents(tmp_path / "at once")
    assert [line.epoch for line in RunStore(runs).run("none").metrics()] == list(range(6))


def test_a_variant_that_is_behind_is_caught_up_first(runs: Path, tmp_path: Path, tiny):
    for path in (runs / "batchnorm").iterdir():
        path.unlink()
    progress, _ = train_all(runs, tiny, changes={"epochs": 4})
    saved = [line.run for line in progress if line.saved]
    assert saved == ["batchnorm"] * 4 + list(DEFAULT_NAMES)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": 1}, "seed: 0 there, 1 asked for"),
        ({"hidden": (6, 5)}, "hidden: 6,5,4 there, 6,5 asked for"),
        ({"norm_placement": "after"}, r"regularizer: batchnorm\(before\) there, batchnorm\(after\) asked for"),
        ({"rows": 90, "batch_size": 8}, "rows: 80 there, 90 asked for; batch_size: 16 there, 8 asked for"),
    ],
)
def test_another_configuration_in_the_same_place_is_refused_with_both_values(runs: Path, tiny, changes, says: str):
    before = contents(runs)
    with pytest.raises(UserError, match=f"another configuration .{says}.*`--fresh` to replace it"):
        train_all(runs, tiny, changes=changes)
    assert contents(runs) == before


def test_another_table_in_the_same_place_is_refused(runs: Path, tiny, real_table: Path):
    config = run_configs(variants=["none"], data=real_table)[0]
    table = {"data": config.data, "data_digest": config.data_digest}
    with pytest.raises(UserError, match=r"data_digest: none \(the synthetic table\) there, .{12}\.\.\. asked for"):
        train_all(runs, tiny, changes=table)


def test_a_run_that_broke_off_before_its_first_epoch_is_in_nobodys_way(tmp_path: Path, tiny):
    stop = StopRequest()
    outcome = train(tmp_path, [tiny()], device="cpu", on_progress=lambda progress: stop.ask(), stop=stop)
    assert not outcome.finished
    assert RunStore(tmp_path).run("none").epochs() == [0]
    train_all(tmp_path, tiny, changes={"seed": 1, "epochs": 1})
    assert RunStore(tmp_path).run("none").config.seed == 1
    train_all(tmp_path / "new", tiny, changes={"seed": 1, "epochs": 1})
    assert contents(tmp_path / "none") == contents(tmp_path / "new" / "none")


def test_one_run_that_does_not_fit_stops_all_before_anything_is_written(runs: Path, tiny):
    for path in (runs / "none").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="dropout holds a run of another configuration"):
        train_all(runs, tiny, changes={"seed": 1})
    assert not (runs / "none" / "run.json").exists()


def test_fresh_replaces_the_run_and_nothing_else(runs: Path, tmp_path: Path, tiny):
    (runs / "none" / "notes.txt").write_text("mine")
    (runs / "other").mkdir()
    (runs / "none" / "epoch-0099.safetensors").write_text("of the old run")
    train_all(runs, tiny, changes={"seed": 1, "epochs": 2}, fresh=True)
    assert (runs / "none" / "notes.txt").read_text() == "mine"
    assert (runs / "other").is_dir()
    (runs / "none" / "notes.txt").unlink()
    train_all(tmp_path / "new", tiny, changes={"seed": 1, "epochs": 2})
    assert contents(runs) == contents(tmp_path / "new")


def test_fresh_with_a_mistake_keeps_the_old_run(runs: Path, tiny, tmp_path: Path):
    before = contents(runs)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="no column"):
        train_all(runs, tiny, changes={"data": str(tmp_path / "table.csv"), "data_digest": "x"}, fresh=True)
    with pytest.raises(UserError, match="device"):
        train(runs, [tiny("none")], device="tpu", fresh=True)
    assert contents(runs) == before


def test_a_run_that_is_held_is_refused_and_left_as_it_is(runs: Path, tiny):
    before = contents(runs)
    with run_lock(runs / "dropout"):
        with pytest.raises(RunLocked, match=f"dropout is being trained by process {os.getpid()} on"):
            train_all(runs, tiny, changes={"epochs": 5}, fresh=True)
        assert holder(runs / "none") is None
    assert contents(runs) == before


@pytest.mark.parametrize("name", ["resume.safetensors", "epoch-0003.safetensors"])
@pytest.mark.parametrize("damage", [b"", b"random bytes that are no tensors at all"])
def test_a_damaged_last_state_is_said_and_trained_again_to_the_same_bytes(runs: Path, tiny, name: str, damage: bytes):
    before = contents(runs)
    (runs / "dropout" / name).write_bytes(damage)
    progress, messages = train_all(runs, tiny)
    assert any(f"{name} cannot be used" in line and "trains again from epoch 0" in line for line in messages)
    assert {line.run for line in progress} == {"dropout"}
    assert contents(runs) == before


@pytest.mark.parametrize("damage", [b"", b"random bytes that are no tensors at all", None])
def test_damaged_rows_are_said_and_made_again(runs: Path, tiny, damage: bytes | None):
    before = contents(runs)
    path = runs / "dropout" / "rows.safetensors"
    path.unlink() if damage is None else path.write_bytes(damage)
    _, messages = train_all(runs, tiny)
    assert any("rows.safetensors cannot be used" in line and "rebuilt from the table" in line for line in messages)
    assert contents(runs) == before


def test_a_damaged_record_is_refused_until_fresh(runs: Path, tiny):
    (runs / "none" / "run.json").write_text("{")
    with pytest.raises(
        UserError,
        match=r"run\.json cannot be used: it is not JSON \(line 1, column 2\); start again there with `--fresh`",
    ):
        train_all(runs, tiny)
    train_all(runs, tiny, fresh=True)
    assert RunStore(runs).names() == list(DEFAULT_NAMES)


def test_checkpoints_without_a_record_are_not_overwritten(runs: Path, tiny):
    (runs / "none" / "run.json").unlink()
    with pytest.raises(UserError, match=r"holds checkpoints but no run\.json: start again there with `--fresh`"):
        train_all(runs, tiny)
    assert checkpoint_path(runs / "none", 3).exists()


def test_leftovers_of_a_killed_trainer_are_removed(runs: Path, tiny):
    (runs / "none" / "epoch-0004.safetensors.partial").write_text("half")
    train_all(runs, tiny)
    assert not list(runs.rglob("*.partial"))


@pytest.fixture
def other_threads() -> Iterator[int]:
    """The process has another number of CPU threads than the runs were trained with."""
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    yield before + 1
    torch.set_num_threads(before)


def test_a_run_continues_with_the_threads_that_it_was_begun_with(runs: Path, tiny, other_threads: int):
    """As many sums, in the same order: so it continues bit for bit."""
    recorded = json.loads((runs / "batchnorm" / "run.json").read_text())["num_threads"]
    assert recorded == other_threads - 1
    used: set[int] = set()
    messages: list[str] = []
    train(
        runs,
        [tiny("batchnorm", epochs=4)],
        device="cpu",
        on_progress=lambda line: used.add(torch.get_num_threads()) if not line.saved else None,
        on_message=messages.append,
    )
    assert used == {recorded}
    assert torch.get_num_threads() == other_threads
    assert any(f"started with {recorded} CPU threads" in message for message in messages)
    assert json.loads((runs / "batchnorm" / "run.json").read_text())["num_threads"] == recorded


def test_a_run_without_a_record_of_its_threads_is_read_continued_and_gets_one(runs: Path, tiny):
    path = runs / "none" / "run.json"
    record = json.loads(path.read_text())
    del record["num_threads"]
    path.write_text(json.dumps(record))
    assert RunStore(runs).run("none").record.num_threads is None
    messages: list[str] = []
    train(runs, [tiny("none", epochs=4)], device="cpu", on_message=messages.append)
    assert any("does not record its number of CPU threads" in message for message in messages)
    assert json.loads(path.read_text())["num_threads"] == torch.get_num_threads()


def test_another_version_of_torch_is_said(runs: Path, tiny):
    path = runs / "none" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"torch_version": "1.0"}))
    _, messages = train_all(runs, tiny, changes={"epochs": 4})
    assert any(f"started with torch 1.0, this is {torch.__version__}" in line for line in messages)


class Disk:
    """A disk with room for some changes; the next one finds it full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room, self.num_changes = 10**9, 0
        for name in ("fsync", "replace"):
            monkeypatch.setattr(os, name, self._limited(getattr(os, name)))

    def _limited(self, operation: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            self.num_changes += 1
            if self.num_changes > self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            operation(*arguments)

        return call


def test_a_full_disk_loses_at_most_the_epoch_under_way(
    tmp_path: Path, runs: Path, tiny, monkeypatch: pytest.MonkeyPatch
):
    disk = Disk(monkeypatch)
    train(tmp_path / "whole", [tiny("dropout")], device="cpu")
    num_changes, expected = disk.num_changes, contents(tmp_path / "whole")
    assert expected == contents(runs, only="dropout")
    for room in range(num_changes):
        disk.room, disk.num_changes = room, 0
        with pytest.raises(UserError, match=r"cannot be written \(No space left on device\): make room"):
            train(tmp_path / str(room), [tiny("dropout")], device="cpu")
        assert holder(tmp_path / str(room) / "dropout") is None
        assert not list(tmp_path.rglob("*.partial"))
        disk.room = 10**9
        train(tmp_path / str(room), [tiny("dropout")], device="cpu")
        assert contents(tmp_path / str(room)) == expected


def test_a_loss_that_is_not_finite_keeps_what_was_saved(tmp_path: Path, tiny):
    with pytest.raises(UserError, match="broke down"):
        train(tmp_path, [tiny("none", learning_rate=1e38)], device="cpu")
    assert RunStore(tmp_path).run("none").epochs() == [0]
    assert holder(tmp_path / "none") is None


@pytest.mark.parametrize("variants", [[], ["none", "none"]])
def test_each_run_is_named_at_most_once_and_one_at_least(tmp_path: Path, tiny, variants: list[str]):
    with pytest.raises(UserError, match="at least one run, and each name only once"):
        train(tmp_path, [tiny(variant) for variant in variants])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, tiny):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/none cannot be made \(Not a directory\): give `--runs`"):
        train(tmp_path / "file", [tiny("none")], device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused(tmp_path: Path, tiny):
    with pytest.raises(UserError, match="finds no CUDA device here: use auto or cpu"):
        train(tmp_path, [tiny("none")], device="cuda")


def test_a_request_stops_the_training_between_two_steps(tmp_path: Path, tiny):
    stop = StopRequest()
    steps: list[int] = []

    def on_progress(progress: TrainingProgress) -> None:
        steps.append(progress.step)
        if (progress.epoch, progress.step) == (2, 2):
            stop.ask()

    outcome = train(tmp_path, [tiny("none")], device="cpu", on_progress=on_progress, stop=stop)
    assert outcome == TrainingOutcome(finished=False)
    assert RunStore(tmp_path).run("none").epochs() == [0, 1]


def test_training_works_outside_the_main_thread(tmp_path: Path, tiny):
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(train(tmp_path, [tiny("none")], device="cpu")))
    thread.start()
    thread.join()
    assert outcomes == [TrainingOutcome(finished=True)]


def test_signals_are_handled_as_before_afterwards(tmp_path: Path, tiny):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    train(tmp_path, [tiny("none")], device="cpu")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, as in a terminal; a shell that starts a process in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_interrupts_at_once():
    with stop_on_signals() as stop:
        signal.raise_signal(signal.SIGINT)
        assert (stop.asked, stop.signal) == (True, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_too_little_memory_on_the_device_is_said(tmp_path: Path, tiny, monkeypatch: pytest.MonkeyPatch):
    def out_of_memory(*_arguments, **_options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer_module, "train_epochs", out_of_memory)
    with pytest.raises(UserError, match="The memory of cpu is too small"):
        train(tmp_path, [tiny("none")], device="cpu")


def test_a_table_of_the_users_is_trained_on(tmp_path: Path, real_table: Path):
    configs = run_configs(variants=["none"], data=real_table, rows=100, hidden=(5,), epochs=1)
    messages: list[str] = []
    train(tmp_path, configs, device="cpu", on_message=messages.append)
    assert messages[0].startswith("100 of 10,974 usable rows: 80 for training, 20 for testing; 1,026 without")
    record = RunStore(tmp_path).run("none").record
    assert (record.rows_left_out, record.data, record.data_digest) == (
        1026,
        str(real_table.resolve()),
        configs[0].data_digest,
    )


def test_what_was_recognised_of_a_table_is_said_first_and_last(tmp_path: Path, real_table: Path):
    (tmp_path / "table.csv").write_text(real_table.read_text().replace(",", ";").replace(".", ","))
    messages: list[str] = []
    configs = run_configs(variants=["none", "dropout"], data=tmp_path / "table.csv", rows=40, hidden=(5,), epochs=1)
    train(tmp_path, configs, device="cpu", on_message=messages.append)
    assert messages[1] == "Table read: columns separated by semicolons; decimal commas; dates as year-month-day."
    assert messages[2:] == messages[1:2]
    plain = run_configs(variants=["none"], data=real_table, rows=40, hidden=(5,), epochs=1)
    train(tmp_path / "plain", plain, device="cpu")
    written = [(root / "none" / "rows.safetensors").read_bytes() for root in (tmp_path, tmp_path / "plain")]
    assert written[0] == written[1]


def test_a_derived_column_is_part_of_the_run(tmp_path: Path, real_table: Path):
    lines = [line.rpartition(",")[0] for line in real_table.read_text().splitlines()[:60]]
    (tmp_path / "table.csv").write_text("\n".join(lines))

    def configs(derive: str | None = "linear_ests", epochs: int = 1) -> list[TrainingConfig]:
        table = tmp_path / "table.csv"
        return run_configs(variants=["none"], data=table, derive=derive, hidden=(5,), epochs=epochs)

    with pytest.raises(UserError, match="`--derive linear_ests` computes it"):
        train(tmp_path / "runs", configs(None), device="cpu")
    messages: list[str] = []
    train(tmp_path / "runs", configs(), device="cpu", on_message=messages.append)
    assert messages[-1].startswith("Table read: linear_ests derived")
    train(tmp_path / "runs", configs(epochs=2), device="cpu")
    train(tmp_path / "at once", configs(epochs=2), device="cpu")
    assert contents(tmp_path / "runs") == contents(tmp_path / "at once")
    assert RunStore(tmp_path / "runs").run("none").config.derive == "linear_ests"
    with pytest.raises(UserError, match="derive: linear_ests there, nothing asked for"):
        train(tmp_path / "runs", configs(None), device="cpu")


def test_the_runs_of_a_table_are_read_without_the_table(tmp_path: Path, real_table: Path):
    (tmp_path / "table.csv").write_bytes(real_table.read_bytes())
    configs = run_configs(variants=["none"], data=tmp_path / "table.csv", rows=100, hidden=(5,), epochs=1)
    train(tmp_path, configs, device="cpu")
    (tmp_path / "table.csv").unlink()
    assert RunStore(tmp_path).run("none").minibatch(0, 64).inputs_BI.shape == (64, 675)
