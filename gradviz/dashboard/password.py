"""The optional password of the whole page: HTTP Basic with any user name, and a limit on guesses.

The comparison takes the same time for every wrong guess. Each visitor (`client.py`) may guess ten times and
then once every six seconds; a visitor without guesses is refused even with the right password. The table of
addresses is bounded and forgets the oldest. Each server process counts its own guesses.
"""

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from flask import Flask, Response, request
from pydantic import SecretStr
from werkzeug.datastructures import Authorization

from gradviz.dashboard.client import client_of
from gradviz.dashboard.door import OPEN
from gradviz.dashboard.sending import mistake

GUESSES = 10
SECONDS_PER_GUESS = 6.0
_MAX_ADDRESSES = 4096


def ask_for_password(server: Flask, password: SecretStr, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Requires the password for everything but `OPEN`. Call this before anything else that handles requests."""
    expected = _digest(password.get_secret_value())
    guesses = Guesses(clock)

    @server.before_request
    def check() -> Response | None:
        if request.path in OPEN:
            return None
        given = _given()
        if given is None or given.type != "basic":
            return _refusal("This page requires a password.")
        address = client_of(request.environ)
        wait = guesses.seconds_to_wait(address)
        if wait > 0:
            refused = mistake("Too many wrong passwords from your address: wait, then try again.", 429)
            refused.headers["Retry-After"] = str(int(wait) + 1)
            return refused
        if hmac.compare_digest(_digest(given.password or ""), expected):
            return None
        guesses.count_wrong(address)
        return _refusal("The password is wrong.")


def _given() -> Authorization | None:
    try:
        return request.authorization
    except ValueError:  # werkzeug takes the header's bytes for ASCII
        return None


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
    """Of fixed length, so that comparing digests does not reveal the password's length."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
