"""What many tests share: a tiny training of all three variants, and a world without the user's own settings."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from gradviz.compute import trainer_process
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train

ROOT = Path(__file__).parent

torch.manual_seed(0)
# In tiny networks a second thread only waits, for long where the machine is busy.
torch.set_num_threads(1)


# Files go to processes one by one: those that take longest begin, and what waits runs beside what computes.
_FIRST = (
    "compute/celery/test_training.py",
    "browser/test_views.py",
    "compute/celery/test_faults.py",
    "browser/test_explore.py",
    "browser/test_exports.py",
    "browser/test_accessibility.py",
    "browser/test_any_study.py",
    "cli/test_serve.py",
)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for processes that they have started."""
    return (os.cpu_count() or 1) + 1


# The same once more in other colours, sizes or names, and kills of whole workers whose parts have tests of their own:
# with the tests that say so themselves these are left to `make test-slow`.
_SLOW = re.compile(
    "|".join(
        [
            r"browser/test_accessibility\.py::test_(compare_is_walked_through|where_the_focus_is)",
            r"browser/test_accessibility\.py::test_axe_finds_nothing_to_mend\[(explore|compare|minibatches|paths|evidence|training)-dark",
            r"browser/test_answers\.py::test_(an_answer_that_breaks_off|what_can_not_be_had|somebody_elses_page)",
            r"browser/test_any_study\.py::test_(axe_finds|two_optimizers|what_is_taken_along|units_and_pairs_are_picked)",
            r"browser/test_connection\.py::test_a_killed_server_is_found_again",
            r"browser/test_connection\.py::test_a_page_at_rest_asks_for_(nothing\[minibatches|the_training)",
            r"browser/test_connection\.py::test_a_visit_is_light_and_asks_nobody_else\[(compare|minibatches)",
            r"browser/test_course\.py::test_points_are_asked_for_after",
            r"browser/test_evidence\.py::test_each_link_leads_to_a_view_that_shows_the_number\[3",
            r"browser/test_explore\.py::test_a_wrong_name_is_a_notice_and_the_picture_stays\[hidden\.1\.(norm|linear\.weight)",
            r"browser/test_explore\.py::test_any_two_parameters_can_be_paired\[hidden\.0",
            r"browser/test_exports\.py::test_(a_gif_has_a_frame|the_making_of_a_file_is_cancelled)",
            r"browser/test_exports\.py::test_copied_lines_reproduce_the_numbers",
            r"browser/test_exports\.py::test_png_and_svg_are_what_is_on_the_page\[dark",
            r"browser/test_exports\.py::test_the_page_that_stands_alone_works_from_disk_without_network\[(epochs|minibatches)",
            r"browser/test_many_runs\.py::test_(seeds_are_drawn|the_page_that_stands_alone|what_is_seen_is_exported|twelve_move|keys_read)",
            r"browser/test_many_runs\.py::test_axe_finds_nothing",
            r"browser/test_below_a_path\.py::test_every_view_is_there_below_a_path",
            r"browser/test_boxes\.py::test_a_title_says_all_its_conditions_on_every_screen",
            r"browser/test_boxes\.py::test_no_dialog_is_clipped_or_lies_outside\[(tablet|small laptop at)",
            r"browser/test_boxes\.py::test_nothing_is_clipped_overlaps_or_lies_outside_on_any_screen\[(lesson|compare)",
            r"browser/test_lesson_walks\.py::test_what_a_step_said",
            r"browser/test_lessons\.py::test_a_step_fits_its_window_and_is_accessible\[1280",
            r"browser/test_evidence\.py::test_the_picture_is_beside_its_claim_or_below_it_and_nothing_is_cut\[(768|1440)",
            r"browser/test_presenting\.py::test_words_and_arrows_are_read_from_the_last_row\[.*-1920",
            r"browser/test_probe\.py::test_(axe_finds_nothing_to_mend|the_page_that_stands_alone|compare_has_the_point_in_every_picture|paths_follow_the_epoch)",
            r"browser/test_figures\.py::test_what_the_view_of_all_minibatches_shows",
            r"browser/test_probe\.py::test_the_plane_stays_large_and_the_strip_is_whole\[(1440|1920)",
            r"browser/test_publish\.py::test_hands_move_it",
            r"browser/test_chosen_rows\.py::test_what_is_exported",
            r"browser/test_boxes\.py::test_the_epoch_can_be_moved",
            r"browser/test_publish\.py::test_what_was_not_computed_is_named\[.*(random:1|width|size)=?",
            r"browser/test_scenes\.py::test_scenes_are_drawn_from_the_runs_and_each_opens_its_view\[1280",
            r"browser/test_minibatches\.py::test_(the_view_fits|another_epoch_is_one_picture|everything_is_reached_by_keyboard|play_goes|the_matrix_can_be)",
            r"browser/test_picker\.py::test_(axe_finds_nothing_to_mend_in_the_dialog\[light|two_units_are_picked_with_the_mouse)",
            r"browser/test_reading\.py::test_zoom_is_one",
            r"browser/test_scrubbing\.py::test_(a_key_held_down|keys_and_wheel_move_a_slider_and_its_picture\[Epoch)",
            r"browser/test_scrubbing\.py::test_(play_keeps_its_rate|new_checkpoints_extend|an_earlier_answer)",
            r"browser/test_report\.py::",
            r"browser/test_scrubbing\.py::test_a_hand_whose_end_nobody_tells_has_let_go",
            r"browser/test_views\.py::test_(a_run_is_deleted|the_scheme_can_be_chosen|starting_again|a_server_that_was_away|of_two_addresses)",
            r"browser/test_views\.py::test_(epoch_0_alone|two_visitors)",
            r"browser/test_views\.py::test_a_link_opens_the_same_picture_in_another_browser",
            r"browser/test_views\.py::test_pictures_are_reached_without_scrolling",
            r"browser/test_use\.py::test_planes_are_of_one_size.*\[1440",
            r"browser/test_workers\.py::test_(a_page_says_that_nobody_computes|paths_wait_for_a_worker)",
            r"celery/test_faults\.py::test_of_fifty_quick_moves",
            r"celery/test_faults\.py::test_(a_broker_without_memory|a_killed_process|a_broker_that_is_killed|the_task_of_a_whole_worker)",
            r"celery/test_paths\.py::test_(a_broker_that_is_killed|a_killed_broker|a_stopped_worker)",
            r"celery/test_training\.py::test_(a_killed_broker|a_killed_process|a_stopped_worker)",
            r"celery/test_training\.py::test_a_training_outlives",
            r"cli/test_commands\.py::test_reader_that_goes_away",
            r"cli/test_serve\.py::test_training_is_adopted",
            r"cli/test_serve_for_operators\.py::test_(an_answer_under_way|two_processes_share)",
            r"cli/test_train\.py::test_second_trainer",
            r"cli/test_train\.py::test_signal_ends_the_training_without_a_traceback\[2\]",
            r"compute/test_directions\.py::test_another_process",
            r"compute/test_trainer_process\.py::test_a_deleted_run",
            r"publish/test_making\.py::test_the_size_that_is_told_beforehand",
            r"deploy/test_guide\.py::test_(one_machine|workers_a_broker)",
            r"house/test_app\.py::test_threads_of_the_server_wait_asleep",
            r"landscape/directions/test_planes\.py::test_along_the_own_gradient.*\[(dropout|batchnorm|cnn)-(eval|train-averaged)",
            r"landscape/directions/test_vectors\.py::test_eigenvectors_are_those_of_the_dense_hessian\[addition",
            r"landscape/test_engine\.py::test_engine_equals_independent_autograd_for_all_pairs\[batchnorm-after",
        ]
    )
)


# Even to collect them takes long, in each process.
_LONG = ("test_good_requests.py",)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.name in _LONG and config.option.markexpr == "not slow" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SLOW.search(item.nodeid):
            item.add_marker(pytest.mark.slow)
    ranks = {ROOT / name: rank for rank, name in enumerate(_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture(autouse=True, scope="session")
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GRADVIZ_")]:
            patch.delenv(name)
        patch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr(trainer_process, "_START_SECONDS", 200.0)  # a machine may be slow: tests have their own limit
        yield


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a run of each variant: hidden 20,10,5, 300 rows, epochs 0-2. Read only: copy it to change it."""
    path = tmp_path_factory.mktemp("runs")
    train(path, run_configs(epochs=2, rows=300, hidden=(20, 10, 5)), device="cpu")
    return path


@pytest.fixture(scope="session")
def tiny_store(tiny_runs: Path) -> RunStore:
    return RunStore(tiny_runs)


@pytest.fixture
def own_runs(tiny_runs: Path, tmp_path: Path) -> Path:
    """A copy of the tiny runs that a test may change."""
    return shutil.copytree(tiny_runs, tmp_path / "own-runs")
