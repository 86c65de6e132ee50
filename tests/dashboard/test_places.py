"""Places for exports: no more at a time than there are, and whoever has left makes room."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradviz.compute.interface import Cancelled
from gradviz.dashboard.places import Full, Places

PATIENCE_SECONDS = 60


def always() -> bool:
    return True


def test_there_are_no_more_than_told():
    places = Places(2, patience_seconds=0.0)
    with places.taken(always), places.taken(always), pytest.raises(Full), places.taken(always):
        pass
    with places.taken(always):
        pass


def test_a_work_whose_client_has_left_is_waited_for_beyond_the_patience():
    places = Places(1, patience_seconds=0.0)
    looked, may_end = threading.Event(), threading.Event()

    def has_left() -> bool:
        looked.set()
        return False

    def hold() -> None:
        with places.taken(has_left):
            may_end.wait(PATIENCE_SECONDS)

    def take() -> str:
        with places.taken(always):
            return "taken"

    with ThreadPoolExecutor(2) as threads:
        holding = threads.submit(hold)
        while not places._held:
            assert not holding.done()
        taking = threads.submit(take)
        assert looked.wait(PATIENCE_SECONDS)
        assert not taking.done()
        may_end.set()
        assert taking.result(PATIENCE_SECONDS) == "taken"


def test_who_leaves_while_waiting_waits_no_longer():
    places = Places(1, patience_seconds=PATIENCE_SECONDS)
    with places.taken(always), pytest.raises(Cancelled), places.taken(lambda: False):
        pass


def test_a_work_that_fails_frees_its_place():
    places = Places(1, patience_seconds=0.0)
    with pytest.raises(ZeroDivisionError), places.taken(always):
        raise ZeroDivisionError
    with places.taken(always):
        pass
