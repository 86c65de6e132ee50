"""Whether a model reads a field of its rows: its test error when the field is another row's, or blank."""

# Shape suffixes: R = test rows, C = 45 characters of a row.

import math

import torch
from torch import Tensor

from gradviz.evidence.measurements import Ablation
from gradviz.experiment.store import Run
from gradviz.experiment.studies.deliveries.encoding import one_hot
from gradviz.experiment.studies.deliveries.fields import CHARACTERS, DELIVERERS, FIELDS, PADDING, Field
from gradviz.landscape import Network
from gradviz.landscape.clean import CleanPass

_PERMUTATION_SEED = 0
_ROWS_AT_ONCE = 2048


def ablation_of(run: Run, network: Network, epoch: int, field: Field = DELIVERERS) -> Ablation:
    """The mean |error| on the test rows as they are, with `field` permuted among them (Breiman, "Random forests", 2001,
    section 10), and with it blank; eval mode."""
    codes_RC, targets_R = run.test_codes(), run.test_targets()
    order = torch.randperm(len(codes_RC), generator=torch.Generator().manual_seed(_PERMUTATION_SEED))
    at = place_of(field)
    permuted_RC, blank_RC = codes_RC.clone(), codes_RC.clone()
    permuted_RC[:, at] = codes_RC[order][:, at]
    blank_RC[:, at] = CHARACTERS.index(PADDING)
    errors = [_errors(network, codes, targets_R) for codes in (codes_RC, permuted_RC, blank_RC)]
    loss, permuted, blank = (error.abs().mean().item() for error in errors)
    r2, permuted_r2 = (_r2(error, targets_R) for error in errors[:2])
    return Ablation(
        field=field.name,
        epoch=epoch,
        num_rows=len(targets_R),
        loss=loss,
        permuted_loss=permuted,
        blank_loss=blank,
        r2=r2,
        permuted_r2=permuted_r2,
    )


def place_of(field: Field) -> slice:
    """Where the field's characters stand in a row."""
    start = sum(each.width for each in FIELDS[: FIELDS.index(field)])
    return slice(start, start + field.width)


def _errors(network: Network, codes_RC: Tensor, targets_R: Tensor) -> Tensor:
    """(R,) float64: prediction - target."""
    with torch.inference_mode():
        parts = [
            CleanPass(network, one_hot(part.to(network.device))).predictions() for part in codes_RC.split(_ROWS_AT_ONCE)
        ]
    return torch.cat(parts).double().cpu() - targets_R.double()


def _r2(errors_R: Tensor, targets_R: Tensor) -> float | None:
    targets_R = targets_R.double()
    variation = (targets_R - targets_R.mean()).square().sum().item()
    found = 1 - errors_R.square().sum().item() / variation if variation > 0 else math.nan
    return found if math.isfinite(found) else None
