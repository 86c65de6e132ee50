"""`gradviz train --study`: any study that brings a recipe."""

import argparse
import sys

from gradviz.errors import UserError
from gradviz.experiment.interruption import StopRequest
from gradviz.experiment.names import is_run_name
from gradviz.experiment.optimizers import Optimizer, optimizer_of, with_rate
from gradviz.experiment.progress import training_display
from gradviz.experiment.recipe import Recipe
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.experiment.study import Study
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_trainer import StudyTraining, train_studies
from gradviz.experiment.study_training import StudyPlan
from gradviz.experiment.trainer import TrainingOutcome
from gradviz.settings import Settings

__all__ = ["OWN_STUDY", "status_of", "train_study"]

_OF_DELIVERIES = ("data", "derive", "preset", "rows", "hidden", "norm_placement", "background")
_POSITIVE = {"epochs": 9999, "batch_size": 100_000}


def train_study(options: argparse.Namespace, settings: Settings, asked: StopRequest) -> int:
    """Trains a run for each variant; 0 when finished, 128 + the signal if a signal stopped it."""
    for name in _OF_DELIVERIES:
        if getattr(options, name):
            raise UserError(f"`--{name.replace('_', '-')}` belongs to the study {OWN_STUDY}: leave it out.")
    study = load_study(options.study).study
    if study.train is None:
        raise UserError(f"The study {study.name} has no recipe to train: give it `train=gradviz.Recipe(...)`.")
    with training_display(sys.stdout) as display:
        outcome = train_studies(
            settings.runs.absolute(),
            trainings_of(study, study.train, options),
            fresh=options.fresh,
            device=settings.device,
            on_progress=display.on_progress,
            on_message=display.on_message,
            stop=asked,
        )
    return status_of(outcome, asked)


def status_of(outcome: TrainingOutcome, asked: StopRequest) -> int:
    """The exit status of a training."""
    number = None if outcome.finished else outcome.signal or asked.signal
    return 128 + number if number else 0


def trainings_of(study: Study, recipe: Recipe, options: argparse.Namespace) -> list[StudyTraining]:
    """A training for each variant: the recipe's values, with what the options change."""
    chosen = options.variants or tuple(recipe.variants)
    unknown = [name for name in chosen if name not in recipe.variants]
    if unknown or len(set(chosen)) < len(chosen):
        raise UserError(
            f"`variants` must name some of {', '.join(recipe.variants)}, each once, got {', '.join(chosen)!r}."
        )
    for name, most in _POSITIVE.items():
        value = getattr(options, name)
        if value is not None and not 1 <= value <= most:
            raise UserError(f"`{name}` must be in [1, {most}], got {value}.")
    if options.seed is not None and not 0 <= options.seed < 2**63:
        raise UserError(f"`seed` must be in [0, 2^63), got {options.seed}.")
    if options.name is not None and not is_run_name(options.name):
        raise UserError(f"`name` must have 1 to 64 letters, digits, `_` or `-`, got {options.name!r}.")
    return [
        StudyTraining(
            name=_run_name(options.name, variant, len(chosen)),
            plan=StudyPlan(
                study=study,
                arguments=recipe.variants[variant],
                optimizer=_optimizer(recipe, options),
                batch_size=options.batch_size or recipe.batch_size,
                epochs=options.epochs or recipe.epochs,
                seed=options.seed or 0,
            ),
            label=options.label or "",
            group=options.group or "",
        )
        for variant in chosen
    ]


def _run_name(name: str | None, variant: str, num_runs: int) -> str:
    if name is None:
        return variant
    return name if num_runs == 1 else f"{name}-{variant}"


def _optimizer(recipe: Recipe, options: argparse.Namespace) -> Optimizer:
    try:
        chosen = optimizer_of(options.optimizer or recipe.optimizer)
        return chosen if options.lr is None else with_rate(chosen, options.lr)
    except ValueError as error:  # pydantic's too
        raise UserError(f"`lr` must be a positive number, got {options.lr}." if options.lr else str(error)) from error
