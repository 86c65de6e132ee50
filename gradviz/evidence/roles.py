"""The roles that the claims cast runs in: trained without a regularizer, with dropout, with batch normalization."""

from collections.abc import Iterable
from enum import StrEnum

from gradviz.experiment.config import TrainingConfig
from gradviz.experiment.regularizers import BatchNormalization, Dropout, Plain
from gradviz.experiment.run import Run
from gradviz.landscape.request import Mode


class Role(StrEnum):
    """A role; its value is the regularizer's."""

    PLAIN = Plain.run_name
    DROPOUT = Dropout.run_name
    BATCHNORM = BatchNormalization.run_name

    @property
    def trained_in(self) -> Mode:
        """The mode whose gradients the training follows; without a regularizer both modes have the same."""
        return "eval" if self is Role.PLAIN else "train"


def role_of(config: TrainingConfig) -> Role | None:
    """The role that a run of this configuration can play."""
    return next((role for role in Role if role == config.regularizer.run_name), None)


def cast(runs: Iterable[Run]) -> dict[Role, Run]:
    """For each role the first run that can play it; roles that no run can play are left out."""
    found: dict[Role, Run] = {}
    for run in sorted(runs, key=lambda run: run.name != run.config.regularizer.run_name):  # by its usual name first
        role = role_of(run.config)
        if role is not None:
            found.setdefault(role, run)
    return found
