"""Large answers are made once, one at a time, and the room for them is bounded."""

import threading
from concurrent.futures import ThreadPoolExecutor

from gradviz.dashboard.kept import Kept


def test_it_is_made_once_for_all_who_ask_together():
    kept, made, gate = Kept(), [], threading.Barrier(8)

    def ask(_: int) -> bytes:
        gate.wait(60)
        return kept.get("key", lambda: made.append(1) or b"text")

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {b"text"}
    assert made == [1]


def test_room_is_made_by_what_was_asked_for_longest_ago():
    kept = Kept(most_bytes=2)
    for key in "aba":
        kept.get(key, lambda: b"x")
    kept.get("c", lambda: b"x")
    assert kept.get("a", lambda: b"new") == b"x"
    assert kept.get("b", lambda: b"y") == b"y"


def test_what_is_too_large_to_keep_is_still_given():
    kept = Kept(most_bytes=2)
    assert kept.get("a", lambda: b"long") == b"long"
    assert kept.get("a", lambda: b"once more") == b"once more"
    assert kept.get("b", lambda: b"x") == b"x"
    assert kept.get("b", lambda: b"y") == b"x"
