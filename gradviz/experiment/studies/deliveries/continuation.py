"""A run of deliveries as a training that goes on from any of its checkpoints."""

# Shape suffixes: S = steps of an epoch, B = rows of a minibatch, N = units of a hidden layer.

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from gradviz.experiment.continuation import Moments, NotFinite, Stepping
from gradviz.experiment.model import draw_masks
from gradviz.experiment.optimizer_state import state_shapes_of
from gradviz.experiment.optimizers import Optimizer
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.randomness import generator
from gradviz.experiment.run import Run, model_of, parameter_shapes
from gradviz.experiment.run_directory import ROWS_NAME
from gradviz.experiment.studies.deliveries.rows import MAX_MINIBATCH_SIZE
from gradviz.experiment.studies.deliveries.run_files import read_trained
from gradviz.experiment.studies.deliveries.training import evaluate, minibatch_rows, train_step
from gradviz.experiment.tensor_file import TensorShape, file_digest


class DeliveriesContinuation:
    """`Continuation` of a run of deliveries. The model is built with the run's configuration on `device`."""

    def __init__(self, run: Run, device: torch.device) -> None:
        config = run.config
        self.name, self.optimizer, self.batch_size = run.name, config.optimizer, config.batch_size
        self.threads = run.record.num_threads or torch.get_num_threads()
        self.model = model_of(config).to(device)
        self._run, self._config = run, config
        self._rows = run.rows().to(device)
        self.num_train = self._rows.num_train
        self._masks = torch.Generator()
        self._states: dict[int, Tensor] = {0: generator(config.seed, "masks").get_state()}
        self._stepping: Stepping | None = None

    def address(self, epoch: int) -> str:
        return f"{self._run.address(epoch)} {file_digest(self._run.path / ROWS_NAME)} {self.threads}"

    def epochs(self) -> list[int]:
        return self._run.epochs()

    def state(self, epoch: int) -> dict[str, Tensor]:
        return dict(self._run.model(epoch).state_dict())

    def saved_moments(self) -> tuple[int, dict[str, Tensor]] | None:
        try:
            trained = read_trained(self._run.path, self._config)
        except UnusableFile:
            return None  # as if it were not there: the trainer would train again from epoch 0, too
        return None if trained is None else (trained.resume.epoch, trained.resume.optimizer)

    def moment_shapes(self) -> Mapping[str, TensorShape]:
        return state_shapes_of(self.optimizer, parameter_shapes(self._config))

    def minibatches(self, epoch: int) -> Tensor:
        order = generator(self._config.seed, "order")
        for _ in range(1, epoch):
            torch.randperm(self.num_train, generator=order)
        return minibatch_rows(self.num_train, self.batch_size, order)

    def load(self, state: Mapping[str, Tensor], optimizer: Optimizer, moments: Moments) -> None:
        self.model.load_state_dict(state)
        self._stepping = Stepping.loaded(self.model, optimizer, moments)

    def seed_epoch(self, epoch: int) -> None:
        if not self._config.regularizer.draws_masks:
            return
        # The run draws all its masks from one stream, so that those of the epochs before are drawn and thrown away.
        known = max(each for each in self._states if each < epoch)
        self._masks.set_state(self._states[known])
        steps, rows = (len(self.minibatches(1)), min(self.batch_size, self.num_train))
        for past in range(known + 1, epoch):
            for _ in range(steps):
                draw_masks(self._config.regularizer, self._config.hidden, rows, self._masks)
            self._states[past] = self._masks.get_state()

    def seed_draws(self, seed: int) -> None:
        self._masks.manual_seed(seed)

    def draws(self) -> Tensor:
        return self._masks.get_state()

    def set_draws(self, state: Tensor) -> None:
        self._masks.set_state(state)

    def step(self, rows_B: Tensor) -> float:
        assert self._stepping is not None, "`load` comes first"
        chosen_B = self._rows.train_rows[rows_B.to(self._rows.train_rows.device)]
        optimizer = self._stepping.optimizer
        value = train_step(self._config, self.model, optimizer, self._masks, self._rows, chosen_B)
        if not math.isfinite(value):
            raise NotFinite(
                f"The training of {self.name} broke down: its loss became {value}. Choose a smaller `--lr`."
            )
        return value

    def batch(self, rows_B: Tensor) -> tuple[Tensor, Tensor]:
        chosen_B = self._rows.train_rows[rows_B.to(self._rows.train_rows.device)]
        return self._rows.inputs(chosen_B), self._rows.targets_R[chosen_B]

    def drawn_at(self, rows_B: Tensor) -> int | None:
        size, wanted_B = len(rows_B), self._rows.train_rows[rows_B.to(self._rows.train_rows.device)].sort().values
        if size > MAX_MINIBATCH_SIZE:
            return None
        each = (self._rows.minibatch(k, size, self._config.seed) for k in range(self._rows.num_minibatches(size)))
        return next((k for k, one in enumerate(each) if torch.equal(one.rows_B.sort().values, wanted_B)), None)

    def losses(self) -> tuple[float, float]:
        train_loss, test_loss, _, _ = evaluate(self.model, self._rows)
        self.model.train()
        return train_loss, test_loss

    def moments(self) -> dict[str, Tensor]:
        assert self._stepping is not None, "`load` comes first"
        return self._stepping.moments()
