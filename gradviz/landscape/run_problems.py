"""A checkpoint of a study's run with each of its minibatches, as problems."""

import torch

from gradviz.experiment.batches import mapped
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.request import Masks, Mode


def problems_of_run(
    run: StudyRun,
    epoch: int,
    device: torch.device,
    *,
    mode: Mode,
    masks: Masks = "fresh",
    num_masks: int = 1,
    seed: int = 0,
) -> list[Problem]:
    """One for each of the run's minibatches, all of one model; UserError if the checkpoint is missing or the study is
    not loaded."""
    model, loss = run.model(epoch).to(device), run.study.loss
    own = {"mode": mode, "masks": masks, "num_masks": num_masks, "seed": seed}
    return [Problem(model, loss, mapped(batch, lambda tensor: tensor.to(device)), **own) for batch in run.minibatches()]
