"""What answers for a site while it is made: the dashboard's own app in this process, over the chosen runs."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from dash import Dash
from pydantic import SecretStr

from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_compute, open_store, open_trainer
from gradviz.dashboard.callbacks.opening import opened
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.first_picture import Live, live_pair
from gradviz.dashboard.openapi import OPERATIONS
from gradviz.dashboard.routes import PREFIX
from gradviz.errors import UserError
from gradviz.publish.choices import Choices, Pair, RunHeld, held_runs
from gradviz.publish.extras import Extras
from gradviz.publish.questions import File, Group, question_of

_CLAIM_BYTES = 2_500
"""Compressed bytes of a verdict, about."""
_PAIRS = 4
_PLAIN = ("", "?view=explore", "?view=compare")
_OWN = {"runs", "training", "openapi.json", "paths/job", "scenes"}
"""Answers that a site has in its own form, or has no use for."""
_NO_TRAINING = {
    "state": "empty",
    "message": "A published site trains nothing.",
    "progress": [],
    "trains": False,
    "since": None,
    "read_only": True,
    "polls": False,
}


@contextmanager
def answering(settings: Any, runs: Sequence[str]) -> Iterator["Server"]:
    """The app over these runs, or all, with the cache that a dashboard of these settings has."""
    plain = settings.model_copy(update={"password": SecretStr(""), "read_only": True, "metrics": False})
    store = open_store(plain, runs)
    with FieldCache(plain.cache_dir, plain.cache_bytes) as cache:
        compute = open_compute(plain, store, cache)
        yield Server(create_app(plain, compute, store, open_trainer(plain)), partial(live_pair, compute))


class Server:
    """Asks the app in this process, without a network."""

    def __init__(self, app: Dash, live: Live) -> None:
        self.app, self._live = app, live
        self._client = app.server.test_client()

    def get(self, address: str) -> bytes:
        """The answer to an address below /api/v1, a refusal included; UserError if the server fails."""
        answer = self._client.get(f"{PREFIX}/{address}")
        content = answer.get_data()
        if answer.status_code >= 500 or answer.status_code == 429:
            raise UserError(f"A part of the site could not be made: {json.loads(content)['error']} Start again.")
        return content

    def told(self, address: str) -> Any:
        return json.loads(self.get(address))

    def held(self, choices: Choices) -> list[RunHeld]:
        return held_runs(self.told("runs")["runs"], choices)

    def pairs(self, runs: Sequence[RunHeld], chosen: Sequence[Pair]) -> dict[str, list[Pair]]:
        """Of each run those that its model has: the chosen pairs, or what the page shows first and suggests.
        UserError if a run has none."""
        asked = list(chosen) or self._usual(runs)
        found = {run.name: [pair for pair in asked if run.has(pair)] for run in runs}
        for run in runs:
            if not found[run.name]:
                raise UserError(f"`--pair`: {run.name} has none of the pairs: name one of its own, or leave it out.")
        return found

    def _usual(self, runs: Sequence[RunHeld]) -> list[Pair]:
        """The pairs that the page opens with and suggests, of each study's first run; where these are few, the best
        of the same layers beside them."""
        of_studies = {run.told["study"]: run for run in reversed(runs) if run.told["suggested"]}
        shown = [(run.told, tuple(run.told["suggested"][side])) for run in of_studies.values() for side in ("a", "b")]
        pairs = list(dict.fromkeys([*(self._live(run, pair) for run, pair in shown), *(pair for _, pair in shown)]))
        first = runs[0]
        layers = [layer["value"] for layer in first.told["layers"]]
        for x, _ in list(pairs):
            tensor = first.told["tensors"].get(x.partition("[")[0])
            if tensor is None or len(pairs) >= _PAIRS:
                continue
            address = (
                f"pairs/{first.name}/{first.epochs[-1]}/{layers.index(tensor['layer'])}?minibatch_size={first.size}"
            )
            best = [(each["x"], each["y"]) for each in self.told(address).get("pairs", [])[:1]]
            pairs += [pair for pair in best if pair not in pairs]
        return pairs

    def extras(self, choices: Choices, runs: Sequence[RunHeld], pairs: Mapping[str, Sequence[Pair]]) -> Extras:
        """What the lessons and the scenes need, if they are in the site."""
        extras = Extras({run.name: run for run in runs})
        if "lessons" in choices.more:
            lessons = [self.told(f"lessons/{each['key']}") for each in self.told("lessons")["lessons"]]
            told = {run.name: _as_held(run, pairs[run.name], set(run.told["minibatches"])) for run in runs}
            extras.lessons(lessons, told, lambda run, epoch: self.told(f"activity/{run}/{epoch}")["layers"])
        if "scenes" in choices.more:
            extras.scenes_of(self.told("scenes"), self.told)
        return extras

    def first_answers(
        self, runs: Sequence[RunHeld], pairs: Mapping[str, Sequence[Pair]], extras: Extras
    ) -> dict[str, Any]:
        """What the page asks when it begins, of the chosen runs, epochs and minibatches alone."""
        told = self.told("runs")
        names = {run.name for run in runs}
        groups = [_of_runs(group, names) for group in told["groups"]]
        return {
            "runs": {
                "runs": {
                    run.name: _as_held(run, pairs[run.name], {run.size, *extras.sizes.get(run.name, ())})
                    for run in runs
                },
                "groups": [group for group in groups if len(group["runs"]) > 1],
                "unreadable": [],
                "training": _NO_TRAINING,
            },
            "training": _NO_TRAINING,
        }

    def first_views(
        self, choices: Choices, runs: Mapping[str, Any], pairs: Mapping[str, Sequence[Pair]]
    ) -> dict[str, dict[str, object]]:
        """What addresses open that name nothing but a view, as far as the site has it."""

        def live(run: Mapping[str, Any], pair: Pair) -> Pair:
            found = self._live(run, pair)
            return found if found in pairs[run["run"]] else pair

        return {search: _as_chosen(opened(search, runs, live), choices) for search in _PLAIN}

    def documents(self, choices: Choices) -> Iterator[Group]:
        """The evidence, and every list of the API that takes no argument, with what it lists under its own address."""
        heads = [operation.path.strip("/") for operation in OPERATIONS if _is_list(operation)]
        for head in heads:
            if head in _OWN or (head in ("evidence", "lessons") and head not in choices.more):
                continue
            keys = [key for key in _keys_of(self.told(head)) if self._has_each(head)]
            files = tuple(self._settled(address) for address in (head, *(f"{head}/{key}" for key in keys)))
            yield Group(head, files, f"--with without {head}", expected_bytes=_CLAIM_BYTES)

    def _has_each(self, head: str) -> bool:
        return any(operation.path.startswith(f"/{head}/{{") for operation in OPERATIONS)

    def _settled(self, address: str) -> File:
        """A file with one answer, asked for until it measures no more."""

        def content(get: Any) -> bytes:
            while (told := json.loads(get(address))).get("state") == "measuring":
                pass
            return json.dumps({question_of(address): told}, separators=(",", ":")).encode()

        return File((question_of(address),), content)


def _as_chosen(told: dict[str, Any], choices: Choices) -> dict[str, object]:
    """The same with minibatches and in a mode that the site has."""
    view = told["view"]
    view["minibatch_size"] = choices.minibatch_size
    if view["mode"] not in choices.modes:
        view["mode"] = choices.modes[0]
    if choices.masks and view["masks"] not in choices.masks:
        view["masks"] = choices.masks[0]
    return told


def _is_list(operation: Any) -> bool:
    return operation.method == "get" and not operation.asked and operation.forms == ("json",)


def _keys_of(told: Mapping[str, Any]) -> Iterator[str]:
    """The keys of what an answer lists: of its first list, as what follows says why something is not in that."""
    lists = (value for value in told.values() if isinstance(value, list))
    yield from (each["key"] for each in next(lists, []) if isinstance(each, dict) and "key" in each)


def _of_runs(group: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    kept = [k for k, name in enumerate(group["runs"]) if name in names]
    return {**group, "runs": [group["runs"][k] for k in kept], "seeds": [group["seeds"][k] for k in kept]}


def _as_held(run: RunHeld, pairs: Sequence[Pair], sizes: Collection[str]) -> dict[str, Any]:
    many = {size: run.minibatches_of(size) if size in sizes else 0 for size in run.told["minibatches"]}
    own = run.told["suggested"] or {}
    fallback = {"a": pairs[0], "b": pairs[min(1, len(pairs) - 1)]}
    first = {side: own[side] if tuple(own.get(side, ())) in pairs else pair for side, pair in fallback.items()}
    held = {"epochs": run.epochs, "minibatches": many, "broken": []}
    return {**run.told, **held, "suggested": first}
