"""What a worker leaves for those who wait: an answer, or why there is none, as bytes behind a header and a checksum."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from gradviz.compute.interface import ComputationFailed, Unavailable
from gradviz.errors import UserError

_MAGIC = b"gradviz reply 1\n"
_CHECKSUM_BYTES = 16
_START = len(_MAGIC) + 1 + _CHECKSUM_BYTES


class Kind(IntEnum):
    """What a reply holds: the answer, or one sentence for the user's mistake, for a failure, or for "not now"."""

    ANSWER = 0
    MISTAKE = 1
    FAILURE = 2
    NOT_NOW = 3


@dataclass(frozen=True)
class Reply:
    """The reply to one question, known by its key."""

    kind: Kind
    content: bytes

    @classmethod
    def saying(cls, kind: Kind, message: str) -> "Reply":
        return cls(kind, message.encode())

    def to_bytes(self, key: str) -> bytes:
        return _MAGIC + bytes([self.kind]) + _checksum(key, self.kind, self.content) + self.content

    @classmethod
    def from_bytes(cls, key: str, data: bytes) -> "Reply | None":
        """None where the bytes are not what a worker left under this key: they count as absent."""
        if len(data) < _START or not data.startswith(_MAGIC):
            return None
        kind, content = data[len(_MAGIC)], data[_START:]
        if kind not in set(Kind) or data[len(_MAGIC) + 1 : _START] != _checksum(key, kind, content):
            return None
        return cls(Kind(kind), content)

    def answer(self) -> bytes:
        """The answer's bytes; raises what the worker had to say instead."""
        if self.kind is Kind.ANSWER:
            return self.content
        message = self.content.decode()
        if self.kind is Kind.MISTAKE:
            raise UserError(message)
        raise Unavailable(message) if self.kind is Kind.NOT_NOW else ComputationFailed(message)


def _checksum(key: str, kind: int, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, key=key.encode()[:64], salt=bytes([kind])).digest()
