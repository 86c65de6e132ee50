"""Vectors of directions by everything that they were made from, so that no question makes one again.

In memory the last used ones, within a bound; on disk, beside the answers, those that take long to make.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable

import safetensors.torch

from gradviz.compute.cache import FieldCache
from gradviz.landscape.directions.vector import Vector

_TOLD = "vector"


class KeptVectors:
    """Vectors by their addresses, `memory_bytes` of them at most. `cache` None: in memory alone.

    For one computation at a time.
    """

    def __init__(self, memory_bytes: int, cache: FieldCache | None = None) -> None:
        self._cache, self._memory_bytes = cache, memory_bytes
        self._vectors: OrderedDict[str, Vector] = OrderedDict()  # the last used at the end

    def of(self, address: str, make: Callable[[], Vector], *, on_disk: bool = False) -> Vector:
        """The vector under this address; made if it is not kept. Never change it."""
        found = self._vectors.pop(address, None) or self._read(address, on_disk) or self._made(address, make, on_disk)
        self._vectors[address] = found
        while self.nbytes > self._memory_bytes:
            self._vectors.popitem(last=False)
        return found

    def forget(self) -> None:
        """Drops those in memory, because it is short."""
        self._vectors.clear()

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for vector in self._vectors.values() for part in vector.parts.values())

    # Not `FieldCache.once`: a computation that is paused while it makes a vector would hold the lock that another waits
    # for in its turn.

    def _read(self, address: str, on_disk: bool) -> Vector | None:
        content = self._cache.get(address) if self._cache is not None and on_disk else None
        return None if content is None else vector_of_bytes(content)

    def _made(self, address: str, make: Callable[[], Vector], on_disk: bool) -> Vector:
        made = make()
        if self._cache is not None and on_disk:
            self._cache.set(address, bytes_of_vector(made))
        return made


def address_of_vector(*content: object) -> str:
    """An address that changes with everything in `content`, which JSON can write."""
    text = json.dumps(["vector", *content], separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def bytes_of_vector(vector: Vector) -> bytes:
    """As a safetensors file, with the order of the tensors, in which inner products are summed."""
    told = {"text": vector.text, "meaning": vector.meaning, "notes": vector.notes, "rank": vector.rank}
    told |= {"names": list(vector.parts), "unit": vector.unit, "part": vector.part}
    parts = {name: part.contiguous() for name, part in vector.parts.items()}
    return safetensors.torch.save(parts, {_TOLD: json.dumps(told)})


def vector_of_bytes(content: bytes) -> Vector:
    """The inverse of `bytes_of_vector`, for bytes whose store has checked them."""
    length = int.from_bytes(content[:8], "little")
    told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_TOLD])
    tensors = safetensors.torch.load(content)
    parts = {name: tensors[name] for name in told.pop("names")}
    return Vector(**told | {"parts": parts, "notes": tuple(told["notes"])})
