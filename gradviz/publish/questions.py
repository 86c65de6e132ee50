"""What the page of a site may ask, in files: each holds the server's answers to one question or several.

The text of a question is what `assets/site/questions.js` makes of the page's address; tests/fixtures/questions.json
holds both.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from gradviz.errors import UserError
from gradviz.publish.choices import Choices, Pair, Part, RunHeld

Get = Callable[[str], bytes]
"""The server's answer to an address below /api/v1, also one that refuses; else an error."""

_SAMPLED = 8
"""Fields of a stack from which its size is told before it is computed."""
_INDEX = {"epochs": "epoch", "minibatches": "minibatch"}


@dataclass(frozen=True)
class File:
    """`questions`: their texts; `content` asks the server for what the file holds; `sample`: a smaller file of the
    same kind, and how many times as large this one is, by which its size is told; without one, the file itself."""

    questions: tuple[str, ...]
    content: Callable[[Get], bytes]
    sample: tuple[Callable[[Get], bytes], float] | None = None


@dataclass(frozen=True)
class Group:
    """Files of one kind, for one reason, of about one size: `name` says what they are, `spare` how to do without."""

    name: str
    files: tuple[File, ...]
    spare: str
    expected_bytes: int | None = None
    """Of each file, where measuring one would take minutes."""


def question_of(address: str) -> str:
    """The text of a question, from an address below /api/v1."""
    kind, _, query = address.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    if kind == "frames":
        left_out = {"only", _INDEX[dict(pairs).get("over", "epochs")]}
        pairs = [pair for pair in pairs if pair[0] not in left_out and pair != ("coarse", "0")]
    text = "&".join(sorted(f"{name}={value}" for name, value in pairs))
    return f"{kind}?{text}" if text else kind


def bundle(addresses: Sequence[str]) -> File:
    """Answers of JSON in one file, by their questions."""

    def content(get: Get) -> bytes:
        answers = {question_of(address): json.loads(get(address)) for address in addresses}
        return json.dumps(answers, separators=(",", ":")).encode()

    return File(tuple(map(question_of, addresses)), content)


def stack(selection: Mapping[str, str], over: str, indices: Sequence[int], first: int) -> File:
    """Fields of one selection over epochs or minibatches: the server's stream as it is, float32, not rounded."""

    def asked(wanted: Sequence[int]) -> str:
        only = ",".join(map(str, wanted))
        return f"frames?{urlencode({**selection, 'over': over, _INDEX[over]: first, 'only': only})}"

    sampled = list(indices)[:: max(1, len(indices) // _SAMPLED)]
    return File(
        (question_of(asked(indices)),),
        lambda get: _fields(get(asked(indices))),
        (lambda get: _fields(get(asked(sampled))), len(indices) / len(sampled)),
    )


def _fields(stream: bytes) -> bytes:
    """UserError for a refusal, which no page could read as fields."""
    if stream.startswith(b'{"error"'):
        raise UserError(f"A picture of the site could not be made: {json.loads(stream)['error']}")
    return stream


def groups(runs: Sequence[RunHeld], pairs: Mapping[str, Sequence[Pair]], choices: Choices) -> Iterator[Group]:
    """All that is computed of the runs, the pictures first; `pairs` by run."""
    for run in runs:
        for evaluated in run.settings(choices.hows):
            words = f"{run.name}, {' '.join(_words(evaluated))}"
            selections = [run.selection(pair, evaluated) for pair in pairs[run.name]]
            yield from _pictures(run, words, selections)
            if "sampling" in choices.more:
                yield Group(
                    f"sampling ellipses of {words}", tuple(_sampling(run, selections)), "--with without sampling"
                )
            if "curves" in choices.more:
                yield Group(f"curves of agreement of {words}", tuple(_course(run, selections)), "--with without curves")
            if parts := _parts(run, pairs[run.name], choices.parts):
                files = tuple(bundle(_of_part(run, part, evaluated)) for part in parts)
                yield Group(f"cosines and measures of {words}", files, "fewer --parts")
        if "hidden" in run.told:
            files = tuple(bundle([f"activity/{run.name}/{epoch}"]) for epoch in run.epochs)
            yield Group(f"activity of the units of {run.name}", files, "fewer --epochs")
        if choices.rows:
            yield Group(f"rows of {run.name}", tuple(_rows(run, pairs[run.name], choices)), "without --rows")


def _words(evaluated: Mapping[str, str]) -> list[str]:
    masks = [f"{evaluated['masks']} masks"] if "masks" in evaluated else []
    return [f"{evaluated['mode']} mode", *masks]


def _pictures(run: RunHeld, words: str, selections: Sequence[Mapping[str, str]]) -> Iterator[Group]:
    # all minibatches of a checkpoint share work: what they make is there for the stacks over epochs
    many = range(run.num_minibatches)
    across = [
        stack({**each, "epoch": f"{epoch}"}, "minibatches", many, 0) for each in selections for epoch in run.epochs
    ]
    yield Group(f"pictures of {words}, by epoch", tuple(across), "fewer --epochs, --minibatches, --pair or --run")
    along = [
        stack({**each, "minibatch": f"{number}"}, "epochs", run.epochs, run.epochs[-1])
        for each in selections
        for number in many
    ]
    yield Group(f"pictures of {words}, by minibatch", tuple(along), "fewer --epochs, --minibatches, --pair or --run")


def _sampling(run: RunHeld, selections: Sequence[Mapping[str, str]]) -> Iterator[File]:
    for each in selections:
        asked = {name: each[name] for name in ("run", "x", "y", "minibatch_size", "mode")}
        yield bundle([f"sampling?{urlencode({**asked, 'epoch': epoch})}" for epoch in run.epochs])


def _course(run: RunHeld, selections: Sequence[Mapping[str, str]]) -> Iterator[File]:
    for each in selections:
        for number in range(run.num_minibatches):
            asked = {**each, "minibatch": number}
            yield bundle([f"course?{urlencode({**asked, 'epoch': epoch})}" for epoch in run.epochs])


def _parts(run: RunHeld, pairs: Sequence[Pair], parts: Sequence[Part]) -> list[str]:
    """The names of parts for the server, as `partOf` of the page's cosines.js makes them."""
    if not run.told["tensors"]:
        return []
    tensors = [run.told["tensors"][x.partition("[")[0]] | {"name": x.partition("[")[0]} for x, _ in pairs]
    named = {layer["value"]: layer["part"] for layer in run.told["layers"]}
    found = ["model"] if "model" in parts else []
    if "layer" in parts:
        found += [named.get(tensor["layer"], tensor["layer"]) for tensor in tensors]
    if "biases" in parts:
        found += [_biases_of(run, tensor) for tensor in tensors]
    return list(dict.fromkeys(found))


def _biases_of(run: RunHeld, tensor: Mapping[str, str]) -> str:
    alike = run.told["tensors"].items()
    biases = (name for name, other in alike if other["layer"] == tensor["layer"] and other["kind"] == "bias")
    return next(biases, tensor["name"])


def _of_part(run: RunHeld, part: str, evaluated: Mapping[str, str]) -> list[str]:
    asked = {"part": part, "minibatch_size": run.size, **evaluated}
    kinds = [("cosines", asked), ("measures", asked | {"which": "gradients"})]
    return [f"{kind}/{run.name}/{epoch}?{urlencode(query)}" for epoch in run.epochs for kind, query in kinds]


def _rows(run: RunHeld, pairs: Sequence[Pair], choices: Choices) -> Iterator[File]:
    for pair in pairs:
        for evaluated in run.settings(choices.hows):
            for number in range(run.num_minibatches):
                asked = {**run.selection(pair, evaluated), "minibatch": number}
                yield bundle([f"rows?{urlencode({**asked, 'epoch': epoch})}" for epoch in run.epochs])
