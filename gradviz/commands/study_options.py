"""The options of `gradviz train --study`: what is trained of a study that brings a recipe."""

import argparse

from gradviz.errors import UserError
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_plans import recipe_trainings, taken_up_trainings
from gradviz.experiment.study_trainer import StudyTraining

_OF_DELIVERIES = ("data", "derive", "preset", "rows", "hidden", "norm_placement")


def trainings_of(options: argparse.Namespace, store: RunStore) -> list[StudyTraining]:
    """A training for each variant of the study: its recipe's values, with what the options change.

    In the background existing runs keep their own.
    """
    for name in _OF_DELIVERIES:
        if getattr(options, name):
            raise UserError(f"`--{name.replace('_', '-')}` belongs to the study {OWN_STUDY}: leave it out.")
    study = load_study(options.study).study
    asked = recipe_trainings(
        study,
        options.variants,
        name=options.name,
        label=options.label,
        group=options.group,
        optimizer=options.optimizer,
        learning_rate=options.lr,
        batch_size=options.batch_size,
        epochs=options.epochs,
        seed=options.seed,
    )
    return taken_up_trainings(store, study, asked) if options.background else asked
