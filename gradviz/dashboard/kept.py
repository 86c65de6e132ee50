"""Keeps large answers in memory, bytes by key, so that simultaneous or later requests share one computation."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

MOST_BYTES = 32 * 1024**2


class Kept:
    """At most `most_bytes`; drops the least recently used first.

    Makes one value at a time, because making one keeps the interpreter or a processor busy.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0
        self._turn = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The value of this key, made now if it is not kept."""
        with self._turn:
            if key not in self._kept:
                self._kept[key] = make()
                self._bytes += len(self._kept[key])
            self._kept.move_to_end(key)
            value = self._kept[key]
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return value
