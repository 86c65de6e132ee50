"""Tests that write much do not wait for the disk."""

import os
from collections.abc import Iterator

import pytest


def no_wait_for_the_disk() -> Iterator[None]:
    """What fsync is for, a power cut, no test can show; it takes seconds where others write to the same disk.

    A fixture, of the scope that its user chooses.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield
