"""The options of `gradviz train --study`: what is trained of a study that brings a recipe."""

import argparse

from gradviz.errors import UserError
from gradviz.experiment.names import is_run_name
from gradviz.experiment.optimizers import Optimizer, optimizer_of, with_rate
from gradviz.experiment.recipe import Recipe
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_trainer import StudyTraining, recipe_of
from gradviz.experiment.study_training import StudyPlan

_OF_DELIVERIES = ("data", "derive", "preset", "rows", "hidden", "norm_placement", "background")
_POSITIVE = {"epochs": 9999, "batch_size": 100_000}


def trainings_of(options: argparse.Namespace) -> list[StudyTraining]:
    """A training for each variant of the study: its recipe's values, with what the options change."""
    for name in _OF_DELIVERIES:
        if getattr(options, name):
            raise UserError(f"`--{name.replace('_', '-')}` belongs to the study {OWN_STUDY}: leave it out.")
    study = load_study(options.study).study
    recipe = recipe_of(study)
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
