"""The lines of all rows of a minibatch on a plane, as they are found: counted all, and kept as far as a limit goes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradviz.landscape.per_row.packing import packed
from gradviz.landscape.per_row.tracing import trace
from gradviz.landscape.request import Grid

# Shape suffixes: Y/X = grid rows/columns, B = rows of the minibatch, S = gates, L = lines, M = segments.

MAX_SEGMENTS = 2**17
"""Of one answer: 2 MB."""

RESIDUAL = "residual"

_HALF = 2**60  # ranks of residuals are below
_AT_ONCE = 2**22


@dataclass(frozen=True)
class Site:
    """What switches at one place of the forward pass: its name, and for how many units (or units and positions) of each
    row."""

    name: str
    num_units: int = 1


@dataclass(frozen=True)
class Kinks:
    """Lines on a plane: where a gate of a row switches, or a row's residual changes its sign.

    Line k belongs to `row_L[k]` (a place in the minibatch, or among the wanted rows), and is of unit `unit_L[k]` of
    `sites[site_L[k]]`; its segments are the next `length_L[k]` of `segments_M4`, (x, y) of one end and of the other in
    offsets from the checkpoint, float32. Lines are sorted by row, site and unit. `count_B` are the lines of each row,
    of which `num_left_out` of all rows together are not here. `note`: what one must know, or why there are no lines.
    """

    sites: tuple[str, ...]
    count_B: np.ndarray
    row_L: np.ndarray
    site_L: np.ndarray
    unit_L: np.ndarray
    length_L: np.ndarray
    segments_M4: np.ndarray
    num_left_out: int = 0
    note: str = ""

    @classmethod
    def none(cls, num_rows: int, why: str) -> "Kinks":
        nothing, no_segments = np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
        count_B = np.zeros(num_rows, np.int64)
        return cls((), count_B, nothing, nothing, nothing, nothing, no_segments, note=why)

    def of_row(self, row: int) -> np.ndarray:
        """The segments of a place in the minibatch, (M, 4)."""
        ends = np.concatenate([[0], np.cumsum(self.length_L)])
        first, last = np.searchsorted(self.row_L, [row, row + 1])
        return self.segments_M4[ends[first] : ends[last]]

    def to_bytes(self, **told: object) -> bytes:
        """As `packed`: the segments as float32, and (L, 3) uint32: segments, site and unit of each line. The header has
        `told`, and the number of lines that are here of each row."""
        header = told | {
            "of": "gates and residuals",
            "counts": self.count_B.tolist(),
            "lines": np.bincount(self.row_L, minlength=len(self.count_B)).tolist(),
            "sites": self.sites,
            "num_segments": len(self.segments_M4),
            "num_lines": len(self.row_L),
            "num_left_out": self.num_left_out,
            "note": self.note,
        }
        about_L3 = np.stack([self.length_L, self.site_L, self.unit_L], 1)
        return packed(header, self.segments_M4.astype("<f4"), about_L3.astype("<u4"))


class Net:
    """Collects lines, in bounded memory: where they have more than twice `limit` segments, those of the lowest ranks
    stay. A line's rank depends on its row, site and unit alone, so that it is complete or absent; residuals come first.
    """

    def __init__(self, sites: Sequence[Site], rows: range, grid: Grid, limit: int) -> None:
        """`rows`: the places in the minibatch whose lines are wanted."""
        self.sites, self.rows, self.limit = tuple(sites), rows, limit
        self._step, self._half_width = 2 * grid.half_width / (grid.points - 1), grid.half_width
        self._switches = [np.zeros((len(rows), site.num_units), bool) for site in sites]
        self._most_units = max((site.num_units for site in sites), default=1)
        self._highest = 2 * _HALF
        self._found: list[tuple[np.ndarray, np.ndarray]] = []
        self._num_found = 0

    def expect(self, lines: Sequence[tuple[int, np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        """Counts lines that switch, by site, rows (S,) and units (S,), before their values are known; returns which of
        them, (S,) bools, can stay, as each has a segment at least."""
        keys = []
        for site, rows_S, units_S in lines:
            is_wanted = self._is_wanted(rows_S)
            self._count(site, rows_S[is_wanted], units_S[is_wanted])
            keys.append(np.where(is_wanted, self._keys(site, rows_S, units_S), -1))
        ranks = [np.where(each < 0, self._highest, self._rank(each)) for each in keys]
        every = np.sort(np.concatenate([np.zeros(0, np.int64), *ranks]))
        if len(every) > self.limit:
            self._highest = min(self._highest, int(every[self.limit]))
        return [each < self._highest for each in ranks]

    def add(
        self, site: int, rows_S: np.ndarray, units_S: np.ndarray, values_YXS: np.ndarray, at: tuple[int, int] = (0, 0)
    ) -> None:
        """What gates, or residuals, depend on, on a part of the grid that begins at this grid row and column. Parts
        share the points at their borders."""
        above = values_YXS > 0
        [switching] = np.nonzero(above.any((0, 1)) & ~above.all((0, 1)) & self._is_wanted(rows_S))
        self._count(site, rows_S[switching], units_S[switching])
        keys_S = self._keys(site, rows_S[switching], units_S[switching])
        each = max(1, _AT_ONCE // (above.shape[0] * above.shape[1]))
        for start in range(0, len(switching), each):
            some = slice(start, start + each)
            is_kept = self._rank(keys_S[some]) < self._highest
            which_M, ends_M4 = trace(values_YXS[..., switching[some][is_kept]])
            ends_M4 = (ends_M4 + np.array([at[1], at[0], at[1], at[0]])) * self._step - self._half_width
            self._found.append((keys_S[some][is_kept][which_M], ends_M4.astype(np.float32)))
            self._num_found += len(which_M)
            if self._num_found > 2 * self.limit:
                self._thin()

    def kinks(self, note: str = "") -> Kinks:
        """All that was found, or that stays of it."""
        if self._num_found > self.limit:
            self._thin()
        keys_M, segments_M4 = self._joined()
        order = np.argsort(keys_M, kind="stable")
        keys_L, length_L = np.unique(keys_M, return_counts=True)
        others_L, unit_L = np.divmod(keys_L, self._most_units)
        row_L, site_L = np.divmod(others_L, max(1, len(self.sites)))
        count_B = sum((each.sum(1) for each in self._switches), start=np.zeros(len(self.rows), np.int64))
        num_left_out = int(count_B.sum()) - len(keys_L)
        names = tuple(site.name for site in self.sites)
        return Kinks(names, count_B, row_L, site_L, unit_L, length_L, segments_M4[order], num_left_out, note)

    def _is_wanted(self, rows_S: np.ndarray) -> np.ndarray:
        return (self.rows.start <= rows_S) & (rows_S < self.rows.stop)

    def _count(self, site: int, rows_S: np.ndarray, units_S: np.ndarray) -> None:
        self._switches[site][rows_S - self.rows.start, units_S] = True

    def _keys(self, site: int, rows_S: np.ndarray, units_S: np.ndarray) -> np.ndarray:
        """One number for each line, in the order of lines."""
        rows_S = rows_S.astype(np.int64) - self.rows.start
        return (rows_S * len(self.sites) + site) * self._most_units + units_S

    def _rank(self, keys_S: np.ndarray) -> np.ndarray:
        """A number for each line as if drawn, lower for residuals."""
        with np.errstate(over="ignore"):
            mixed = (keys_S.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
            mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        ranks = (mixed >> np.uint64(4)).astype(np.int64)  # below _HALF
        site = keys_S // self._most_units % len(self.sites)
        return np.where(np.isin(site, self._residuals), ranks, _HALF + ranks)

    @property
    def _residuals(self) -> list[int]:
        return [number for number, site in enumerate(self.sites) if site.name == RESIDUAL]

    def _joined(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._found:
            return np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
        keys, segments = zip(*self._found, strict=True)
        return np.concatenate(keys), np.concatenate(segments)

    def _thin(self) -> None:
        """Drops the lines of the highest ranks until the segments are within the limit."""
        keys_M, segments_M4 = self._joined()
        ranks_M = self._rank(keys_M)
        ranks, counts = np.unique(ranks_M, return_counts=True)
        num_kept = np.searchsorted(np.cumsum(counts), self.limit, side="right")
        if num_kept < len(ranks):
            self._highest = int(ranks[num_kept])
        kept_M = ranks_M < self._highest
        self._found, self._num_found = [(keys_M[kept_M], segments_M4[kept_M])], int(kept_M.sum())
