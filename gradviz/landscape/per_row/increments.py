"""A composed minibatch's field by sums: putting a row in or taking one out costs one addition for each point."""

from collections.abc import Sequence

import numpy as np

from gradviz.errors import UserError
from gradviz.landscape.per_row.fields import RowFields, check_alone

# Shape suffixes: X/Y = grid columns/rows.


class Increments:
    """The mean over rows that come and go, each named by its fields and its place in them.

    Sums in float64, from which a row that leaves is subtracted: after 1,000 exchanges the mean is still that from
    scratch to about 1e-13 of the largest number that was ever in it. `UserError` where rows are coupled, or have masks
    of their places.
    """

    def __init__(self, fields: RowFields, rows: Sequence[int] | None = None) -> None:
        self._sums_3YX = np.zeros((3, len(fields.y), len(fields.x)))
        self._grid = fields.x, fields.y
        self._count = 0
        for row in range(len(fields)) if rows is None else rows:
            self.add(fields, row)
        if not self._count:
            raise UserError("A minibatch needs at least one row.")

    def __len__(self) -> int:
        """The number of rows."""
        return self._count

    def add(self, fields: RowFields, row: int) -> None:
        """Puts one more row in."""
        self._sums_3YX += self._own(fields, row)
        self._count += 1

    def remove(self, fields: RowFields, row: int) -> None:
        """Takes out a row that is in; `UserError` if it would be the last."""
        if self._count == 1:
            raise UserError("A minibatch needs at least one row: put another one in before this one is taken out.")
        self._sums_3YX -= self._own(fields, row)
        self._count -= 1

    def exchange(self, out: tuple[RowFields, int], by: tuple[RowFields, int]) -> None:
        """Takes one row out and puts another one in."""
        self._sums_3YX += self._own(*by) - self._own(*out)

    def mean(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """u, v and loss, (Y, X) float64."""
        u, v, loss = self._sums_3YX / self._count
        return u, v, loss

    def _own(self, fields: RowFields, row: int) -> np.ndarray:
        check_alone((fields.coupled, fields.has_masks))
        if not all(np.array_equal(ours, theirs) for ours, theirs in zip(self._grid, (fields.x, fields.y), strict=True)):
            raise UserError("These rows' fields are on another grid: compute them on the same plane.")
        if not 0 <= row < len(fields):
            raise UserError(f"`row` must be a place in [0, {len(fields) - 1}], got {row}.")
        each = (fields.u_BYX, fields.v_BYX, fields.loss_BYX)
        return np.stack([own_BYX[row] for own_BYX in each]).astype(np.float64)
