"""Makes the trainings of a study from a user's request: its recipe, changes to it, and what existing runs were told."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gradviz.errors import UserError
from gradviz.experiment.files import is_there
from gradviz.experiment.names import is_run_name, wanted_names
from gradviz.experiment.optimizers import Optimizer, optimizer_of, with_rate
from gradviz.experiment.recipe import Recipe
from gradviz.experiment.run_directory import MAX_EPOCHS, RESUME_NAME
from gradviz.experiment.store import RunStore
from gradviz.experiment.study import Study
from gradviz.experiment.study_record import StudyRecord
from gradviz.experiment.study_run import StudyRun
from gradviz.experiment.study_trainer import StudyTraining, recipe_of
from gradviz.experiment.study_training import StudyPlan

_POSITIVE = {"epochs": MAX_EPOCHS, "batch_size": 100_000}


def recipe_trainings(
    study: Study,
    variants: Sequence[str] | None = None,
    *,
    name: str | None = None,
    label: str | None = None,
    group: str | None = None,
    optimizer: Optimizer | str | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    seed: int | None = None,
) -> list[StudyTraining]:
    """A training for each of the recipe's `variants`, by default all, with changes (None: as in the recipe).

    Each run has the name of its variant, or `name`, followed by that of the variant if there are several. UserError
    names the first unusable value and what is allowed.
    """
    recipe = recipe_of(study)
    chosen = tuple(recipe.variants if variants is None else variants)
    unknown = [each for each in chosen if each not in recipe.variants]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise UserError(
            f"`variants` must name some of {', '.join(recipe.variants)}, each once, got {', '.join(chosen)!r}."
        )
    for key, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value is not None and not 1 <= value <= _POSITIVE[key]:
            raise UserError(f"`{key}` must be in [1, {_POSITIVE[key]}], got {value}.")
    if seed is not None and not 0 <= seed < 2**63:
        raise UserError(f"`seed` must be in [0, 2^63), got {seed}.")
    if name is not None and not is_run_name(name):
        raise UserError(f"`name` must have 1 to 64 letters, digits, `_` or `-`, got {name!r}.")
    return [
        StudyTraining(
            name=_run_name(name, variant, len(chosen)),
            plan=StudyPlan(
                study=study,
                arguments=recipe.variants[variant],
                optimizer=_optimizer(recipe, variant, optimizer, learning_rate),
                batch_size=batch_size or recipe.batch_size,
                epochs=epochs or recipe.epochs,
                seed=seed or 0,
            ),
            label=label or "",
            group=group or "",
        )
        for variant in chosen
    ]


def taken_up_trainings(store: RunStore, study: Study, asked: Sequence[StudyTraining]) -> list[StudyTraining]:
    """What a background training trains: existing runs as they were begun, whatever their names, and the new ones of
    `asked`, which adopt the seed, the epochs, the minibatches' size and the optimizer of the first existing variant.
    """
    recipe = recipe_of(study)
    begun = {run.name: training_of(study, run.record) for run in trained_by_recipe(store, study.name)}
    template = next((begun[name] for name in recipe.variants if name in begun), None)
    joining = {each.name: each if template is None else _joined(recipe, template, each) for each in asked}
    wanted = wanted_names(begun, [each.name for each in asked], tuple(recipe.variants))
    return [begun.get(name) or joining[name] for name in wanted]


def trained_by_recipe(store: RunStore, study: str) -> list[StudyRun]:
    """The runs of a study that `gradviz train` began, not a recorder."""
    return [run for run in store.study_runs() if run.record.study == study and is_there(run.path / RESUME_NAME)]


def training_of(study: Study, record: StudyRecord) -> StudyTraining:
    """The training that wrote a run.json; UserError if that cannot be told from it."""
    settings: dict[str, Any] = dict(record.settings)
    try:
        plan = StudyPlan(
            study=study,
            arguments=record.arguments,
            optimizer=with_rate(optimizer_of(settings["optimizer"]), settings["learning_rate"]),
            batch_size=int(settings["batch_size"]),
            epochs=int(settings["epochs"]),
            seed=record.seed or 0,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"run.json of {record.name} does not tell how it was trained: start it again with `--fresh`."
        ) from error
    return StudyTraining(record.name, plan, record.label, record.group)


def _joined(recipe: Recipe, template: StudyTraining, new: StudyTraining) -> StudyTraining:
    """`new` with the values of `template` that a variant does not have of its own."""
    like = template.plan
    own = recipe.optimizer_for(new.name) if new.name in recipe.variants else None
    optimizer = like.optimizer if own == recipe.optimizer_for(template.name) else new.plan.optimizer
    plan = replace(new.plan, optimizer=optimizer, batch_size=like.batch_size, epochs=like.epochs, seed=like.seed)
    return replace(new, plan=plan)


def _run_name(name: str | None, variant: str, num_runs: int) -> str:
    if name is None:
        return variant
    return name if num_runs == 1 else f"{name}-{variant}"


def _optimizer(
    recipe: Recipe, variant: str, optimizer: Optimizer | str | None, learning_rate: float | None
) -> Optimizer:
    try:
        chosen = recipe.optimizer_for(variant) if optimizer is None else optimizer_of(optimizer)
        return chosen if learning_rate is None else with_rate(chosen, learning_rate)
    except ValueError as error:  # pydantic's too
        wrong_rate = f"`lr` must be a positive number, got {learning_rate}."
        raise UserError(wrong_rate if learning_rate is not None else str(error)) from error
