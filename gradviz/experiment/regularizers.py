"""What keeps a network from overfitting: nothing, dropout, or batch normalization. A new one is one new value here.

A regularizer says of itself what it is called, which noise it draws for each hidden layer in train mode and how that
acts on an activation, and whether and where it normalizes by the statistics of a minibatch. Nobody else asks which one
it is: whoever needs to know what a run can do asks its capabilities.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, get_args

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from gradviz.experiment.tagged import kind_of, parsed, tag_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NormPlacement = Literal["before", "after"]
NORM_PLACEMENTS: tuple[NormPlacement, ...] = get_args(NormPlacement)
_Factor = TypeVar("_Factor", "Tensor", np.ndarray)


class Regularizer(BaseModel):
    """The base of all: none of these things. `kind` tells one from another in a file; the fields are its strength."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run_name: ClassVar[str]
    """What a run of it is called unless the user names it."""
    title: ClassVar[str]
    """What people call it."""

    kind: str

    def __str__(self) -> str:
        return tag_of(self)

    @property
    def label(self) -> str:
        """Its title, with its strength where that is not the usual one."""
        return self.title

    @property
    def draws_masks(self) -> bool:
        """Whether train mode multiplies the activations of each hidden layer by something random."""
        return False

    @property
    def has_batch_statistics(self) -> bool:
        """Whether train mode normalizes each hidden layer by the mean and variance of the minibatch."""
        return False

    @property
    def norm_after(self) -> bool:
        """Whether it normalizes after the ReLU instead of before it, if it does at all."""
        return False

    def draw(self, blank_BN: "Tensor", generator: "torch.Generator") -> "Tensor":
        """The mask of one hidden layer, drawn into `blank_BN` from `generator`."""
        raise NotImplementedError(f"{self.kind} draws masks and does not say how.")

    def drawn_by_number(self, seed: int, number: int, sizes: Sequence[int]) -> list[np.ndarray] | None:
        """The masks of all hidden layers, of `sizes` numbers each, as a function of `seed` and `number` alone.

        None: as `draw` draws them, from a generator that the two seed. Where one set is drawn for each point of a grid,
        a faster way is worth its lines.
        """
        return None

    def acted(self, activation: "Tensor", mask: "Tensor") -> "Tensor":
        """The activation under a mask: a multiple of it that depends on the mask alone."""
        raise NotImplementedError(f"{self.kind} draws masks and does not say how they act.")

    def squares_acted(self, squares: "Tensor") -> "Tensor":
        """`squares` times the mean square of that multiple."""
        raise NotImplementedError(f"{self.kind} draws masks and does not say how large they are.")


class Plain(Regularizer):
    """No regularizer."""

    run_name, title = "none", "None"

    kind: Literal["plain"] = "plain"


class Dropout(Regularizer):
    """Each unit of a hidden layer is switched off with probability `p` in train mode (Srivastava et al. 2014).

    What is left is divided by 1 - p, so that eval mode, which switches nothing off, sees the same mean.
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

    def draw(self, blank_BN: "Tensor", generator: "torch.Generator") -> "Tensor":
        """0/1 of the dtype of `blank_BN`; each unit is kept with probability 1 - p."""
        return blank_BN.bernoulli_(1.0 - self.p, generator=generator)

    def drawn_by_number(self, seed: int, number: int, sizes: Sequence[int]) -> list[np.ndarray]:
        """Bools; a unit is kept with probability 1 - p to within 2^-17.

        The comparison is made on 16 random bits, which is what makes a fresh set at every grid point affordable. The
        stream is SFC64 seeded with (seed, number), which numpy promises not to change.
        """
        raw = np.random.SFC64((seed, number)).random_raw((sum(sizes) + 3) // 4).view(np.uint16)
        kept = raw >= round(self.p * 2**16)
        return np.split(kept[: sum(sizes)], np.cumsum(sizes)[:-1])

    def acted(self, activation: "Tensor", mask: "Tensor") -> "Tensor":
        return activation * mask / (1.0 - self.p)

    def squares_acted(self, squares: "Tensor") -> "Tensor":
        return squares / (1.0 - self.p)


class BatchNormalization(Regularizer):
    """Each hidden layer is normalized over the minibatch (Ioffe & Szegedy 2015), before or after its ReLU."""

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
"""Every kind there is, in the order in which runs are listed."""

DEFAULT_LABELS = {each.run_name: each.title for each in REGULARIZERS.values()}
DEFAULT_NAMES = tuple(DEFAULT_LABELS)
"""The runs that are trained unless others are asked for."""


def regularizer_of(value: object) -> Regularizer:
    """From a value of itself, its JSON, or a text: a kind or the name of its run, with its strength in brackets if it
    is another than the usual one, such as `dropout(0.5)`. ValueError says what there is."""
    names = {each.run_name: kind for kind, each in REGULARIZERS.items()}
    return parsed("regularizer", value, Regularizer, REGULARIZERS, names)


AnyRegularizer = Annotated[SerializeAsAny[Regularizer], BeforeValidator(regularizer_of)]


def rank(regularizer: Regularizer) -> int:
    """Its place in the order of the kinds."""
    return list(REGULARIZERS).index(regularizer.kind)


def placed(regularizer: Regularizer, placement: object) -> Regularizer:
    """With its normalization at this place, if it has one and a place is given."""
    if placement is None or not regularizer.has_batch_statistics:
        return regularizer
    if placement not in NORM_PLACEMENTS:
        raise ValueError(f"`norm_placement` must be one of {', '.join(NORM_PLACEMENTS)}, got {placement!r}.")
    return type(regularizer).model_validate(dict(regularizer) | {"placement": placement})


def from_flat(values: Mapping[str, Any]) -> Regularizer:
    """What the keys `variant`, `dropout` and `norm_placement` of version 0.1 say."""
    settings = {"p": values.get("dropout"), "placement": values.get("norm_placement")}
    kind = type(regularizer_of(values.get("variant", Plain.run_name)))
    own = {name: value for name, value in settings.items() if name in kind.model_fields and value is not None}
    return kind.model_validate(own)


def to_flat(regularizer: Regularizer) -> dict[str, object] | None:
    """Those keys, for what version 0.1 knew; None for what it did not."""
    if type(regularizer) not in (Plain, Dropout, BatchNormalization):
        return None
    return {
        "variant": regularizer.run_name,
        "dropout": getattr(regularizer, "p", Dropout().p),
        "norm_placement": getattr(regularizer, "placement", BatchNormalization().placement),
    }
