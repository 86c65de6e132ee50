"""Measurements of a set of runs, as frozen values that go to JSON and back unchanged."""

from gradviz.evidence.controls import (
    Apart,
    ChosenRows,
    Drift,
    OtherPreset,
    PathsFound,
    RandomPairs,
    RoughPairs,
    SignLaw,
)
from gradviz.evidence.roles import Role, role_of
from gradviz.evidence.values import Estimate, Measured, Scope
from gradviz.experiment.names import OfRun, RunName
from gradviz.experiment.run_record import RunRecord
from gradviz.landscape.request import LandscapeRequest, Masks, Mode


class Agreement(Measured):
    """How much the gradients of `num_minibatches` minibatches agree, in `num_parameters` parameters at once.

    The statistics are defined in `gradviz.landscape.statistics.agreement`; `num_zero` of the gradients are zero up to
    round-off and count in none of them. `share_below`: share of all rows predicted below their target, None where a
    study has no such targets.
    """

    num_parameters: int
    num_minibatches: int
    minibatch_size: int
    num_zero: int
    share_below: float | None
    resultant: Estimate
    cosine: Estimate
    opposite: Estimate
    beyond_150: Estimate
    norm_variation: Estimate
    sign_agreement: Estimate


class Roughness(Measured):
    """How much neighbouring arrows differ: means over the fields of `num_minibatches` minibatches with their intervals.

    `angle` in degrees; `difference` |a - b| over their mean length; `distinct` share of distinct vectors of a field;
    `curl` the root mean square of ∂u/∂x₂ - ∂v/∂x₁ over that of the derivatives: 0 for the gradient of one smooth loss.
    """

    num_minibatches: int
    points: int
    half_width: float
    angle: Estimate
    difference: Estimate
    distinct: Estimate
    curl: Estimate


class Panel(Measured):
    """One picture of a scene: two parameters, over the minibatches. `view` is its first minibatch."""

    view: LandscapeRequest
    agreement: Agreement
    roughness: Roughness


class Scene(OfRun, Measured):
    """A picture of the source, measured: a checkpoint in one mode, and the planes that show it."""

    key: str
    epoch: int
    mode: Mode
    masks: Masks
    panels: tuple[Panel, ...]


class ScopedAgreement(Measured):
    scope: Scope
    agreement: Agreement


class Checkpoint(OfRun, Measured):
    """One epoch of a run: its losses and, in the mode named, the agreement of minibatches.

    `roughness` is that of "pair 1" at the first minibatch.
    `balance` is |2s - 1| with s the share of the minibatches' rows predicted below their target in this mode.
    """

    epoch: int
    mode: Mode
    train_loss: float
    test_loss: float
    test_r2: float | None
    balance: float
    agreements: tuple[ScopedAgreement, ...]
    roughness: Roughness

    def agreement(self, scope: Scope) -> Agreement | None:
        return next((each.agreement for each in self.agreements if each.scope == scope), None)


class WholeModel(OfRun, Measured):
    """Agreement of all parameters at one epoch of a run, in the mode that it is trained in."""

    epoch: int
    agreement: Agreement


class SignBalance(Measured):
    """Spearman's rank correlation of sign balance and agreement R over all checkpoints of `variants`."""

    scope: Scope
    variants: tuple[str, ...]
    num_checkpoints: int
    spearman: Estimate


class Intervention(OfRun, Measured):
    """The agreement of one checkpoint as it is, and with the output bias moved so that half of the rows lie below."""

    scope: Scope
    epoch: int
    shift: float
    """How far the output bias was moved, in units of the target."""
    before: Agreement
    after: Agreement


class Null(OfRun, Measured):
    """Agreement measured, and that of minibatches whose rows are drawn at random, at one minibatch size.

    `random_*`: mean over sets of random minibatches and the range of the middle 95 % of them; `formula_resultant`: R by
    the mean and covariance of the rows' gradients. `sensitivity`: 1 - R measured over that of random rows.
    """

    scope: Scope
    epoch: int
    minibatch_size: int
    num_minibatches: int
    measured_resultant: Estimate
    random_resultant: Estimate
    formula_resultant: float | None
    sensitivity: Estimate


class RoundOff(Measured):
    """The gradient of two parameters in two precisions, by the plain loop: a field of `points`² arrows each.

    `largest_*`: largest component, in loss per unit of parameter; of e, the largest difference of the two fields,
    `threshold_float32` is 8 e, below which float32 does not resolve a component, and `threshold_float64` 1e-3 e, below
    which float64's number is zero; `angle_*`: mean angle between neighbours in degrees; `cosine`: mean over the grid of
    the cosine between the float32 and the float64 arrow; `zero_share`: the share of the float32 arrows that are marked
    as zero up to round-off.
    """

    view: LandscapeRequest
    largest_float32: float
    largest_float64: float
    threshold_float32: float
    threshold_float64: float
    angle_float32: float | None
    angle_float64: float | None
    cosine: float | None
    zero_share: float


class Ablation(Measured):
    """What a field of the rows is worth: mean |error| on `num_rows` test rows as they are, with the field permuted
    among them, and with it blank; R² of the first two, None where all targets are equal."""

    field: str
    epoch: int
    num_rows: int
    loss: float
    permuted_loss: float
    blank_loss: float
    r2: float | None
    permuted_r2: float | None


class MaskSplit(Measured):
    """Variance of a dropout gradient over minibatches and masks: the share that the masks make."""

    scope: Scope
    epoch: int
    masks_share: Estimate
    num_minibatches: int
    num_masks: int


class StudyEpoch(OfRun, Measured):
    """One epoch of a run of another study than deliveries: the agreement of its minibatches in the two pairs shown
    first and, if measured, in all parameters."""

    epoch: int
    mode: Mode
    pairs: tuple[Agreement, ...]
    model: Agreement | None = None


class StudyEvidence(Measured):
    """The measurements of the runs of another study, as far as its claims read them."""

    mid_training: tuple[int, ...]
    falling: tuple[int, ...]
    checkpoints: tuple[StudyEpoch, ...]
    scenes: tuple[Scene, ...]
    nulls: tuple[Null, ...]
    round_off: RoundOff | None

    def why_absent(self, claim: str) -> str:
        """Claims that a study's runs do not allow are not asked."""
        return ""

    def scene(self, key: str) -> Scene | None:
        return next((scene for scene in self.scenes if scene.key == key), None)


class Replicate(Measured):
    """The same training as `of` with another number of CPU threads: how far apart both are, and what the claims on the
    run read, measured on it."""

    of: RunName
    record: RunRecord
    aparts: tuple[Apart, ...]
    scenes: tuple[Scene, ...] = ()
    random_pairs: tuple[RandomPairs, ...] = ()
    rough_pairs: tuple[RoughPairs, ...] = ()
    drifts: tuple[Drift, ...] = ()
    round_off: RoundOff | None = None


class Evidence(Measured):
    """All measurements of one set of runs: those of one seed."""

    seed: int
    mid_epochs: tuple[tuple[str, int], ...]
    """The mid-training epoch that is drawn, by run."""
    mid_training: tuple[int, ...]
    """All epochs of mid-training without regularizer."""
    runs: tuple[RunRecord, ...]
    checkpoints: tuple[Checkpoint, ...]
    scenes: tuple[Scene, ...]
    sign_balance: tuple[SignBalance, ...]
    interventions: tuple[Intervention, ...]
    nulls: tuple[Null, ...]
    round_off: RoundOff | None
    mask_splits: tuple[MaskSplit, ...]
    ablation: Ablation | None = None
    """Of Total Deliverers, without regularizer after the last epoch."""
    chosen: tuple[ChosenRows, ...] = ()
    least_balanced: int | None = None
    """The epoch of mid-training without regularizer whose signs are least balanced."""
    random_pairs: tuple[RandomPairs, ...] = ()
    rough_pairs: tuple[RoughPairs, ...] = ()
    wholes: tuple[WholeModel, ...] = ()
    sign_laws: tuple[SignLaw, ...] = ()
    drifts: tuple[Drift, ...] = ()
    paths: tuple[PathsFound, ...] = ()
    falling: tuple[int, ...] = ()
    """All epochs without regularizer whose training loss falls, but the last."""
    others: tuple[OtherPreset, ...] = ()
    by_threads: tuple[Replicate, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    """Keys of claims that these runs do not allow, each with the reason."""

    def whole(self, run: str, epoch: int) -> Agreement | None:
        """The agreement of all parameters."""
        return next((each.agreement for each in self.wholes if (each.run, each.epoch) == (run, epoch)), None)

    def pairs_of(self, scene: str, epoch: int | None = None) -> tuple[RandomPairs, ...]:
        """Pairs of random live units beside a picture's, panel by panel; at its own epoch, if no other is asked for."""
        found = self.scene(scene)
        at = epoch if epoch is not None or found is None else found.epoch
        return tuple(each for each in self.random_pairs if (each.scene, each.epoch) == (scene, at))

    def rough_pairs_of(self, scene: str) -> tuple[RoughPairs, ...]:
        """The roughness of such pairs."""
        return tuple(each for each in self.rough_pairs if each.scene == scene)

    def why_absent(self, claim: str) -> str:
        """What these runs lack for a claim, and what to do; empty if nothing that is known."""
        return dict(self.absent).get(claim, "")

    def scene(self, key: str) -> Scene | None:
        return next((scene for scene in self.scenes if scene.key == key), None)

    def replicate(self, role: Role) -> Replicate | None:
        """The training with another number of CPU threads of the run that plays a role."""
        return next((each for each in self.by_threads if role_of(each.record) == role), None)

    def record(self, role: Role) -> RunRecord | None:
        """The record of the run that plays a role."""
        return next((record for record in self.runs if role_of(record) == role), None)

    @property
    def has_norm_before(self) -> bool:
        """Whether a run normalizes before the activation, where β takes the place of the biases."""
        return any(run.regularizer.has_batch_statistics and not run.regularizer.norm_after for run in self.runs)

    def of_role(self, role: Role) -> list[Checkpoint]:
        """The checkpoints of the run that plays a role."""
        record = self.record(role)
        return [] if record is None else self.of_run(record.name)

    def of_run(self, name: str) -> list[Checkpoint]:
        return [each for each in self.checkpoints if each.run == name]
