"""The rows of a batch as images, where they are some."""

import base64
from dataclasses import dataclass

import torch

from gradviz.experiment.batches import Batch, num_rows, tensors_of

# Shape suffixes: B = rows of the batch, H/W = rows/columns of pixels, C = 1 or 3 channels.

MOST_PIXELS = 2**19
"""Of all rows: what is larger is not sent to a page."""
_SIDES = range(4, 65)


@dataclass(frozen=True)
class RowImage:
    """`pixels`: base64 of `channels` bytes (0 to 255) for each pixel, from the upper left, line by line."""

    width: int
    height: int
    channels: int
    pixels: str


def images_of(batch: Batch) -> list[RowImage]:
    """The image of each row, if the first tensor of real numbers is (B, C, H, W) with sides of 4 to 64; else none.

    The darkest number of all rows is 0 and the brightest 255.
    """
    first = next((each for each in tensors_of(batch).values() if each.ndim and each.is_floating_point()), None)
    if first is None or first.ndim != 4 or len(first) != num_rows(batch) or first.numel() > MOST_PIXELS:
        return []
    _, channels, height, width = first.shape
    if channels not in (1, 3) or height not in _SIDES or width not in _SIDES:
        return []
    least, most = first.min(), first.max()
    if not bool(torch.isfinite(most - least)):
        return []
    share = (first - least) / (most - least).clamp_min(torch.finfo(first.dtype).tiny)
    bytes_BHWC = (255 * share).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return [RowImage(width, height, channels, base64.b64encode(row.tobytes()).decode()) for row in bytes_BHWC]
