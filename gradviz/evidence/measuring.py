"""Measures a set of runs: each part is kept under a key of what it was made from, and only what changed is measured."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from gradviz.evidence.agreeing import bias_pairs, checkpoint_agreements, pair_agreements
from gradviz.evidence.balancing import intervention, sign_balance
from gradviz.evidence.measurements import (
    Ablation,
    Agreement,
    Checkpoint,
    Evidence,
    Intervention,
    MaskSplit,
    Measured,
    Null,
    Panel,
    RoundOff,
    Scene,
    SignBalance,
)
from gradviz.evidence.place import Place
from gradviz.evidence.precision import POINTS, loop_field, mean_cosine, thresholds, unmarked
from gradviz.evidence.reading import ablation_of
from gradviz.evidence.roughening import neighbour_angle, roughness_of
from gradviz.evidence.sampling import SIZES, mask_splits_of, nulls_of
from gradviz.evidence.scenes import FRESH_HALF_WIDTH, FRESH_POINTS, MINIBATCH_SIZE, SceneSpec
from gradviz.evidence.selection import mid_training
from gradviz.evidence.studied import Studied
from gradviz.experiment.config import VARIANTS
from gradviz.experiment.run import Run
from gradviz.landscape import ENGINE_VERSION, GradientField, LandscapeRequest, network_of
from gradviz.landscape.request import Mode

EVIDENCE_VERSION = 3
"""Part of every key: raised whenever the same runs would give other numbers."""

ROUGHNESS_MINIBATCHES = 8
"""Fields over which the roughness of a picture is averaged: arrows are compared by the hundred in each."""

OnMessage = Callable[[str], None]
_Part = TypeVar("_Part", bound=Measured)
_MODES: dict[str, Mode] = {"none": "eval", "dropout": "train", "batchnorm": "train"}
"""In which each run is measured over the epochs: as it is trained."""


class Measuring:
    """The evidence of the runs that `compute` answers for. One at a time; `on_message` is told what is being done."""

    def __init__(self, compute: Place, on_message: OnMessage = lambda message: None) -> None:
        self.compute, self.on_message = compute, on_message
        studied = Studied.of(compute.store)
        self.runs, self.mid_epochs, self.scenes = studied.runs, studied.mid_epochs, studied.scenes

    def evidence(self) -> Evidence:
        """All of it."""
        scenes = tuple(self.scene(spec) for spec in self.scenes)
        checkpoints = tuple(checkpoint for name in self.runs for checkpoint in self.checkpoints(name))
        return Evidence(
            seed=next(iter(self.runs.values())).config.seed,
            mid_epochs=tuple(self.mid_epochs.items()),
            mid_training=tuple(mid_training(self.runs["none"].metrics())) if "none" in self.runs else (),
            runs=tuple(run.record for run in self.runs.values()),
            checkpoints=checkpoints,
            scenes=scenes,
            sign_balance=_balances(checkpoints),
            interventions=self.interventions(),
            nulls=self.nulls(),
            round_off=self.round_off(),
            mask_splits=self.mask_splits(),
            ablation=self.ablation(),
        )

    def fields(self, spec: SceneSpec, most: int = 50) -> Iterator[list[GradientField]]:
        """The fields of each picture of a scene, for the first `most` of its minibatches."""
        for request in spec.requests():
            count = min(most, spec.num_minibatches, self.runs[spec.run].num_minibatches(MINIBATCH_SIZE))
            yield [field for _, field in self.compute.minibatches(request, range(count))]

    def scene(self, spec: SceneSpec) -> Scene:
        """One figure of the source, measured."""

        def measure() -> Scene:
            self.on_message(f"{spec.title} ({spec.run}, epoch {spec.epoch})")
            fields = self.fields(spec, ROUGHNESS_MINIBATCHES)
            return scene_of(spec, self.scene_agreements(spec), list(fields))

        about = [request.under_old_key() for request in spec.requests()]
        return self._kept(Scene, self._key(spec.run, spec.epoch, spec.key, about, spec.num_minibatches), measure)

    def scene_agreements(self, spec: SceneSpec) -> list[Agreement]:
        """Of the minibatches of a figure, one for each picture."""
        run = self.runs[spec.run]
        network = network_of(run.model(spec.epoch), device=self.compute.bench.device)
        rows = run.minibatches(MINIBATCH_SIZE, spec.num_minibatches)
        return pair_agreements(network, *rows, spec.pairs, spec.mode, spec.masks)

    def checkpoints(self, name: str) -> Iterator[Checkpoint]:
        """Every checkpoint of one run, in the mode that it is trained in."""
        run = self.runs[name]
        there = set(run.epochs())
        for line in run.metrics():
            if line.epoch in there:
                yield self.checkpoint(name, line.epoch)

    def checkpoint(self, name: str, epoch: int) -> Checkpoint:
        """One of them; `epoch` must be among the metrics of the run."""
        run = self.runs[name]
        line = next(line for line in run.metrics() if line.epoch == epoch)
        key = self._key(name, epoch, "checkpoint", epoch in self._landmarks(name))
        return self._kept(Checkpoint, key, lambda: self._checkpoint(run, line))

    def _landmarks(self, name: str) -> set[int]:
        """Where all parameters are measured, not biases alone, at ten times the work."""
        return {self.mid_epochs[name]} if name == "none" else set()

    def _checkpoint(self, run: Run, line) -> Checkpoint:
        self.on_message(f"agreement and roughness of {run.name}, epoch {line.epoch}")
        mode = _MODES[run.name]
        network = network_of(run.model(line.epoch), device=self.compute.bench.device)
        whole = line.epoch in self._landmarks(run.name)
        agreements = checkpoint_agreements(network, *run.minibatches(MINIBATCH_SIZE), mode=mode, whole=whole)
        share = agreements[0].agreement.share_below
        x, y = bias_pairs(network, mode)[0]
        request = LandscapeRequest(
            run=run.name,
            epoch=line.epoch,
            x=x,
            y=y,
            mode=mode,
            points=FRESH_POINTS,
            half_width=FRESH_HALF_WIDTH,
        )
        return Checkpoint(
            run=run.name,
            epoch=line.epoch,
            mode=mode,
            train_loss=line.train_loss,
            test_loss=line.test_loss,
            test_r2=line.test_r2 if line.test_r2 == line.test_r2 else None,
            balance=abs(2 * share - 1),
            agreements=agreements,
            roughness=roughness_of([self.compute.landscape(request)], request),
        )

    def interventions(self) -> tuple[Intervention, ...]:
        """The output bias moved to the median at the checkpoint of mid-training whose signs are least balanced."""
        if "none" not in self.runs:
            return ()
        run = self.runs["none"]
        lines = [line for line in run.metrics() if line.epoch in set(mid_training(run.metrics()))]
        if not lines:
            return ()
        epoch = max(lines, key=lambda line: abs(line.share_below_target - 0.5)).epoch

        def measure() -> _Interventions:
            self.on_message(f"output bias moved to the median (none, epoch {epoch})")
            network = network_of(run.model(epoch), device=self.compute.bench.device)
            found = intervention(network, *run.minibatches(MINIBATCH_SIZE), run="none", epoch=epoch)
            return _Interventions(all=found)

        return self._kept(_Interventions, self._key("none", epoch, "intervention"), measure).all

    def nulls(self) -> tuple[Null, ...]:
        """The null model at the start and at the drawn checkpoint of mid-training, without regularizer."""
        if "none" not in self.runs:
            return ()
        return tuple(null for epoch in sorted({0, self.mid_epochs["none"]}) for null in self.nulls_at(epoch))

    def nulls_at(self, epoch: int, sizes: Sequence[int] = SIZES) -> tuple[Null, ...]:
        """The null model at one checkpoint without regularizer."""

        def measure() -> _Nulls:
            self.on_message(f"the null model of random rows (none, epoch {epoch})")
            run = self.runs["none"]
            network = network_of(run.model(epoch), device=self.compute.bench.device)
            return _Nulls(all=nulls_of(run, network, epoch, sizes))

        return self._kept(_Nulls, self._key("none", epoch, "nulls", *(() if sizes is SIZES else sizes)), measure).all

    def ablation(self) -> Ablation | None:
        """Whether the network without regularizer reads d, after the last epoch that is measured."""
        if "none" not in self.runs:
            return None
        run = self.runs["none"]
        there = set(run.epochs())
        epoch = max((line.epoch for line in run.metrics() if line.epoch in there), default=None)
        return None if epoch is None else self.ablation_at(epoch)

    def ablation_at(self, epoch: int) -> Ablation:
        def measure() -> Ablation:
            self.on_message(f"what the number of deliverers is worth (none, epoch {epoch})")
            run = self.runs["none"]
            return ablation_of(run, network_of(run.model(epoch), device=self.compute.bench.device), epoch)

        return self._kept(Ablation, self._key("none", epoch, "ablation"), measure)

    def mask_splits(self) -> tuple[MaskSplit, ...]:
        """Masks or minibatches: at the drawn checkpoint of dropout."""
        if "dropout" not in self.runs:
            return ()
        epoch = self.mid_epochs["dropout"]

        def measure() -> _Splits:
            self.on_message(f"the masks' share of the variance (dropout, epoch {epoch})")
            run = self.runs["dropout"]
            network = network_of(run.model(epoch), device=self.compute.bench.device)
            return _Splits(all=mask_splits_of(run, network, epoch))

        return self._kept(_Splits, self._key("dropout", epoch, "masks"), measure).all

    def round_off_view(self) -> LandscapeRequest | None:
        """The plane of the source's batch normalization picture, on the smaller grid of the loop."""
        spec = next((spec for spec in self.scenes if spec.key == "batchnorm-linear"), None)
        return spec.requests()[0].model_copy(update={"points": POINTS}) if spec else None

    def precision_fields(self) -> tuple[GradientField, GradientField] | None:
        """That plane by the plain loop, in float32 and in float64."""
        request = self.round_off_view()
        if request is None:
            return None
        run = self.runs["batchnorm"]
        fields = []
        for dtype in (torch.float32, torch.float64):

            def compute(dtype: torch.dtype = dtype) -> bytes:
                self.on_message(f"batch normalization by the plain loop in {dtype}")
                return loop_field(run, request, dtype, self.compute.bench.device).to_bytes()

            key = self._key("batchnorm", request.epoch, "loop", request.under_old_key(), str(dtype))
            fields.append(GradientField.from_bytes(self.compute.cache.once(key, compute)))
        return fields[0], fields[1]

    def round_off(self) -> RoundOff | None:
        """What the two precisions say of that plane."""
        request, fields = self.round_off_view(), self.precision_fields()
        if request is None or fields is None:
            return None
        single, double = fields
        unresolved, zero = thresholds(single, double)
        return RoundOff(
            view=request,
            largest_float32=_largest(single),
            largest_float64=_largest(double),
            threshold_float32=unresolved,
            threshold_float64=zero,
            angle_float32=neighbour_angle(unmarked(single)),
            angle_float64=neighbour_angle(unmarked(double)),
            cosine=mean_cosine(single, double),
            zero_share=float(single.is_zero.mean()),
        )

    def _key(self, name: str, epoch: int, *about: object) -> str:
        run = self.runs[name]
        content = [EVIDENCE_VERSION, ENGINE_VERSION, run.address(epoch), *about]
        return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=20).hexdigest()

    def _kept(self, kind: type[_Part], key: str, measure: Callable[[], _Part]) -> _Part:
        return kind.model_validate_json(self.compute.cache.once(key, lambda: measure().model_dump_json().encode()))


class _Nulls(Measured):
    all: tuple[Null, ...]


class _Splits(Measured):
    all: tuple[MaskSplit, ...]


class _Interventions(Measured):
    all: tuple[Intervention, ...]


def scene_of(spec: SceneSpec, agreements: Sequence[Agreement], fields: Sequence[Sequence[GradientField]]) -> Scene:
    """A figure from what was measured of each of its pictures; of the fields, as many as the roughness is taken of."""
    panels = tuple(
        Panel(view=request, agreement=agreement, roughness=roughness_of(own, request))
        for request, agreement, own in zip(spec.requests(), agreements, fields, strict=True)
    )
    return Scene(key=spec.key, run=spec.run, epoch=spec.epoch, mode=spec.mode, masks=spec.masks, panels=panels)


def _balances(checkpoints: tuple[Checkpoint, ...]) -> tuple[SignBalance, ...]:
    """Without regularizer and over all three, for the biases of both layers."""
    groups = [[each for each in checkpoints if each.run == name] for name in VARIANTS]
    found = [group for group in groups if group]
    if len(found) > 1:
        found.append(list(checkpoints))
    return tuple(sign_balance(group, scope) for group in found for scope in ("biases 1", "biases 2"))


def _largest(field: GradientField) -> float:
    return float(max(abs(field.u).max(), abs(field.v).max()))
