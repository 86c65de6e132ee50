"""Measures one part of the evidence: a table with a line for each kind of part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from gradviz.evidence.ablation import ablation_of
from gradviz.evidence.agreeing import bias_pairs, checkpoint_agreements, pair_agreements, whole_agreement
from gradviz.evidence.apart import apart_of
from gradviz.evidence.balancing import intervention
from gradviz.evidence.choosing import chosen_rows_of
from gradviz.evidence.drifting import drift_of
from gradviz.evidence.live_pairs import random_pairs_of
from gradviz.evidence.measurements import Checkpoint, WholeModel
from gradviz.evidence.measuring_studies import measured_of_study
from gradviz.evidence.parts import Asked, LoopField, Part, PartAnswer, PartKind, StudyAnswer, layer_words
from gradviz.evidence.roles import mode_of
from gradviz.evidence.rough_pairs import rough_pairs_of
from gradviz.evidence.roughening import roughness_of
from gradviz.evidence.sampling import OTHER_SIZES, mask_splits_of, nulls_of
from gradviz.evidence.scenes import FRESH_HALF_WIDTH, FRESH_POINTS, MINIBATCH_SIZE, design_of
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest, Network

EVIDENCE_VERSION = 3
"""Part of every key: raised whenever the same runs would give other numbers; by a kind of its own if only its do."""


class Bench(Protocol):
    """Where parts are measured: what measuring needs of a workbench."""

    store: RunStore
    device: torch.device

    def network(self, run: str, epoch: int, /) -> Network: ...
    def landscape(self, request: LandscapeRequest, /) -> GradientField: ...


@dataclass(frozen=True)
class _Kind:
    """`doing` says what is measured, of which `{scene}`."""

    doing: str
    measure: Callable[["_At"], PartAnswer]
    version: int = EVIDENCE_VERSION


@dataclass(frozen=True)
class _At:
    """A part and the bench that it is measured on."""

    part: Part
    bench: Bench

    @property
    def run(self) -> Run:
        return self.bench.store.run(self.part.run)

    @property
    def network(self) -> Network:
        return self.bench.network(self.part.run, self.part.epoch)


def measured(part: Part, bench: Bench) -> PartAnswer | StudyAnswer:
    """Answers a part; UserError if its checkpoint is not there."""
    run = bench.store.any_run(part.run)
    if isinstance(run, StudyRun):
        return measured_of_study(part, run, bench.device)
    return _KINDS[part.kind].measure(_At(part, bench))


def version_of(kind: PartKind) -> int:
    """Part of the keys of this kind of part."""
    return _KINDS[kind].version


def doing(asked: Asked) -> str:
    """What is measured or computed, in words."""
    if isinstance(asked, Part):
        return f"{_KINDS[asked.kind].doing.format(scene=asked.scene)} {_where(asked)}"
    if isinstance(asked, LoopField):
        return f"the plain loop in {asked.precision} {_where(asked.request)}"
    return f"landscapes of {layer_words(asked)} {_where(asked)}"


def _where(asked: Part | LandscapeRequest) -> str:
    return f"({asked.run}, epoch {asked.epoch})"


def _scene(at: _At) -> PartAnswer:
    design = design_of(at.part.scene)
    rows = at.run.minibatches(MINIBATCH_SIZE, design.num_minibatches)
    return PartAnswer(agreements=tuple(pair_agreements(at.network, *rows, design.pairs, design.mode, design.masks)))


def _checkpoint(at: _At) -> PartAnswer:
    """In the mode that the run is trained in."""
    run, network = at.run, at.network
    line = next(line for line in run.metrics() if line.epoch == at.part.epoch)
    mode = mode_of(run.config)
    agreements = checkpoint_agreements(network, *run.minibatches(MINIBATCH_SIZE), mode=mode, whole=at.part.whole)
    share = agreements[0].agreement.share_below
    assert share is not None
    x, y = bias_pairs(network, mode)[0]
    request = LandscapeRequest(
        run=run.name, epoch=line.epoch, x=x, y=y, mode=mode, points=FRESH_POINTS, half_width=FRESH_HALF_WIDTH
    )
    found = Checkpoint(
        run=run.name,
        epoch=line.epoch,
        mode=mode,
        train_loss=line.train_loss,
        test_loss=line.test_loss,
        test_r2=line.test_r2 if line.test_r2 == line.test_r2 else None,
        balance=abs(2 * share - 1),
        agreements=agreements,
        roughness=roughness_of([at.bench.landscape(request)], request),
    )
    return PartAnswer(checkpoint=found)


def _nulls(at: _At) -> PartAnswer:
    return PartAnswer(nulls=nulls_of(at.run, at.network, at.part.epoch, (MINIBATCH_SIZE,)))


def _nulls_by_size(at: _At) -> PartAnswer:
    return PartAnswer(nulls=nulls_of(at.run, at.network, at.part.epoch, OTHER_SIZES))


def _intervention(at: _At) -> PartAnswer:
    rows = at.run.minibatches(MINIBATCH_SIZE)
    return PartAnswer(interventions=intervention(at.network, *rows, run=at.part.run, epoch=at.part.epoch))


def _masks(at: _At) -> PartAnswer:
    return PartAnswer(mask_splits=mask_splits_of(at.run, at.network, at.part.epoch))


def _chosen(at: _At) -> PartAnswer:
    return PartAnswer(chosen=chosen_rows_of(at.run, at.network, at.part.epoch, MINIBATCH_SIZE))


def _random_pairs(at: _At) -> PartAnswer:
    design, part = design_of(at.part.scene), at.part
    rows = at.run.minibatches(MINIBATCH_SIZE, design.num_minibatches)
    return PartAnswer(random_pairs=random_pairs_of(at.network, rows, design, run=part.run, epoch=part.epoch))


def _rough_pairs(at: _At) -> PartAnswer:
    design = design_of(at.part.scene)
    rows = at.run.minibatches(MINIBATCH_SIZE, design.num_minibatches)
    spec = design.of(at.part.run, at.part.epoch)
    return PartAnswer(rough_pairs=rough_pairs_of(at.network, rows, spec, at.bench.landscape))


def _whole(at: _At) -> PartAnswer:
    rows, mode = at.run.minibatches(MINIBATCH_SIZE), mode_of(at.run.config)
    agreement = whole_agreement(at.network, *rows, mode=mode)
    return PartAnswer(wholes=(WholeModel(run=at.part.run, epoch=at.part.epoch, agreement=agreement),))


def _drift(at: _At) -> PartAnswer:
    return PartAnswer(drifts=drift_of(at.run, at.part.epoch))


def _apart(at: _At) -> PartAnswer:
    return PartAnswer(aparts=(apart_of(at.run, at.bench.store.run(at.part.other), at.part.epoch),))


def _ablation(at: _At) -> PartAnswer:
    return PartAnswer(ablation=ablation_of(at.run, at.network, at.part.epoch))


_KINDS: dict[PartKind, _Kind] = {
    "scene": _Kind("agreement in the picture {scene}", _scene),
    "checkpoint": _Kind("agreement and roughness", _checkpoint),
    "nulls": _Kind("the null model of random rows", _nulls),
    "nulls-by-size": _Kind("the null model of random rows in minibatches of other sizes", _nulls_by_size),
    "intervention": _Kind("the output bias moved to the median", _intervention),
    "masks": _Kind("the masks' share of the variance", _masks),
    "ablation": _Kind("how much the network relies on the number of deliverers", _ablation),
    "chosen": _Kind("agreement of minibatches of chosen rows", _chosen),
    "random-pairs": _Kind("agreement in pairs of random live units, beside the picture {scene}", _random_pairs, 4),
    "rough-pairs": _Kind("roughness in pairs of random live units, beside the picture {scene}", _rough_pairs),
    "drift": _Kind("how far biases, γ and β have moved", _drift),
    "whole": _Kind("agreement of all parameters", _whole),
    "apart": _Kind("how far another number of CPU threads leads the training apart", _apart),
}
