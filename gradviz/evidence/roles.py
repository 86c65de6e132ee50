"""The roles that the claims cast runs in: trained without a regularizer, with dropout, with batch normalization."""

from collections.abc import Iterable
from dataclasses import dataclass

from gradviz.experiment.regularizers import BatchNormalization, Dropout, Plain, Regularizer
from gradviz.experiment.run import Run
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.landscape.request import Mode


@dataclass(frozen=True)
class Role:
    """Any run with this kind of regularizer can play it; `words` say how such a run was trained."""

    kind: type[Regularizer]
    words: str


PLAIN = Role(Plain, "without a regularizer")
DROPOUT = Role(Dropout, "with dropout")
BATCHNORM = Role(BatchNormalization, "with batch normalization")
ROLES = (PLAIN, DROPOUT, BATCHNORM)


def role_of(config: TrainingConfig) -> Role | None:
    """The role that a run of this configuration can play."""
    return next((role for role in ROLES if type(config.regularizer) is role.kind), None)


def cast(runs: Iterable[Run]) -> dict[Role, Run]:
    """The run that plays each role, in the order of the roles: the one of the regularizer's usual name, else the first
    that can. Roles that no run can play are left out."""
    found: dict[Role, Run] = {}
    for run in sorted(runs, key=lambda run: run.name != run.config.regularizer.run_name):
        role = role_of(run.config)
        if role is not None:
            found.setdefault(role, run)
    return {role: found[role] for role in ROLES if role in found}


def mode_of(config: TrainingConfig) -> Mode:
    """The mode whose gradients the training follows; where nothing tells the modes apart, eval."""
    regularizer = config.regularizer
    return "train" if regularizer.draws_masks or regularizer.has_batch_statistics else "eval"
