"""The optional password of the whole page: HTTP Basic with any user name, and a limit on guesses.

The comparison takes the same time whatever is wrong with a guess. Each visitor (`client.py`) may guess ten times and
then once every six seconds; while it has no guess left, the right password is not looked at either. The table of
addresses is bounded: the oldest is forgotten. It is of one process: with several, each counts its own guesses.
"""

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from flask import Flask, Response, request
from pydantic import SecretStr

from gradviz.dashboard.client import client_of
from gradviz.dashboard.door import OPEN
from gradviz.dashboard.sending import mistake

GUESSES = 10
SECONDS_PER_GUESS = 6.0
_MAX_ADDRESSES = 4096


def ask_for_password(server: Flask, password: SecretStr, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Lets nothing but `OPEN` be answered without the password. Call before anything else looks at requests."""
    expected = _digest(password.get_secret_value())
    guesses = Guesses(clock)

    @server.before_request
    def check() -> Response | None:
        if request.path in OPEN:
            return None
        given = request.authorization
        if given is None or given.type != "basic":
            return _refusal("This page asks for a password.")
        address = client_of(request.environ)
        wait = guesses.seconds_to_wait(address)
        if wait > 0:
            refused = mistake("Too many wrong passwords from your address: wait, then try again.", 429)
            refused.headers["Retry-After"] = str(int(wait) + 1)
            return refused
        if hmac.compare_digest(_digest(given.password or ""), expected):
            return None
        guesses.count_wrong(address)
        return _refusal("This is not the password.")


class Guesses:
    """How many wrong passwords each address may still send; safe to share between threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used_up_until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str) -> float:
        """Zero or less if the address may guess now."""
        with self._lock:
            used = self._used_up_until.get(address, 0.0) - self._clock()
        return used - (GUESSES - 1) * SECONDS_PER_GUESS

    def count_wrong(self, address: str) -> None:
        with self._lock:
            now = self._clock()
            self._used_up_until[address] = max(self._used_up_until.pop(address, now), now) + SECONDS_PER_GUESS
            if len(self._used_up_until) > _MAX_ADDRESSES:
                self._used_up_until.popitem(last=False)

    def __len__(self) -> int:
        return len(self._used_up_until)


def _refusal(message: str) -> Response:
    answer = mistake(message, 401)
    answer.headers["WWW-Authenticate"] = 'Basic realm="gradviz", charset="UTF-8"'
    return answer


def _digest(text: str) -> bytes:
    """Of one length: a comparison of digests does not tell how long the password is."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
