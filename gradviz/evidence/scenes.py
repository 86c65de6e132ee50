"""The pictures of the source as requests: which checkpoint, in which mode, and which two parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradviz.evidence import rules
from gradviz.landscape.parameters import default_pair
from gradviz.landscape.request import LandscapeRequest, Masks, Mode

MINIBATCH_SIZE = 64
POINTS, HALF_WIDTH = 21, 0.1
FRESH_POINTS, FRESH_HALF_WIDTH = 11, 0.05
"""Masks drawn anew at each point cost a forward pass for each: a grid of the same spacing, half as wide."""


@dataclass(frozen=True)
class SceneSpec:
    """One figure: `pairs` of parameters, a picture each, over `num_minibatches` minibatches."""

    key: str
    title: str
    run: str
    epoch: int
    pairs: tuple[tuple[str, str], ...]
    mode: Mode = "eval"
    masks: Masks = "fresh"
    num_minibatches: int = 50
    points: int = POINTS
    half_width: float = HALF_WIDTH

    def requests(self) -> list[LandscapeRequest]:
        """The first minibatch of each picture."""
        return [
            LandscapeRequest(
                x=x,
                y=y,
                run=self.run,
                epoch=self.epoch,
                mode=self.mode,
                masks=self.masks,
                minibatch_size=MINIBATCH_SIZE,
                points=self.points,
                half_width=self.half_width,
            )
            for x, y in self.pairs
        ]


def scenes_of(mid_epochs: Mapping[str, int], last_epochs: Mapping[str, int]) -> list[SceneSpec]:
    """The figures that these runs allow: `mid_epochs` and `last_epochs` name the epoch by run."""
    pairs = tuple(default_pair(layer) for layer in rules.LAYERS)
    scenes: list[SceneSpec] = []
    if "none" in mid_epochs:
        mid = mid_epochs["none"]
        scenes += [
            SceneSpec("single", "One gradient landscape", "none", mid, pairs, num_minibatches=1),
            SceneSpec("start-none", "Minibatches at the start of training", "none", 0, pairs),
            SceneSpec("mid-none", "Minibatches during training", "none", mid, pairs),
        ]
    if "dropout" in mid_epochs:
        mid = mid_epochs["dropout"]
        scenes += [
            _dropout("mid-dropout", "Dropout during training: masks drawn anew at each point", mid, pairs, "fresh"),
            _dropout(
                "dropout-frozen", "Dropout during training: one set of masks for all points", mid, pairs, "frozen"
            ),
            _dropout("start-dropout", "Dropout at the start: masks drawn anew at each point", 0, pairs, "fresh"),
        ]
    if "batchnorm" in mid_epochs:
        epoch = min(rules.BATCHNORM_EPOCH, last_epochs["batchnorm"])
        linear = default_pair(rules.BATCHNORM_LAYER)
        beta = (f"hidden.{rules.BATCHNORM_LAYER}.norm.bias[0]", f"hidden.{rules.BATCHNORM_LAYER}.norm.bias[1]")
        scenes += [
            SceneSpec("batchnorm-linear", "Batch normalization: the source's two biases", "batchnorm", epoch, (linear,),
                      mode="train"),
            SceneSpec("batchnorm-beta", "Batch normalization: β of the same two units", "batchnorm", epoch, (beta,),
                      mode="train"),
            SceneSpec("batchnorm-eval", "Batch normalization: the same two biases in eval mode", "batchnorm", epoch,
                      (linear,)),
        ]  # fmt: skip
    return scenes


def _dropout(key: str, title: str, epoch: int, pairs: tuple[tuple[str, str], ...], masks: Masks) -> SceneSpec:
    return SceneSpec(
        key, title, "dropout", epoch, pairs, "train", masks, points=FRESH_POINTS, half_width=FRESH_HALF_WIDTH
    )
