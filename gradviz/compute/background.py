"""What a server trains in the background: the usual runs of deliveries, or those of a study that brings a recipe."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gradviz.compute.trainer import RunProgress, TrainerStatus
from gradviz.experiment.names import wanted_names
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.experiment.store import Run, RunStore
from gradviz.experiment.studies.deliveries.presets import run_names
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_plans import trained_by_recipe
from gradviz.experiment.study_run import StudyRun
from gradviz.settings import Settings


@dataclass(frozen=True)
class Background:
    """`asked`: the runs to train in any case; `usual`: the names that are nobody's own choice; `options`: those of
    `gradviz train` for it; `only_begun`: it trains nothing where none of its runs has begun."""

    study: str
    asked: tuple[str, ...]
    usual: Collection[str]
    options: tuple[str, ...]
    only_begun: bool = False

    def progress(self, store: RunStore) -> tuple[RunProgress, ...]:
        """Progress of each run that it trains or has trained. Costs a few small reads."""
        known = self._known(store)
        return tuple(RunProgress(run.name, max(run.epochs(), default=None), run.planned_epochs) for run in known)

    def trains(self, store: RunStore) -> bool:
        """Whether it belongs in this directory of runs: deliveries do where they have begun, or nothing else is."""
        if self.study != OWN_STUDY:
            return True
        return bool(store.runs()) or not (self.only_begun or store.study_runs())

    def others(self, store: RunStore) -> set[str]:
        """The names of runs of other studies that it does not train: others train or record them."""
        return {run.name for run in store.study_runs()} - {run.name for run in self._known(store)}

    def resting(self, progress: Sequence[RunProgress]) -> TrainerStatus:
        """The status while nothing trains and nothing has failed."""
        wanted = wanted_names([run.name for run in progress], self.asked, self.usual)
        if {run.name for run in progress if run.finished}.issuperset(wanted):
            return TrainerStatus("finished", None, tuple(progress), "All runs are trained.")
        if not progress:
            return TrainerStatus("empty", None, (), "Nothing is trained yet.")
        return TrainerStatus("stopped", None, tuple(progress), "The training is stopped; every saved epoch is kept.")

    def _known(self, store: RunStore) -> Sequence[Run | StudyRun]:
        return store.runs() if self.study == OWN_STUDY else trained_by_recipe(store, self.study)


def of_deliveries(variants: Sequence[str] = DEFAULT_NAMES, *, only_begun: bool = False) -> Background:
    """The runs of these regularizers; UserError for an unknown one."""
    options = ("--variants", ",".join(variants))
    return Background(OWN_STUDY, run_names(variants), DEFAULT_NAMES, options, only_begun)


def background_of(settings: Settings) -> Background:
    """That of the settings' study, or of deliveries beside one without a recipe; UserError if its code fails."""
    if settings.study in ("", OWN_STUDY):
        return of_deliveries(settings.variants)
    study = load_study(settings.study).study
    if study.train is None:
        return of_deliveries(settings.variants, only_begun=True)
    variants = tuple(study.train.variants)
    return Background(study.name, variants, variants, ("--study", settings.study))
