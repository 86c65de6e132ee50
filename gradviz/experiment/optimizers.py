"""How the parameters follow their gradients: Adam, AdamW, or SGD with momentum. A new one is one new value here."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from gradviz.experiment.tagged import kind_of, parsed, tag_of


class Optimizer(BaseModel):
    """The base of all. `kind` tells one from another in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    torch_name: ClassVar[str]
    """Its class in `torch.optim`."""

    kind: str
    learning_rate: float = Field(default=3e-4, gt=0.0)

    def __str__(self) -> str:
        return tag_of(self)

    @property
    def label(self) -> str:
        """For people: what it is, with its settings."""
        return f"{self.torch_name}, learning rate {self.learning_rate:g}"

    def arguments(self) -> dict[str, object]:
        """Those of its class in torch. `fused` goes through all parameters at once: the same numbers in less time."""
        return {"lr": self.learning_rate, "fused": True}


class Adam(Optimizer):
    """Kingma & Ba (2015)."""

    torch_name = "Adam"

    kind: Literal["adam"] = "adam"


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019)."""

    torch_name = "AdamW"

    kind: Literal["adamw"] = "adamw"
    weight_decay: float = Field(default=0.01, ge=0.0, le=1e3)

    @property
    def label(self) -> str:
        return f"{super().label}, weight decay {self.weight_decay:g}"

    def arguments(self) -> dict[str, object]:
        return super().arguments() | {"weight_decay": self.weight_decay}


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum as torch has it: v ← momentum · v + gradient, θ ← θ - rate · v."""

    torch_name = "SGD"

    kind: Literal["sgd"] = "sgd"
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0)

    @property
    def label(self) -> str:
        return f"{super().label}, momentum {self.momentum:g}"

    def arguments(self) -> dict[str, object]:
        return super().arguments() | {"momentum": self.momentum}


OPTIMIZERS: dict[str, type[Optimizer]] = {kind_of(each): each for each in (Adam, AdamW, SGD)}
"""Every kind there is."""


def optimizer_of(value: object) -> Optimizer:
    """From a value of itself, its JSON, or a text: a kind, with its setting in brackets if it is another than the usual
    one, such as `sgd(0.5)`. ValueError says what there is."""
    return parsed("optimizer", value, Optimizer, OPTIMIZERS)


AnyOptimizer = Annotated[SerializeAsAny[Optimizer], BeforeValidator(optimizer_of)]


def with_rate(optimizer: Optimizer, learning_rate: object) -> Optimizer:
    """With this learning rate; pydantic's error if it cannot be one."""
    return type(optimizer).model_validate(dict(optimizer) | {"learning_rate": learning_rate})


def from_flat(values: Mapping[str, Any]) -> Optimizer:
    """What the key `learning_rate` of version 0.1 says, which knew Adam alone."""
    return Adam.model_validate({name: values[name] for name in ("learning_rate",) if name in values})


def to_flat(optimizer: Optimizer) -> dict[str, object] | None:
    """That key, for what version 0.1 knew; None for what it did not."""
    return {"learning_rate": optimizer.learning_rate} if type(optimizer) is Adam else None
