"""What a study's model is, found once for all runs that make it with the same arguments."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from gradviz.errors import UserError
from gradviz.experiment.anatomy import Anatomy
from gradviz.experiment.capabilities import Capabilities
from gradviz.experiment.outside import UnusableFile


@dataclass(frozen=True)
class Examined:
    """A model's tensors and layers, its capabilities, and the multiplications of a minibatch's forward pass."""

    anatomy: Anatomy
    capabilities: Capabilities
    products: int


class Examinations:
    """Keeps each result, and each error of the study's own code, by the model's address. Safe to share between threads.

    Making a model and a forward pass may take a second: a page over many runs asks for the same model many times.
    """

    def __init__(self) -> None:
        self._known: dict[str, Examined | UserError] = {}
        self._turn = threading.Lock()

    def get(self, address: str, examine: Callable[[], Examined]) -> Examined:
        """The result at this address; raises the UserError that `examine` raised, again each time."""
        with self._turn:
            found = self._known.get(address)
            if found is None:
                try:
                    found = examine()
                except UnusableFile:  # a file may become readable
                    raise
                except UserError as error:
                    found = error
                self._known[address] = found
        if isinstance(found, UserError):
            raise found
        return found
