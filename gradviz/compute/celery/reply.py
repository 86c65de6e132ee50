"""A worker's reply to waiting callers: an answer or an error, as bytes after a header and a checksum."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from gradviz.compute.interface import ComputationFailed, Unavailable
from gradviz.errors import NotHere, UserError

_MAGIC = b"gradviz reply 2\n"
_CHECKSUM_BYTES = 16
_START = len(_MAGIC) + 1 + _CHECKSUM_BYTES


class Kind(IntEnum):
    """The content of a reply: the answer, or an error: a user's, at this checkpoint alone or at any, a failure, or "not
    now"."""

    ANSWER = 0
    MISTAKE = 1
    FAILURE = 2
    NOT_NOW = 3
    NOT_HERE = 4


@dataclass(frozen=True)
class Reply:
    """The reply to one question, identified by its key."""

    kind: Kind
    content: bytes

    @classmethod
    def saying(cls, kind: Kind, message: str) -> "Reply":
        """An error of one sentence."""
        return cls(kind, json.dumps([message, ""]).encode())

    @classmethod
    def refusing(cls, error: UserError) -> "Reply":
        """A user's error as it was raised."""
        kind = Kind.NOT_HERE if isinstance(error, NotHere) else Kind.MISTAKE
        return cls(kind, json.dumps([error.cause, error.remedy] if error.remedy else [str(error), ""]).encode())

    def to_bytes(self, key: str) -> bytes:
        return _MAGIC + bytes([self.kind]) + _checksum(key, self.kind, self.content) + self.content

    @classmethod
    def from_bytes(cls, key: str, data: bytes) -> "Reply | None":
        """The reply; None, as if absent, if a worker did not write these bytes for this key."""
        if len(data) < _START or not data.startswith(_MAGIC):
            return None
        kind, content = data[len(_MAGIC)], data[_START:]
        if kind not in set(Kind) or data[len(_MAGIC) + 1 : _START] != _checksum(key, kind, content):
            return None
        return cls(Kind(kind), content)

    def answer(self) -> bytes:
        """The answer's bytes; raises the error that the reply holds instead."""
        if self.kind is Kind.ANSWER:
            return self.content
        raise _ERRORS[self.kind](*json.loads(self.content))


_ERRORS: Mapping[Kind, type[UserError]] = {
    Kind.MISTAKE: UserError,
    Kind.NOT_HERE: NotHere,
    Kind.FAILURE: ComputationFailed,
    Kind.NOT_NOW: Unavailable,
}


def _checksum(key: str, kind: int, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, key=key.encode()[:64], salt=bytes([kind])).digest()
