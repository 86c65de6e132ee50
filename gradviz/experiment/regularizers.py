"""Regularizers: none, dropout, or batch normalization. A new one is one new value here.

A regularizer defines its name, which masks it draws for each hidden layer in train mode and how they act on an
activation, and whether and where it normalizes with the statistics of a minibatch. Other code never checks which one it
is, but asks the capabilities of a run.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, get_args

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from gradviz.experiment.keep_masks import KeepStream
from gradviz.experiment.tagged import kind_of, parsed, tag_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NormPlacement = Literal["before", "after"]
NORM_PLACEMENTS: tuple[NormPlacement, ...] = get_args(NormPlacement)
_Factor = TypeVar("_Factor", "Tensor", np.ndarray)


class Regularizer(BaseModel):
    """The base of all, without any effect. `kind` identifies each in a file; the fields are its strength."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run_name: ClassVar[str]
    """The default name of its runs."""
    title: ClassVar[str]
    """Its name for people."""

    kind: str

    def __str__(self) -> str:
        return tag_of(self)

    @property
    def label(self) -> str:
        """Its title, with its strength if that is not the default."""
        return self.title

    @property
    def draws_masks(self) -> bool:
        """Whether train mode multiplies the activations of each hidden layer by random masks."""
        return False

    @property
    def has_batch_statistics(self) -> bool:
        """Whether train mode normalizes each hidden layer with the mean and variance of the minibatch."""
        return False

    @property
    def norm_after(self) -> bool:
        """Whether it normalizes after the ReLU instead of before it, if at all."""
        return False

    def draw(self, blank_BN: "Tensor", generator: "torch.Generator | None") -> "Tensor":
        """The mask of one hidden layer, drawn into `blank_BN` from `generator` (None: torch's own)."""
        raise NotImplementedError(f"{self.kind} draws masks but does not define how.")

    def drawn_by_number(self, seed: int, number: int, sizes: Sequence[int]) -> list[np.ndarray] | None:
        """The masks of all hidden layers, of `sizes` numbers each, as a function of only `seed` and `number`.

        None: use `draw` with a generator seeded by the two. A faster way pays off if each point of a grid draws a set.
        """
        return None

    def acted(self, activation: "Tensor", mask: "Tensor") -> "Tensor":
        """The activation under a mask: a multiple of it that depends only on the mask."""
        raise NotImplementedError(f"{self.kind} draws masks but does not define how they act.")

    def squares_acted(self, squares: "Tensor") -> "Tensor":
        """`squares` times the mean square of that multiple."""
        raise NotImplementedError(f"{self.kind} draws masks but does not define their size.")


class Plain(Regularizer):
    """No regularizer."""

    run_name, title = "none", "None"

    kind: Literal["plain"] = "plain"


class Dropout(Regularizer):
    """Switches each unit of a hidden layer off with probability `p` in train mode (Srivastava et al. 2014).

    It divides the rest by 1 - p, so that eval mode, which switches no unit off, has the same mean.
    """

    run_name, title = "dropout", "Dropout"

    kind: Literal["dropout"] = "dropout"
    p: float = Field(default=0.3, ge=0.0, lt=1.0)

    @property
    def label(self) -> str:
        return self.title if self == Dropout() else f"{self.title} {self.p:g}"

    @property
    def draws_masks(self) -> bool:
        return self.p > 0

    def draw(self, blank_BN: "Tensor", generator: "torch.Generator | None") -> "Tensor":
        """0/1 of the dtype of `blank_BN`; each unit is kept with probability 1 - p."""
        return blank_BN.bernoulli_(1.0 - self.p, generator=generator)

    def drawn_by_number(self, seed: int, number: int, sizes: Sequence[int]) -> list[np.ndarray]:
        """Bools; a unit is kept with probability 1 - p to within 2^-17.

        It compares 16 random bits, which makes a fresh set at every grid point affordable.
        """
        return np.split(KeepStream(seed, number).kept(0, sum(sizes), self.p), np.cumsum(sizes)[:-1])

    def acted(self, activation: "Tensor", mask: "Tensor") -> "Tensor":
        return activation * mask / (1.0 - self.p)

    def squares_acted(self, squares: "Tensor") -> "Tensor":
        return squares / (1.0 - self.p)


class BatchNormalization(Regularizer):
    """Normalizes each hidden layer over the minibatch (Ioffe & Szegedy 2015), before or after its ReLU."""

    run_name, title = "batchnorm", "BatchNorm"

    kind: Literal["batchnorm"] = "batchnorm"
    placement: NormPlacement = "before"

    @property
    def label(self) -> str:
        return self.title if self == BatchNormalization() else f"{self.title} {self.placement} ReLU"

    @property
    def has_batch_statistics(self) -> bool:
        return True

    @property
    def norm_after(self) -> bool:
        return self.placement == "after"


REGULARIZERS: dict[str, type[Regularizer]] = {kind_of(each): each for each in (Plain, Dropout, BatchNormalization)}
"""All kinds, in the order of the lists of runs."""

DEFAULT_LABELS = {each.run_name: each.title for each in REGULARIZERS.values()}
DEFAULT_NAMES = tuple(DEFAULT_LABELS)
"""The runs to train by default."""


def regularizer_of(value: object) -> Regularizer:
    """From a regularizer, its JSON, or a text: a kind or the name of its run, with its strength in brackets if it is
    not the default, such as `dropout(0.5)`. ValueError lists the kinds."""
    names = {each.run_name: kind for kind, each in REGULARIZERS.items()}
    return parsed("regularizer", value, Regularizer, REGULARIZERS, names)


AnyRegularizer = Annotated[SerializeAsAny[Regularizer], BeforeValidator(regularizer_of)]


def rank(regularizer: Regularizer) -> int:
    """Its place in the order of the kinds."""
    return list(REGULARIZERS).index(regularizer.kind)


def placed(regularizer: Regularizer, placement: object) -> Regularizer:
    """The regularizer with its normalization at this place, if it normalizes and a place is given."""
    if placement is None or not regularizer.has_batch_statistics:
        return regularizer
    if placement not in NORM_PLACEMENTS:
        raise ValueError(f"`norm_placement` must be one of {', '.join(NORM_PLACEMENTS)}, got {placement!r}.")
    return type(regularizer).model_validate(dict(regularizer) | {"placement": placement})


def dropping(regularizer: Regularizer, p: float | None) -> Regularizer:
    """The regularizer with this share of units switched off, if it switches off any and a share is given."""
    if p is None:
        return regularizer
    if not 0.0 <= p < 1.0:
        raise ValueError(f"`dropout` must be in [0, 1), got {p}: it is the share of units switched off.")
    return Dropout(p=p) if isinstance(regularizer, Dropout) else regularizer


FLAT_KEYS = ("variant", "dropout", "norm_placement")


def from_flat(values: Mapping[str, Any]) -> Regularizer:
    """The regularizer of version 0.1's keys `variant`, `dropout` and `norm_placement`."""
    settings = {"p": values.get("dropout"), "placement": values.get("norm_placement")}
    kind = type(regularizer_of(values.get("variant", Plain.run_name)))
    own = {name: value for name, value in settings.items() if name in kind.model_fields and value is not None}
    return kind.model_validate(own)


def to_flat(regularizer: Regularizer) -> dict[str, object] | None:
    """Those keys for a regularizer of version 0.1, None for others."""
    if type(regularizer) not in (Plain, Dropout, BatchNormalization):
        return None
    return {
        "variant": regularizer.run_name,
        "dropout": getattr(regularizer, "p", Dropout().p),
        "norm_placement": getattr(regularizer, "placement", BatchNormalization().placement),
    }
