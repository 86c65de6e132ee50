"""Agreement beside the null model, by minibatch size, and how much of the variance dropout's masks make."""

# Shape suffixes: K = minibatches, B = rows of each, I = inputs.

from collections.abc import Sequence

from gradviz.evidence import rules
from gradviz.evidence.agreeing import bias_tensors, bootstrap, estimate_of
from gradviz.evidence.measurements import MaskSplit, Null
from gradviz.evidence.values import BIASES
from gradviz.experiment.store import Run
from gradviz.landscape import Network
from gradviz.landscape.statistics import example_products, masks_split, minibatch_agreement, null_agreement, sensitivity
from gradviz.landscape.statistics.null_formula import noise_of

OTHER_SIZES = (16, 256, 1024)
"""Beside that of the pictures."""

_DRAWS = 60
_MASKS, _MASK_MINIBATCHES = 4, 16


def nulls_of(run: Run, network: Network, epoch: int, sizes: Sequence[int]) -> tuple[Null, ...]:
    """For the biases of the source's layers in eval mode, at every size that gives at least two minibatches."""
    tensors = bias_tensors(network, "eval")
    products = example_products(network, run.training_inputs(), run.training_targets(), parts=tensors)
    noises = {tensor: noise_of(products[tensor]) for tensor in tensors}
    found = []
    for size in sizes:
        if run.num_minibatches(size) < 2:
            continue
        measured = minibatch_agreement(
            network, *run.minibatches(size), generator=bootstrap(), mode="eval", parts=tensors
        )
        for scope, tensor in zip(BIASES, tensors, strict=True):
            num, noise = measured.num_minibatches, noises[tensor]
            random = null_agreement(products[tensor], size, bootstrap(), draws=_DRAWS, num=num, noise=noise)
            found.append(
                Null(
                    scope=scope,
                    run=run.name,
                    epoch=epoch,
                    minibatch_size=size,
                    num_minibatches=measured.num_minibatches,
                    measured_resultant=estimate_of(measured.parts[tensor].resultant),
                    random_resultant=estimate_of(random.resultant),
                    formula_resultant=random.predicted_resultant,
                    sensitivity=estimate_of(sensitivity(measured.parts[tensor], random)),
                )
            )
    return tuple(found)


def mask_splits_of(run: Run, network: Network, epoch: int) -> tuple[MaskSplit, ...]:
    """How much of the variance of the biases' gradients comes from dropout's masks, over a few minibatches."""
    tensors = [f"hidden.{layer}.linear.bias" for layer in rules.LAYERS]
    inputs_KBI, targets_KB = run.minibatches(64, _MASK_MINIBATCHES)
    found = masks_split(network, inputs_KBI, targets_KB, bootstrap(), num_masks=_MASKS, tensors=tensors)
    return tuple(
        MaskSplit(
            scope=scope,
            epoch=epoch,
            masks_share=estimate_of(found[tensor].masks_share),
            num_minibatches=found[tensor].num_minibatches,
            num_masks=found[tensor].num_masks,
        )
        for scope, tensor in zip(BIASES, tensors, strict=True)
    )
