"""HTTP API of the runs, their minibatches, and the training."""

import io

import numpy as np
from flask import Response

from gradviz.dashboard import answers, run_answers, training
from gradviz.dashboard.overview import etag, groups_of, one_of, runs_of, unreadable_of
from gradviz.dashboard.query import MinibatchForm, TrainingAction
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import MEDIA_TYPES, chosen_format, sent, sent_json
from gradviz.experiment.names import OfRun
from gradviz.experiment.studies.deliveries.rows import Minibatch
from gradviz.landscape.request import OneMinibatch

_MINIBATCH_FORMS = ("json", "npz")


def runs(served: Served) -> Response:
    told = {"runs": runs_of(served.store), "groups": groups_of(served.store.all_runs())}
    told |= {"unreadable": unreadable_of(served.store)}
    return sent_json(told | {"training": training.status_of(served.trainer, served.settings)})


def run(served: Served, asked: OfRun) -> Response:
    return sent_json(one_of(served.store, asked.run))


def minibatch(served: Served, of: OfRun, asked: OneMinibatch, by: MinibatchForm) -> Response:
    form = chosen_format(by.format, _MINIBATCH_FORMS)
    rows = served.store.run(of.run).minibatch(asked.minibatch, asked.minibatch_size)
    if form == "npz":
        content = _npz(rows)
        answer = sent(lambda: content, MEDIA_TYPES["npz"], etag(content.hex()))
    else:
        about = {"run": of.run, "variant": of.run, "minibatch": asked.minibatch}
        answer = sent_json(about | {"rows": rows.rows_B.tolist(), "targets": rows.targets_B.tolist()})
    answer.vary.add("Accept")
    return answer


def training_status(served: Served) -> Response:
    return sent_json(training.status_of(served.trainer, served.settings))


def train(served: Served, asked: TrainingAction) -> Response:
    training.act(asked, served.trainer, served.settings)
    return training_status(served)


def _npz(rows: Minibatch) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(
        content, inputs=rows.inputs_BI.numpy(), targets=rows.targets_B.numpy(), rows=rows.rows_B.numpy()
    )
    return content.getvalue()


OPERATIONS = (
    Operation("get", "/runs", runs, "All runs and the training", (), run_answers.RunsAnswer),
    Operation("get", "/runs/{run}", run, "One run with its metrics", (OfRun,), run_answers.RunAnswer),
    Operation(
        "get",
        "/minibatches/{run}/{minibatch}",
        minibatch,
        "Row numbers and targets of a minibatch; npz adds the inputs",
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
