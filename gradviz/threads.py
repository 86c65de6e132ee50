"""How the threads of a server wait for each other (asleep: what trains beside needs the cores) and share memory."""

from collections.abc import MutableMapping


def wait_asleep(environment: MutableMapping[str, str]) -> None:
    """Says so to OpenMP, for a process that has not loaded torch yet; a policy of the user's own stays.

    By default a thread that has finished its share spins. Where it shares two cores with a training,
    it takes the time that the other needs: a sweep over 31 checkpoints took 6 times as long.
    """
    environment.setdefault("OMP_WAIT_POLICY", "passive")


def share_memory(environment: MutableMapping[str, str]) -> None:
    """Says so to glibc, for a process that has not begun; a number of the user's own stays.

    By default each thread allocates from a heap of its own, up to eight for each core, and each keeps the room of the
    largest computation that its thread has done: a third more memory for the same answers.
    """
    environment.setdefault("MALLOC_ARENA_MAX", "2")
