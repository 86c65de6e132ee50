"""Which units dropout keeps, as a pure function of (seed, number) and a position: one stream for all who draw masks."""

import numpy as np

_WORDS_OF_RAW = 4


class KeepStream:
    """Random words of 16 bits for the `number`-th set of masks of the stream `seed`, drawn as far as they are asked
    for.

    The stream is SFC64 seeded with the two, which numpy promises not to change.
    """

    def __init__(self, seed: int, number: int) -> None:
        self._bits = np.random.SFC64((seed, number))
        self._words = np.empty(0, np.uint16)

    def kept(self, start: int, count: int, p: float) -> np.ndarray:
        """(count,) bools, each True with probability 1 - p to within 2^-17, from the words at `start` on."""
        lacking = start + count - len(self._words)
        if lacking > 0:
            raw = self._bits.random_raw(-(-lacking // _WORDS_OF_RAW)).view(np.uint16)
            self._words = raw if not len(self._words) else np.concatenate((self._words, raw))
        return self._words[start : start + count] >= round(p * 2**16)
