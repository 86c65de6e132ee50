"""Rows as images: what of a batch is one, and its bytes."""

import base64

import numpy as np
import pytest
import torch
from torch import Tensor

from gradviz.experiment.row_images import MOST_PIXELS, images_of


def test_the_darkest_number_is_black_and_the_brightest_white():
    pixels = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5)
    first, second = images_of((pixels, torch.tensor([1, 2])))
    assert (first.width, first.height, first.channels) == (5, 4, 3)
    told = [np.frombuffer(base64.b64decode(each.pixels), np.uint8).reshape(4, 5, 3) for each in (first, second)]
    assert (told[0].min(), told[1].max()) == (0, 255)
    # the colours of a pixel lie together, line by line
    np.testing.assert_allclose(told[1][1, 2], 255 * pixels[1, :, 1, 2].numpy() / 119, atol=0.51)


@pytest.mark.parametrize(
    "batch",
    [
        torch.zeros(3, 7),
        torch.zeros(3, 2, 8, 8),
        torch.zeros(3, 1, 8, 65),
        torch.zeros(MOST_PIXELS // 4096 + 1, 1, 64, 64),
        torch.zeros(3, 1, 8, 8, dtype=torch.int64),
        torch.full((3, 1, 8, 8), torch.inf),
        (torch.zeros(3, 7), torch.zeros(3, 1, 8, 8)),
    ],
    ids=["vectors", "channels", "too long", "too many", "whole numbers", "not finite", "not first"],
)
def test_other_rows_are_no_images(batch: Tensor | tuple[Tensor, ...]):
    assert images_of(batch) == []


def test_a_batch_of_one_shade_is_black():
    [image] = images_of(torch.full((1, 1, 4, 4), 0.5))
    assert set(base64.b64decode(image.pixels)) == {0}
