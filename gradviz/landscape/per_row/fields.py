"""The fields of all rows of a minibatch as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradviz.errors import UserError
from gradviz.landscape.request import MAX_MINIBATCH_SIZE

# Shape suffixes: B = rows of the minibatch, X/Y = grid columns/rows.

MAX_NUMBERS = 2**25
"""Of u, v and loss together: 128 MiB in float32."""


@dataclass(frozen=True, eq=False)
class RowFields:
    """The loss of each row and its derivatives by two parameters, on a grid of their values.

    `x` (X,), `y` (Y,) as in a `GradientField`; `u_BYX` = ∂ℓ_b/∂x, `v_BYX` = ∂ℓ_b/∂y and `loss_BYX` = ℓ_b. The
    minibatch's field is their mean over b, to rounding. Where rows are `coupled`, as by batch statistics, an entry is
    the derivative of row b's *own* loss while all rows move the statistics: the mean still holds, and a row's entry
    changes with the other rows. With `has_masks` they are those of row b's place in the minibatch.

    A row's numbers may cancel those of others: where the minibatch's arrow is zero, and why, its field says.
    `method` computed them; `passed_over` says for each quicker one why it was not used.
    """

    x: np.ndarray
    y: np.ndarray
    u_BYX: np.ndarray
    v_BYX: np.ndarray
    loss_BYX: np.ndarray
    coupled: bool = False
    has_masks: bool = False
    method: str = "engine"
    passed_over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.u_BYX), len(self.y), len(self.x))
        assert all(each.shape == shape for each in (self.u_BYX, self.v_BYX, self.loss_BYX))

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.u_BYX)

    def mean(self, rows: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """u, v and loss (Y, X) in float64, the mean over all rows or over these, by their places: the field of a
        minibatch of these rows. `UserError` for some of the rows where they are coupled or have masks."""
        places = list(range(len(self)) if rows is None else rows)
        if not places:
            raise UserError("A mean needs at least one row.")
        if not all(0 <= place < len(self) for place in places):
            raise UserError(f"Rows must be places in [0, {len(self) - 1}], got {shown_places(places)}.")
        if sorted(places) != list(range(len(self))):
            check_alone((self.coupled, self.has_masks))
        u, v, loss = (each[places].mean(0, dtype=np.float64) for each in (self.u_BYX, self.v_BYX, self.loss_BYX))
        return u, v, loss


COUPLED = (
    "The rows depend on each other, as with batch statistics: a row's numbers change with the others, so compute the"
    " landscape of the composed minibatch instead."
)


MASKS = (
    "The masks belong to places of the minibatch, so a row has other numbers at another place: compute the landscape of"
    " the composed minibatch instead."
)


def check_alone(dependence: tuple[bool, bool]) -> None:
    """`UserError` unless rows have the same numbers beside any others, and at any place: `coupled` and `has_masks`."""
    coupled, has_masks = dependence
    if coupled or has_masks:
        raise UserError(COUPLED if coupled else MASKS)


def check_numbers(num_rows: int, points: int, most: int = MAX_NUMBERS, each: int = 3) -> None:
    """`UserError` unless so many rows on a grid of `points` a side have at most `most` numbers, `each` at a point."""
    if num_rows > MAX_MINIBATCH_SIZE:
        raise UserError(f"Fields of rows take at most {MAX_MINIBATCH_SIZE:,} rows, got {num_rows:,}: choose some.")
    numbers = each * num_rows * points**2
    if numbers > most:
        raise UserError(
            f"The fields of {num_rows:,} rows on {points} × {points} points are {numbers:,} numbers, and at most"
            f" {most:,} are given: choose fewer points or rows."
        )


def shown_places(places: Sequence[int]) -> str:
    return ", ".join(map(str, places[:8])) + (", …" if len(places) > 8 else "")
