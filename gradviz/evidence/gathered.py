"""All measurements of a set of runs together, as frozen values that go to JSON and back unchanged."""

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
from gradviz.evidence.measurements import (
    Ablation,
    Agreement,
    Checkpoint,
    Intervention,
    MaskSplit,
    Null,
    RoundOff,
    Scene,
    SignBalance,
    StudyEpoch,
    WholeModel,
)
from gradviz.evidence.roles import Role, role_of
from gradviz.evidence.values import Measured
from gradviz.experiment.names import RunName
from gradviz.experiment.run_record import RunRecord


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
