"""What every measurement is made of: frozen values that go to JSON and back, numbers with intervals, and scopes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Measured(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Estimate(Measured):
    """A number with its 95 % interval; None where there is nothing to measure (all arrows zero, a constant series)."""

    value: float | None
    low: float | None = None
    high: float | None = None


Scope = Literal["pair 1", "pair 2", "biases 1", "biases 2", "layer 1", "layer 2", "model"]
"""Of hidden layer 1 or 2 (counted from 0) the first two biases, all biases or all parameters; or every parameter. In
train mode of batch normalization before the activation, where biases have no gradient, β stands for them."""

BIASES: dict[Scope, int] = {"biases 1": 1, "biases 2": 2}
"""The scopes of all biases of one layer, with that layer."""
