"""The addresses of the HTTP API for what is told of a checkpoint as JSON: its units, and how its minibatches agree."""

import numpy as np
from flask import Blueprint, Response, request

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.cosines import CosinesQuestion
from gradviz.compute.interface import Compute
from gradviz.compute.question import Question
from gradviz.compute.units import ACTIVITY_ROWS, PairsQuestion, UnitsQuestion
from gradviz.dashboard import query
from gradviz.dashboard.connection import still_connected
from gradviz.dashboard.overview import etag
from gradviz.dashboard.query import from_arguments
from gradviz.dashboard.sending import MEDIA_TYPES, sent, sent_json
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.logs import tell_log


def add_statistics(api: Blueprint, compute: Compute, store: RunStore) -> None:
    """Adds `GET /activity`, `/units`, `/pairs`, `/agreement` and `/cosines`."""

    def answer(question: Question) -> Response:
        key = question.key(store)
        tell_log(key=key)
        wanted = still_connected(request.environ)
        return sent(lambda: compute.ask(question, wanted), MEDIA_TYPES["json"], etag(key))

    @api.get("/activity/<run>/<epoch>")
    def activity(run: str, epoch: str) -> Response:
        asked = from_arguments(query.ActivityQuery, request.args, run=run, epoch=epoch)
        layers = compute.activity(asked.run, asked.epoch, still_connected(request.environ))
        num_rows = min(ACTIVITY_ROWS, store.run(asked.run).record.rows_train)
        return sent_json({"num_rows": num_rows, "layers": [_shares(layer) for layer in layers]})

    @api.get("/activity/<run>/<epoch>/<layer>")
    def layer_activity(run: str, epoch: str, layer: str) -> Response:
        asked = from_arguments(query.LayerActivityQuery, request.args, run=run, epoch=epoch, layer=layer)
        layers = compute.activity(asked.run, asked.epoch, still_connected(request.environ))
        if asked.layer >= len(layers):
            raise UserError(f"`layer` must be one of the hidden layers, 0..{len(layers) - 1}, got {asked.layer}.")
        return sent_json({"layer": asked.layer, "active": _shares(layers[asked.layer])})

    @api.get("/units/<run>/<epoch>/<layer>")
    def units(run: str, epoch: str, layer: str) -> Response:
        return answer_of_layer(UnitsQuestion, run=run, epoch=epoch, layer=layer)

    @api.get("/pairs/<run>/<epoch>/<layer>")
    def pairs(run: str, epoch: str, layer: str) -> Response:
        return answer_of_layer(PairsQuestion, run=run, epoch=epoch, layer=layer)

    def answer_of_layer(kind: type[UnitsQuestion | PairsQuestion], **path: str) -> Response:
        return answer(kind(**from_arguments(query.UnitsQuery, request.args, **path).model_dump()))

    @api.get("/agreement")
    def agreement() -> Response:
        asked = from_arguments(query.AgreementQuery, request.args)
        return answer(AgreementQuestion(request=AgreementRequest.of(**asked.model_dump())))

    @api.get("/cosines/<run>/<epoch>")
    def cosines(run: str, epoch: str) -> Response:
        asked = from_arguments(query.CosinesQuery, request.args, run=run, epoch=epoch)
        values = asked.model_dump() if asked.mode == "train" else asked.model_dump(exclude={"masks", "seed"})
        return answer(CosinesQuestion(**values))


def _shares(layer: np.ndarray) -> list[float]:
    return np.round(np.asarray(layer, float), 4).tolist()
