"""Separate generators for each random choice of a run, so that no choice disturbs another."""

import hashlib
from typing import Literal

import torch

Purpose = Literal["initialisation", "order", "masks", "rows", "minibatches", "table"]


def derived_seed(seed: int, purpose: Purpose) -> int:
    """A 63-bit seed for one purpose: different purposes and neighbouring seeds share nothing."""
    digest = hashlib.sha256(f"gradviz:{purpose}:{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator(seed: int, purpose: Purpose) -> torch.Generator:
    """A CPU generator for one purpose; drawing on the CPU gives every device the same numbers."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose))
