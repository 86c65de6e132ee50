"""Commands run in this process, as `gradviz ARGUMENTS` would run them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gradviz.cli import main


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def gradviz(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(status, str(out), str(err))

    return run
