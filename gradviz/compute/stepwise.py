"""A single claim's verdict from the parts that its rule reads: which those are, and what is missing for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradviz.compute.evidence import PartAnswer, PartQuestion
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.question import Question
from gradviz.errors import UserError
from gradviz.evidence.claims import claim as claim_of
from gradviz.evidence.measurements import Agreement, Evidence, Scene
from gradviz.evidence.measuring import ROUGHNESS_MINIBATCHES, scene_of
from gradviz.evidence.scenes import MINIBATCH_SIZE, SceneSpec
from gradviz.evidence.selection import check_network, mid_training
from gradviz.evidence.studied import Studied
from gradviz.evidence.verdict import Verdict
from gradviz.evidence.verdicts import verdicts
from gradviz.landscape import GradientField

_SCENES: dict[str, tuple[str, ...]] = {
    "start": ("start-none",),
    "mid-training": ("mid-none",),
    "dropout-minibatches": ("dropout-frozen",),
    "dropout-rough": ("mid-dropout", "dropout-frozen", "mid-none"),
    "dropout-start": ("start-dropout", "mid-dropout"),
    "batchnorm-rough": ("mid-none",),
    "batchnorm-minibatches": ("batchnorm-beta",),
    "batchnorm-like-dropout": ("batchnorm-beta", "mid-dropout", "mid-none"),
    "sgd": ("mid-none",),
}
"""The figures that each rule reads."""


@dataclass(frozen=True)
class Needs:
    """What a claim's verdict is made from; `missing`: a sentence on what is not there, or nothing."""

    questions: tuple[Question, ...]
    missing: str = ""


def needs_of(key: str, studied: Studied) -> Needs:
    """Of the claim `key`; KeyError if there is none."""
    claim_of(key)
    absent = [name for name in _variants(key) if not _has(studied, name)]
    if absent:
        return Needs((), f"There is no run of {' and '.join(absent)} with checkpoints yet: train it, in Training.")
    try:
        check_network(next(iter(studied.runs.values())).config)
    except UserError as error:
        return Needs((), str(error))
    if key == "mid-training" and not _mid_training(studied):
        return Needs((), "No checkpoint of mid-training is there yet: train more epochs, in Training.")
    specs = {spec.key: spec for spec in studied.scenes}
    questions: list[Question] = []
    for scene in _SCENES.get(key, ()):
        spec = specs[scene]
        questions.append(PartQuestion(part="scene", run=spec.run, epoch=spec.epoch, scene=scene))
        questions += [question for panel in _fields(spec, studied) for question in panel]
    if key == "accurate":
        last = studied.runs["none"].epochs()[-1]
        questions += [_checkpoint(studied, last), PartQuestion(part="ablation", run="none", epoch=last)]
    if key == "mid-training":
        questions += [_checkpoint(studied, epoch) for epoch in _mid_training(studied)]
    if key == "composition":
        questions.append(PartQuestion(part="nulls", run="none", epoch=studied.mid_epochs["none"]))
    if key == "sgd":
        questions.append(_checkpoint(studied, studied.mid_epochs["none"]))
    if key == "batchnorm-rough":
        epoch = next(spec.epoch for spec in studied.scenes if spec.key == "batchnorm-linear")
        questions.append(PartQuestion(part="precision", run="batchnorm", epoch=epoch))
    return Needs(tuple(questions))


def verdict_of(key: str, studied: Studied, known: Mapping[Question, bytes]) -> tuple[Verdict, Evidence]:
    """The verdict by the rule of `verdicts.py`, and what it was made from: `known` are the answers it needs."""
    parts = {
        question: PartAnswer.model_validate_json(content)
        for question, content in known.items()
        if isinstance(question, PartQuestion)
    }
    checkpoints = [part.checkpoint for part in parts.values() if part.checkpoint is not None]
    evidence = Evidence(
        seed=next(iter(studied.runs.values())).config.seed,
        mid_epochs=tuple(studied.mid_epochs.items()),
        mid_training=tuple(_mid_training(studied)) if key == "mid-training" else (),
        runs=tuple(run.record for run in studied.runs.values()),
        checkpoints=tuple(sorted(checkpoints, key=lambda each: each.epoch)),
        scenes=tuple(
            _scene(studied, question.scene, part.agreements, known)
            for question, part in parts.items()
            if question.part == "scene"
        ),
        sign_balance=(),
        interventions=(),
        nulls=tuple(null for part in parts.values() for null in part.nulls),
        round_off=next((part.round_off for part in parts.values() if part.round_off is not None), None),
        mask_splits=(),
        ablation=next((part.ablation for part in parts.values() if part.ablation is not None), None),
    )
    return next(verdict for verdict in verdicts(evidence) if verdict.claim == key), evidence


def _fields(spec: SceneSpec, studied: Studied) -> list[list[LandscapeQuestion]]:
    """The fields that the roughness of each picture is taken of."""
    there = studied.runs[spec.run].num_minibatches(MINIBATCH_SIZE)
    indices = range(min(ROUGHNESS_MINIBATCHES, spec.num_minibatches, there))
    return [
        [LandscapeQuestion(request=request.model_copy(update={"minibatch": index})) for index in indices]
        for request in spec.requests()
    ]


def _scene(studied: Studied, key: str, agreements: Sequence[Agreement], known: Mapping[Question, bytes]) -> Scene:
    spec = next(spec for spec in studied.scenes if spec.key == key)
    fields = [[GradientField.from_bytes(known[question]) for question in own] for own in _fields(spec, studied)]
    return scene_of(spec, agreements, fields)


def _variants(key: str) -> tuple[str, ...]:
    if key == "batchnorm-like-dropout":
        return ("none", "dropout", "batchnorm")
    own = {"dropout": ("dropout",), "batchnorm": ("batchnorm",)}.get(key.split("-", maxsplit=1)[0], ())
    return own + (("none",) if not own or key.endswith("-rough") else ())


def _has(studied: Studied, name: str) -> bool:
    return name in studied.mid_epochs and bool(studied.runs[name].epochs())


def _checkpoint(studied: Studied, epoch: int) -> PartQuestion:
    whole = epoch == studied.mid_epochs["none"]
    return PartQuestion(part="checkpoint", run="none", epoch=epoch, whole=whole)


def _mid_training(studied: Studied) -> list[int]:
    there = set(studied.runs["none"].epochs())
    return [epoch for epoch in mid_training(studied.runs["none"].metrics()) if epoch in there]
