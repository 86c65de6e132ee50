"""What a file over the epochs says of those that are not in it."""

from collections.abc import Mapping

from gradviz.errors import NotHere


def left_out_notes(left_out: Mapping[int, NotHere]) -> list[str]:
    """A sentence for each cause, with its epochs and without what to do instead: the file is made."""
    epochs: dict[str, list[int]] = {}
    for epoch, why in left_out.items():
        epochs.setdefault(why.cause, []).append(epoch)
    return [f"{_named(each)} left out: {cause}." for cause, each in epochs.items()]


def _named(epochs: list[int]) -> str:
    *most, last = map(str, epochs)
    return f"Epochs {', '.join(most)} and {last} are" if most else f"Epoch {last} is"
