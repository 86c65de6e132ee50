"""What a minibatch's gradient, and its agreement with the others, would be without one of its rows.

G is the mean gradient of the minibatch's B rows, G'_b that of all but row b, and D_b = G'_b - G. Where rows do not
depend on each other, D_b = (G - g_b) / (B - 1), g_b the row's own gradient. With T = Σ G_l / |G_l| over the other
minibatches l whose gradient is not zero, L of them, the mean resultant length is (agreement.py)

    R = |T + G / |G|| / (L + 1),

and without row b the same of G'_b. All follows from inner products: those of the rows with each other, and with T.

Rows whose gradients have the most negative inner products are the "opposing signals" of Rosenfeld & Risteski, "Outliers
with Opposing Signals Have an Outsized Effect on Neural Network Optimization" (2023).
"""

from dataclasses import dataclass

import numpy as np

from gradviz.errors import UserError

# Shape suffixes: B = rows of the minibatch, M = the other minibatches and then it.

MOST_PAIRS = 20
ROUND_OFF = 1e-6
"""Of the root mean square of the rows' gradients over √B: a mean below it is round-off (8 ε of float32)."""
MOST_RECOMPUTED = 64
"""Rows of a minibatch that is computed again without each of them, because they have no gradients of their own."""
MOST_ROWS_AND_SETS = 2**13
"""Rows of a minibatch times sets of masks: what the layers take and give is held for all of them, 28 kB each in the
full-size network, and twice that in float64."""
_PARALLEL = 1e-14
"""Of a squared length: what lies across a gradient and is less is round-off of inner products in float64."""

ONE_ROW = "A minibatch of one row has nothing left without it: choose one of at least 2 rows."


class CannotTell(UserError):
    """What is asked of rows cannot be told where it is asked; the message is the reason."""


@dataclass(frozen=True, eq=False)
class LeftOut:
    """|G|², ⟨G, T⟩, |T|² and L; and for each row |D_b|², ⟨D_b, G⟩, ⟨D_b, T⟩ and how far D_b leads across G: with a
    sign, counterclockwise, in the plane of two parameters. A gradient not longer than `round_off` is zero."""

    square: float
    along: float
    others: float
    num_others: int
    squares_B: np.ndarray
    with_B: np.ndarray
    along_B: np.ndarray
    across_B: np.ndarray
    round_off: float


@dataclass(frozen=True)
class Opposing:
    """Two rows of a minibatch by their places in it, the inner product of their gradients and the cosine."""

    first: int
    second: int
    product: float
    cosine: float


@dataclass(frozen=True, eq=False)
class Influence:
    """Of each row (B,) float64, if it is left out: by how much R changes, by how many degrees the gradient turns
    (counterclockwise by two parameters, else without sign), and by what part of its length it becomes longer; nan where
    that is not defined, because a gradient is zero or no two are left.

    `resultant` is R with all rows, over the `num_minibatches` whose gradients are not zero, None if these are fewer
    than two; `length` is |G|. Where rows have gradients of their own: `lengths_B`; `shares_B`, what each adds to G
    along it, which sum to 1 (None if G is zero); and the pairs of rows that oppose each other most. Else None.
    """

    resultant: float | None
    num_minibatches: int
    length: float
    resultant_change_B: np.ndarray
    turn_B: np.ndarray
    length_change_B: np.ndarray
    lengths_B: np.ndarray | None = None
    shares_B: np.ndarray | None = None
    opposing: tuple[Opposing, ...] | None = None

    @property
    def is_recomputed(self) -> bool:
        """Whether the minibatch was computed again without each of its rows: these have no gradients of their own."""
        return self.lengths_B is None


def influence_of_rows(
    gram_BB: np.ndarray, along_B: np.ndarray, others: float, num_others: int, crosses_B: np.ndarray | None = None
) -> Influence:
    """From the inner products of the rows' gradients with each other, those with T, |T|² and L; `crosses_B` are the
    cross products G × g_b in a plane of two parameters. All in float64, of at least two rows.
    """
    num_rows = len(gram_BB)
    own_B, squares_B = gram_BB.mean(1), gram_BB.diagonal()
    square = float(max(0.0, own_B.mean()))
    left = num_rows - 1
    across_B = _across(square, own_B, squares_B, None if crosses_B is None else -crosses_B)
    found = LeftOut(
        square,
        float(along_B.mean()),
        others,
        num_others,
        (square - 2 * own_B + squares_B) / left**2,
        (square - own_B) / left,
        (along_B.mean() - along_B) / left,
        across_B / left,
        round_off(squares_B),
    )
    shares_B = own_B / (num_rows * square) if _length_of(gram_BB) else None
    return influence_of(found, np.sqrt(squares_B), shares_B, opposing_pairs(gram_BB))


def influence_of_steps(
    square: float,
    along: float,
    others: float,
    num_others: int,
    squares_B: np.ndarray,
    with_B: np.ndarray,
    along_B: np.ndarray,
    crosses_B: np.ndarray | None = None,
) -> Influence:
    """From inner products of gradients in which what is zero is exactly 0: |G|², ⟨G, T⟩, |T|² and L, and for each row
    |D_b|², ⟨D_b, G⟩ and ⟨D_b, T⟩; `crosses_B` are the cross products G × D_b. Float64.
    """
    across_B = _across(square, with_B, squares_B, crosses_B)
    least = ROUND_OFF * float(np.sqrt(squares_B.mean()))
    return influence_of(LeftOut(square, along, others, num_others, squares_B, with_B, along_B, across_B, least))


def _across(square: float, with_B: np.ndarray, squares_B: np.ndarray, crosses_B: np.ndarray | None) -> np.ndarray:
    """(B,): how far vectors lead across G, from |G|², their inner products with G and their squared lengths; with a
    sign from the cross products G × each, if these are given."""
    if crosses_B is not None:
        return crosses_B / np.sqrt(square) if square > 0 else np.zeros(len(squares_B))
    parts_B = squares_B - with_B**2 / square if square > 0 else squares_B
    return np.sqrt(np.where(parts_B > _PARALLEL * squares_B, parts_B, 0.0))


def influence_of(
    left_out: LeftOut,
    lengths_B: np.ndarray | None = None,
    shares_B: np.ndarray | None = None,
    opposing: tuple[Opposing, ...] | None = None,
) -> Influence:
    """The influence from what is known of the minibatch without each row."""
    of = left_out
    length, others = np.sqrt(of.square), max(0.0, of.others)
    lengths_left_B = np.sqrt((of.square + 2 * of.with_B + of.squares_B).clip(0))
    is_left_B = lengths_left_B > of.round_off
    nothing_B = np.full(len(of.with_B), np.nan)
    without = np.sqrt(others) / of.num_others if of.num_others > 1 else np.nan  # only the others have a direction

    def resultant(cosine: np.ndarray | float) -> np.ndarray:
        """Of the others and a gradient whose inner product with T is this times its length."""
        total = np.sqrt(np.maximum(0.0, others + 2 * np.asarray(cosine) + 1))
        return total / (of.num_others + 1) if of.num_others else np.full_like(total, np.nan)

    if length > of.round_off:
        before = float(resultant(of.along / length))
        forward_B = length + of.with_B / length
        turn_B = np.degrees(np.arctan2(of.across_B, forward_B))
        turn_B = np.where(is_left_B, turn_B, np.nan)
        length_change_B = np.where(is_left_B, lengths_left_B, 0.0) / length - 1
    else:
        length, before, turn_B, length_change_B = 0.0, without, nothing_B, nothing_B
    cosines_B = np.divide(of.along + of.along_B, lengths_left_B, out=nothing_B.copy(), where=is_left_B)
    after_B = np.where(is_left_B, resultant(cosines_B), without)
    return Influence(
        None if np.isnan(before) else float(before),
        of.num_others + int(length > 0),
        float(length),
        after_B - before,
        turn_B,
        length_change_B,
        lengths_B,
        shares_B,
        opposing,
    )


def _length_of(gram_BB: np.ndarray) -> float:
    """|G| from the inner products of the minibatch's rows; 0 if it is round-off."""
    length = float(np.sqrt(max(0.0, gram_BB.mean())))
    return length if length > round_off(gram_BB.diagonal()) else 0.0


def round_off(squares_B: np.ndarray) -> float:
    """The length of a mean of rows' gradients that is zero, from the rows' squared lengths."""
    return ROUND_OFF * float(np.sqrt(squares_B.mean() / len(squares_B)))


def opposing_pairs(gram_BB: np.ndarray, most: int = MOST_PAIRS) -> tuple[Opposing, ...]:
    """The pairs of rows with the most negative inner products, most negative first."""
    first_P, second_P = np.triu_indices(len(gram_BB), 1)
    products_P = gram_BB[first_P, second_P]
    norms_B = np.sqrt(gram_BB.diagonal().clip(0))
    order = np.argsort(products_P, kind="stable")[:most]
    return tuple(
        Opposing(int(a), int(b), float(gram_BB[a, b]), float(max(-1.0, gram_BB[a, b] / (norms_B[a] * norms_B[b]))))
        for a, b in zip(first_P[order], second_P[order], strict=True)
        if gram_BB[a, b] < 0
    )


def crosses_of(steps_B2: np.ndarray, gradient_2: np.ndarray | None = None) -> np.ndarray:
    """(B,): the cross products G × each of these in the plane of two parameters; G is their mean if it is not given."""
    x, y = steps_B2.mean(0) if gradient_2 is None else gradient_2
    return x * steps_B2[:, 1] - y * steps_B2[:, 0]


def check_row_count(num_rows: int) -> None:
    """`CannotTell` unless something is left without one of them."""
    if num_rows < 2:
        raise CannotTell(ONE_ROW)
