"""Optimizers: Adam, AdamW, or SGD with momentum. A new one is one new value here."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from gradviz.experiment.tagged import kind_of, parsed, tag_of


class Optimizer(BaseModel):
    """The base of all. `kind` identifies each in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    torch_name: ClassVar[str]
    """Its class in `torch.optim`."""

    kind: str
    learning_rate: float = Field(default=3e-4, gt=0.0)

    def __str__(self) -> str:
        return tag_of(self)

    @property
    def label(self) -> str:
        """Its name and settings, for people."""
        settings = {"learning_rate": self.learning_rate, **self._own_settings()}
        return ", ".join([self.torch_name, *(f"{key.replace('_', ' ')} {value:g}" for key, value in settings.items())])

    def arguments(self) -> dict[str, object]:
        """Arguments of its torch class. `fused` updates all parameters at once: the same numbers in less time."""
        return {"lr": self.learning_rate, "fused": True, **self._own_settings()}

    def _own_settings(self) -> dict[str, float]:
        """The fields that not every optimizer has, under torch's names."""
        return {key: getattr(self, key) for key in type(self).model_fields if key not in Optimizer.model_fields}


class Adam(Optimizer):
    """Kingma & Ba (2015)."""

    torch_name = "Adam"

    kind: Literal["adam"] = "adam"


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    torch_name = "AdamW"

    kind: Literal["adamw"] = "adamw"
    weight_decay: float = Field(default=0.01, ge=0.0, le=1e3)


class SGD(Optimizer):
    """Stochastic gradient descent with torch's momentum: v ← momentum · v + gradient, θ ← θ - rate · v."""

    torch_name = "SGD"

    kind: Literal["sgd"] = "sgd"
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0)


OPTIMIZERS: dict[str, type[Optimizer]] = {kind_of(each): each for each in (Adam, AdamW, SGD)}
"""All kinds."""


def optimizer_of(value: object) -> Optimizer:
    """From an optimizer, its JSON, or a text: a kind, with its setting in brackets if it is not the default, such as
    `sgd(0.5)`. ValueError lists the kinds."""
    return parsed("optimizer", value, Optimizer, OPTIMIZERS)


AnyOptimizer = Annotated[SerializeAsAny[Optimizer], BeforeValidator(optimizer_of)]


def with_rate(optimizer: Optimizer, learning_rate: object) -> Optimizer:
    """The optimizer with this learning rate; pydantic's error for an invalid one."""
    return type(optimizer).model_validate(dict(optimizer) | {"learning_rate": learning_rate})


FLAT_KEYS = ("learning_rate",)


def from_flat(values: Mapping[str, Any]) -> Optimizer:
    """The optimizer of version 0.1's key `learning_rate`, which had only Adam."""
    return Adam.model_validate({name: values[name] for name in FLAT_KEYS if name in values})


def to_flat(optimizer: Optimizer) -> dict[str, object] | None:
    """That key for an optimizer of version 0.1, None for others."""
    return {"learning_rate": optimizer.learning_rate} if type(optimizer) is Adam else None
