"""HTTP API of the runs, their minibatches, and the training."""

import numpy as np
from flask import Response

from gradviz.compute.export import npz_bytes
from gradviz.dashboard import answers, run_answers, training
from gradviz.dashboard.overview import etag, groups_of, one_of, runs_of, unreadable_of
from gradviz.dashboard.query import MinibatchForm, TrainingAction
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import MEDIA_TYPES, chosen_format, sent, sent_json
from gradviz.experiment.batches import Batch, arrays_of, num_rows
from gradviz.experiment.names import OfRun
from gradviz.experiment.run import Run
from gradviz.experiment.studies.deliveries.rows import Minibatch
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.request import OneMinibatch

_MINIBATCH_FORMS = ("json", "npz")


def runs(served: Served) -> Response:
    told = {"runs": runs_of(served.store), "groups": groups_of(served.store.all_runs())}
    told |= {"unreadable": unreadable_of(served.store)}
    return sent_json(told | {"training": training.status_of(served.trainer, served.settings, served.store)})


def run(served: Served, asked: OfRun) -> Response:
    return sent_json(one_of(served.store, asked.run))


def minibatch(served: Served, of: OfRun, asked: OneMinibatch, by: MinibatchForm) -> Response:
    form = chosen_format(by.format, _MINIBATCH_FORMS)
    run = served.store.any_run(of.run)
    rows = run.minibatch(asked.minibatch, asked.minibatch_size)
    if form == "npz":
        content = npz_bytes(_arrays(rows))
        answer = sent(lambda: content, MEDIA_TYPES["npz"], etag(content.hex()))
    else:
        about = {"run": of.run, "variant": of.run, "minibatch": asked.minibatch}
        answer = sent_json(about | _rows_of(run, rows))
    answer.vary.add("Accept")
    return answer


def training_status(served: Served) -> Response:
    return sent_json(training.status_of(served.trainer, served.settings, served.store))


def train(served: Served, asked: TrainingAction) -> Response:
    training.act(asked, served.trainer, served.settings, served.store)
    return training_status(served)


def _rows_of(run: Run | StudyRun, rows: Minibatch | Batch) -> dict[str, object]:
    if isinstance(run, StudyRun):
        return {"num_rows": num_rows(rows), "rows": run.descriptions(rows)}
    return {"rows": rows.rows_B.tolist(), "targets": rows.targets_B.tolist()}


def _arrays(rows: Minibatch | Batch) -> dict[str, np.ndarray]:
    """Inputs, targets and row numbers; of a recorded minibatch its tensors by their places in it."""
    if isinstance(rows, Minibatch):
        return {"inputs": rows.inputs_BI.numpy(), "targets": rows.targets_B.numpy(), "rows": rows.rows_B.numpy()}
    return arrays_of(rows)


OPERATIONS = (
    Operation("get", "/runs", runs, "All runs and the training", (), run_answers.RunsAnswer),
    Operation("get", "/runs/{run}", run, "One run with its metrics", (OfRun,), run_answers.RunAnswer),
    Operation(
        "get",
        "/minibatches/{run}/{minibatch}",
        minibatch,
        "The rows of a minibatch, for deliveries with their targets; npz has all its numbers",
        (OfRun, OneMinibatch, MinibatchForm),
        answers.MinibatchAnswer,
        _MINIBATCH_FORMS,
        (406,),
    ),
    Operation("get", "/training", training_status, "The background training", (), run_answers.TrainingAnswer),
    Operation(
        "post",
        "/training",
        train,
        "Start, stop or restart the training, or delete a run",
        (TrainingAction,),
        run_answers.TrainingAnswer,
    ),
)
