"""A run that a study's recipe trained, as a training that goes on from any of its checkpoints."""

# Shape suffixes: S = steps of an epoch, B = rows of a minibatch.

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.batches import Batch, mapped, num_rows, selected
from gradviz.experiment.continuation import Moments, NotFinite, Stepping
from gradviz.experiment.files import is_there
from gradviz.experiment.model_state import copied_state, load_state
from gradviz.experiment.optimizer_state import state_shapes_of
from gradviz.experiment.optimizers import Optimizer
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.run_directory import RESUME_NAME
from gradviz.experiment.study_plans import training_of
from gradviz.experiment.study_run import StudyRun
from gradviz.experiment.study_trainer import EPOCH_SHAPE, recipe_of, rows_of
from gradviz.experiment.study_training import epoch_seed, mean_loss, minibatch_rows, train_step
from gradviz.experiment.tensor_file import TensorShape, read_tensors
from gradviz.experiment.users_code import same_randomness


class StudyContinuation:
    """`Continuation` of a run of a study with a recipe; UserError if it was recorded by the user's own loop."""

    def __init__(self, run: StudyRun, device: torch.device) -> None:
        recipe = recipe_of(run.study)
        if not is_there(run.path / RESUME_NAME):
            raise UserError(
                f"The run {run.name} was recorded by a training loop of your own, which gradviz cannot repeat: choose "
                "a run of `gradviz train --study`."
            )
        self._run, self._plan = run, training_of(run.study, run.record).plan
        self.name, self.optimizer, self.batch_size = run.name, self._plan.optimizer, self._plan.batch_size
        threads = run.record.settings.get("threads") or recipe.threads or torch.get_num_threads()
        self.threads = int(threads)
        train_rows, test_rows = rows_of(run.study, self._plan.seed)
        self._train_rows, self._test_rows = (
            mapped(rows, lambda tensor: tensor.to(device)) for rows in (train_rows, test_rows)
        )
        self.num_train = num_rows(train_rows)
        self.model = asking.made_model(run.study, run.record.arguments).to(device)
        self._device, self._stepping = device, Stepping.loaded(self.model, self.optimizer, {})
        self._draws = torch.empty(0, dtype=torch.uint8)
        self.seed_epoch(1)

    def address(self, epoch: int) -> str:
        plan = self._plan
        how = f"{plan.optimizer.label} {plan.batch_size} {plan.seed} {self.threads}"
        return f"{self._run.address(epoch)} {how}"

    def epochs(self) -> list[int]:
        return self._run.epochs()

    def state(self, epoch: int) -> dict[str, Tensor]:
        return copied_state(self._run.model(epoch))

    def saved_moments(self) -> tuple[int, dict[str, Tensor]] | None:
        try:
            tensors = read_tensors(self._run.path / RESUME_NAME, {"epoch": EPOCH_SHAPE} | dict(self.moment_shapes()))
        except UnusableFile:
            return None  # as if it were not there: the trainer would train again from epoch 0, too
        return int(tensors.pop("epoch")), tensors

    def moment_shapes(self) -> Mapping[str, TensorShape]:
        named = self.model.named_parameters()
        shapes = {name: TensorShape(each.dtype, tuple(each.shape)) for name, each in named}
        return state_shapes_of(self.optimizer, shapes)

    def minibatches(self, epoch: int) -> Tensor:
        return minibatch_rows(self.num_train, self.batch_size, self._plan.seed, epoch)

    def load(self, state: Mapping[str, Tensor], optimizer: Optimizer, moments: Moments) -> None:
        load_state(self.model, state)
        self._stepping = Stepping.loaded(self.model, optimizer, moments)

    def seed_epoch(self, epoch: int) -> None:
        self.seed_draws(epoch_seed(self._plan.seed, "masks", epoch))

    def seed_draws(self, seed: int) -> None:
        with same_randomness():
            torch.manual_seed(seed)
            self._draws = self._torch_state()

    def draws(self) -> Tensor:
        return self._draws.clone()

    def set_draws(self, state: Tensor) -> None:
        self._draws = state

    def step(self, rows_B: Tensor) -> float:
        with same_randomness():
            cpu = torch.get_rng_state().numel()
            torch.set_rng_state(self._draws[:cpu])
            if self._device.type == "cuda":
                torch.cuda.set_rng_state(self._draws[cpu:], self._device)
            value = train_step(self._plan.study, self.model, self._stepping.optimizer, self._train_rows, rows_B)
            self._draws = self._torch_state()
        if not math.isfinite(value):
            raise NotFinite(
                f"The training of {self.name} broke down: its loss became {value}. Choose a smaller `--lr`."
            )
        return value

    def batch(self, rows_B: Tensor) -> Batch:
        return selected(self._train_rows, rows_B.to(self._device))

    def drawn_at(self, rows_B: Tensor) -> int | None:
        return None  # the study brought its minibatches along, without the numbers of their rows

    def losses(self) -> tuple[float, float]:
        study = self._plan.study
        found = mean_loss(study, self.model, self._train_rows), mean_loss(study, self.model, self._test_rows)
        self.model.train()
        return found

    def moments(self) -> dict[str, Tensor]:
        return self._stepping.moments()

    def _torch_state(self) -> Tensor:
        """Of the CPU, followed by that of the GPU if it computes there."""
        states = [torch.get_rng_state()]
        if self._device.type == "cuda":
            states.append(torch.cuda.get_rng_state(self._device))
        return torch.cat(states)
