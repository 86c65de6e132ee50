"""Attention written out is torch's own, with every kind of mask; and so are the values of alpha dropout."""

import math

import pytest
import torch
from torch.nn import functional as F

from gradviz.landscape.replay.stand_ins import attention, stand_in

drawn = torch.Generator().manual_seed(0)
QUERY, KEY, VALUE = (torch.randn((2, 4, n, 6), generator=drawn).double() for n in (5, 7, 7))
BOOLEAN = torch.rand((5, 7), generator=drawn) > 0.3
BOOLEAN[:, 0] = True  # a row that sees nothing has no weights
ADDED = torch.randn((2, 1, 5, 7), generator=drawn).double()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"attn_mask": BOOLEAN},
        {"attn_mask": ADDED},
        {"is_causal": True},
        {"scale": 0.2},
        {"scale": 0.2, "attn_mask": BOOLEAN},
    ],
    ids=str,
)
def test_attention_is_torchs_own(values):
    torch.testing.assert_close(
        attention(QUERY, KEY, VALUE, **values), F.scaled_dot_product_attention(QUERY, KEY, VALUE, **values)
    )


def test_groups_of_heads_share_their_keys():
    key, value = KEY[:, :2], VALUE[:, :2]
    wanted = F.scaled_dot_product_attention(QUERY, key, value, enable_gqa=True)
    torch.testing.assert_close(attention(QUERY, key, value, enable_gqa=True), wanted)


@pytest.mark.parametrize("p", [-0.5, 1.5])
def test_a_probability_that_is_none_is_left_to_torch(p):
    assert stand_in(F.dropout, (torch.ones(3), p), {"training": True}) is None
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        F.dropout(torch.ones(3), p, training=True)


@pytest.mark.parametrize("drop", [F.alpha_dropout, F.feature_alpha_dropout])
@pytest.mark.parametrize("p", [0.2, 0.7, 1.0])
def test_alpha_dropout_gives_the_two_values_of_torchs_own(drop, p):
    class Draws:
        def gain(self, shape, p, like):
            return (torch.arange(math.prod(shape)) % 2 == 0).to(like).reshape(shape) / (1 - p)

    zeros = torch.zeros((200, 2), dtype=torch.float64)
    rule = stand_in(drop, (zeros, p), {"training": True})
    assert rule is not None
    torch.testing.assert_close(rule(Draws(), zeros, p).unique(), drop(zeros, p, training=True).unique())
