"""Addition: a + b mod 97 by a transformer of one layer, AdamW with weight decay (the setting of Power et al. 2022).

It fits the training pairs within a few epochs and answers the others only much later ("grokking",
https://arxiv.org/abs/2201.02177).
"""

# Shape suffixes: B = rows of a minibatch, T = 3 tokens (a, b, =), D = width, H = heads.

import torch
from torch import Tensor, nn

from gradviz.experiment.losses import CrossEntropy
from gradviz.experiment.optimizers import AdamW
from gradviz.experiment.recipe import Recipe
from gradviz.experiment.study import Study

MODULUS = 97
_EQUALS = MODULUS  # the token after the last number
_TRAINING_SHARE = 0.35


class Block(nn.Module):
    """Causal attention and a feed-forward layer, each after a LayerNorm and added to its input.

    `dropout`: of the attention's weights, and of what each of the two adds.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1 = nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_BTD = x_BTD + self._dropped(self._attended(self.norm1(x_BTD)))
        return x_BTD + self._dropped(self.down(self.up(self.norm2(x_BTD)).relu()))

    def _dropped(self, x_BTD: Tensor) -> Tensor:
        return nn.functional.dropout(x_BTD, self.dropout, self.training) if self.dropout else x_BTD

    def _attended(self, x_BTD: Tensor) -> Tensor:
        query, key, value = (
            layer(x_BTD).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        share = self.dropout if self.training else 0.0
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=share, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(-2))


class AdditionNet(nn.Module):
    """Token and place embeddings, blocks, a LayerNorm, and the logits of the answer at the last token."""

    def __init__(self, width: int = 64, heads: int = 4, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(MODULUS + 1, width), nn.Embedding(3, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, MODULUS)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        x_BTD = self.token(tokens_BT) + self.place.weight
        for block in self.blocks:
            x_BTD = block(x_BTD)
        return self.head(self.norm(x_BTD[:, -1]))


def rows(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """All 9,409 pairs as tokens (R, 3) with their answers (R,); 35 % of a permutation by the seed are for training."""
    numbers = torch.arange(MODULUS)
    pairs = torch.cartesian_prod(numbers, numbers)
    tokens = torch.cat([pairs, torch.full((len(pairs), 1), _EQUALS)], 1)
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed))
    tokens, answers = tokens[order], (pairs.sum(1) % MODULUS)[order]
    num_train = int(_TRAINING_SHARE * len(pairs))
    return (tokens[:num_train], answers[:num_train]), (tokens[num_train:], answers[num_train:])


def describe(batch: tuple[Tensor, Tensor]) -> list[str]:
    """The sum of each row."""
    tokens, answers = batch
    return [f"{a} + {b} = {c}" for (a, b, _), c in zip(tokens.tolist(), answers.tolist(), strict=True)]


STUDY = Study(
    "addition",
    AdditionNet,
    CrossEntropy(),
    describe=describe,
    train=Recipe(
        rows,
        epochs=120,
        batch_size=64,
        threads=1,
        optimizer=AdamW(weight_decay=1.0, learning_rate=1e-3),
        variants={"addition": {}, "addition-dropout": {"dropout": 0.1}, "addition-no-decay": {}},
        optimizers={"addition-no-decay": AdamW(weight_decay=0.0, learning_rate=1e-3)},
    ),
)
