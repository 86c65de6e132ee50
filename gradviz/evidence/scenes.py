"""The pictures of the source: their run and epoch, the mode, and the pairs of parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

from gradviz.evidence import rules
from gradviz.evidence.parts import Part
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN, Role
from gradviz.evidence.studied import Place, Setting, When
from gradviz.landscape.parameters import default_pair
from gradviz.landscape.request import LandscapeRequest, Masks, Mode

MINIBATCH_SIZE = 64
ROUGHNESS_MINIBATCHES = 8
"""Fields over which the roughness of a picture is averaged; each alone compares hundreds of arrows."""

POINTS, HALF_WIDTH = 21, 0.1
FRESH_POINTS, FRESH_HALF_WIDTH = 11, 0.05
"""Masks drawn anew at each point cost a forward pass for each: a grid of the same spacing, half as wide."""

Pairs = tuple[tuple[str, str], ...]  # of parameters
_BIASES: Pairs = tuple(default_pair(layer) for layer in rules.LAYERS)
_LINEAR: Pairs = (default_pair(rules.BATCHNORM_LAYER),)
_BETA: Pairs = (
    (f"hidden.{rules.BATCHNORM_LAYER}.norm.bias[0]", f"hidden.{rules.BATCHNORM_LAYER}.norm.bias[1]"),
)  # fmt: skip


@dataclass(frozen=True)
class SceneDesign:
    """One picture of the source: a panel for each of its `pairs` of parameters, over `num_minibatches` minibatches.

    `caption` says what it shows; `place`: where the pairs are in the networks of other studies.
    """

    key: str
    caption: str
    role: Role
    when: When
    pairs: Pairs = _BIASES
    mode: Mode = "eval"
    masks: Masks = "fresh"
    num_minibatches: int = 50
    points: int = POINTS
    half_width: float = HALF_WIDTH
    place: Place = "shown first"

    def of(self, run: str, epoch: int) -> "SceneSpec":
        """The picture of this checkpoint of deliveries."""
        return SceneSpec(self, run, epoch, self.pairs)

    def placed(self, studied: Setting) -> "SceneSpec":
        """The picture of the run that plays its role; KeyError if none does, NotThere if its checkpoint is missing."""
        run, epoch = studied.runs[self.role].name, studied.epoch(self.role, self.when)
        return SceneSpec(self, run, epoch, studied.pairs_of(self.role, self.place) or self.pairs)


@dataclass(frozen=True)
class SceneSpec:
    """A picture of the source at one checkpoint."""

    design: SceneDesign
    run: str
    epoch: int
    pairs: Pairs

    def requests(self) -> list[LandscapeRequest]:
        """The first minibatch of each panel."""
        design = self.design
        return [
            LandscapeRequest(
                x=x,
                y=y,
                run=self.run,
                epoch=self.epoch,
                mode=design.mode,
                masks=design.masks,
                minibatch_size=MINIBATCH_SIZE,
                points=design.points,
                half_width=design.half_width,
            )
            for x, y in self.pairs
        ]

    def minibatches(self, studied: Setting) -> range:
        """The indices of those that the run has."""
        there = studied.runs[self.design.role].num_minibatches(MINIBATCH_SIZE)
        return range(min(self.design.num_minibatches, there))

    def agreement_part(self) -> Part:
        return Part("scene", self.run, self.epoch, scene=self.design.key)

    def random_pairs_part(self) -> Part:
        return Part("random-pairs", self.run, self.epoch, scene=self.design.key)

    def rough_pairs_part(self) -> Part:
        return Part("rough-pairs", self.run, self.epoch, scene=self.design.key)

    def rough_fields(self, studied: Setting) -> list[list[LandscapeRequest]]:
        """For each panel the fields that its roughness is averaged over."""
        indices = self.minibatches(studied)[:ROUGHNESS_MINIBATCHES]
        return [
            [request.model_copy(update={"minibatch": index}) for index in indices] for request in self.requests()
        ]  # fmt: skip


SINGLE = SceneDesign(
    "single",
    "One gradient landscape: the gradient of one minibatch's loss by the first two biases of hidden layers 1 and 2, on"
    " a grid around the checkpoint (circle).",
    PLAIN,
    When.MID,
    num_minibatches=1,
)
START_PLAIN = SceneDesign("start-none", "Minibatches at the start of training, without regularizer.", PLAIN, When.START)
MID_PLAIN = SceneDesign("mid-none", "Minibatches during training, without regularizer.", PLAIN, When.MID)
MID_DROPOUT = SceneDesign(
    "mid-dropout",
    "Dropout during training, masks drawn anew at every grid point, as the source drew it.",
    DROPOUT,
    When.MID,
    mode="train",
    points=FRESH_POINTS,
    half_width=FRESH_HALF_WIDTH,
)
FROZEN_DROPOUT = SceneDesign(
    "dropout-frozen",
    "The control: the same checkpoint with one set of masks for the whole grid.",
    DROPOUT,
    When.MID,
    mode="train",
    masks="frozen",
    points=FRESH_POINTS,
    half_width=FRESH_HALF_WIDTH,
)
START_DROPOUT = SceneDesign(
    "start-dropout",
    "Dropout at the start of training, masks drawn anew at every grid point.",
    DROPOUT,
    When.START,
    mode="train",
    points=FRESH_POINTS,
    half_width=FRESH_HALF_WIDTH,
)
LINEAR_BATCHNORM = SceneDesign(
    "batchnorm-linear",
    "Batch normalization in train mode, the source's two biases.",
    BATCHNORM,
    When.TENTH,
    pairs=_LINEAR,
    mode="train",
    place="before the norm",
)
BETA_BATCHNORM = SceneDesign(
    "batchnorm-beta",
    "Batch normalization in train mode: β of the first two units of the middle layer.",
    BATCHNORM,
    When.TENTH,
    pairs=_BETA,
    mode="train",
    place="in the norm",
)
EVAL_BATCHNORM = SceneDesign(
    "batchnorm-eval",
    "Batch normalization in eval mode, the source's two biases.",
    BATCHNORM,
    When.TENTH,
    pairs=_LINEAR,
    place="before the norm",
)
SCENES: Sequence[SceneDesign] = (
    SINGLE,
    START_PLAIN,
    MID_PLAIN,
    MID_DROPOUT,
    FROZEN_DROPOUT,
    START_DROPOUT,
    LINEAR_BATCHNORM,
    BETA_BATCHNORM,
    EVAL_BATCHNORM,
)
"""Every picture that is measured."""


BESIDE_RANDOM_PAIRS: Sequence[SceneDesign] = (
    START_PLAIN,
    MID_PLAIN,
    MID_DROPOUT,
    FROZEN_DROPOUT,
    START_DROPOUT,
    BETA_BATCHNORM,
)
"""Those whose agreement decides a claim: it is also measured in pairs of random live units."""

BESIDE_ROUGH_PAIRS: Sequence[SceneDesign] = (
    MID_PLAIN,
    MID_DROPOUT,
    FROZEN_DROPOUT,
    START_DROPOUT,
    LINEAR_BATCHNORM,
    BETA_BATCHNORM,
)
"""Those whose roughness decides a claim: likewise."""


def scenes_of(studied: Setting) -> list[SceneSpec]:
    """The pictures that these runs allow: of those checkpoints that are there."""
    return [
        design.placed(studied)
        for design in SCENES
        if studied.has(design.role, design.place) and studied.is_there(design.role, design.when)
    ]


def design_of(key: str) -> SceneDesign:
    """KeyError if there is no such picture."""
    return {design.key: design for design in SCENES}[key]
