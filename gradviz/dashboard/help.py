"""Short help at the controls: what each means, with the formula where there is one."""

from dataclasses import dataclass

from gradviz.drawing.scale import LENGTH_EXPONENT
from gradviz.landscape.request import LandscapeSpec


@dataclass(frozen=True)
class Entry:
    """One control, or one choice of it. A formula is set apart, in the mathematical letters of the pictures."""

    term: str
    text: str
    formula: str = ""


_MASK_SETS = LandscapeSpec.model_fields["num_masks"].default

HELP: dict[str, tuple[Entry, ...]] = {
    "Regularizer": (
        Entry(
            "Regularizer",
            "Three variants of one network. They start from the same weights and see the same minibatches in the same "
            "order; only the regularizer differs.",
        ),
    ),
    "Regularizers side by side": (
        Entry(
            "Regularizers", "The same two parameters, minibatch and epoch in each picture; zoom and pointer are one."
        ),
        Entry(
            "scales",
            "Locked: one scale of colour and length for all pictures, so that sizes can be compared. Free: each "
            "picture has its own, so that a field of small gradients can be read.",
        ),
        Entry(
            "minus",
            "Draws by how much the other fields differ from this one, at the same offsets from each checkpoint. The "
            "planes are centred at each variant's own parameters.",
            "Δ∇J = ∇J(picture) − ∇J(reference)",
        ),
    ),
    "Left picture": (
        Entry(
            "Plane",
            "Two parameters are moved, all others stay as the checkpoint has them. An arrow is the gradient of the "
            "minibatch's loss at that point; the circle is the checkpoint itself.",
            "u = ∂J/∂x₁, v = ∂J/∂x₂ at (x₁ + α, x₂ + β)",
        ),
        Entry("Layer", "A button shows the first two biases of that layer."),
        Entry(
            "Name",
            "Any parameter, as in hidden.2.linear.weight[3,17]. Beside it: on how many training rows its unit is "
            "active, of those looked at. A unit that is active on none of them is called dead: its gradient is zero "
            "there, and other rows may wake it.",
        ),
        Entry(
            "pick…",
            "Two units on a map of a layer's units, or a suggested pair: alive, with gradients that the minibatches "
            "pull in different directions.",
        ),
    ),
    "Minibatch": (
        Entry(
            "Minibatch",
            "The training rows in a fixed random order, cut into minibatches; the first 50 can be shown. The model "
            "does not change between them.",
            "J(θ; a) = (1/B) Σ |O(a_b; θ) − y_b|",
        ),
    ),
    "Model in": (
        Entry("eval", "Dropout is off, batch normalization uses its running statistics."),
        Entry("train", "Dropout is on, batch normalization uses the statistics of this minibatch. Nothing is updated."),
        Entry(
            "Masks",
            "Fresh: new dropout masks at every grid point, so neighbouring arrows differ by chance. Frozen: one set "
            f"for the whole plane. Averaged: the mean over {_MASK_SETS} sets. The seed makes them the same again.",
        ),
    ),
    "Grid": (
        Entry(
            "Half width and points",
            "How far the two parameters are moved to either side, in their own units, and in how many steps.",
            "α, β ∈ [−w, w], evenly spaced",
        ),
    ),
    "Drawing": (
        Entry(
            "loss", "J under the arrows: darker is larger, or ten level lines between its smallest and largest value."
        ),
        Entry(
            "length",
            "Compressed keeps small arrows visible, true is proportional, unit shows the direction alone.",
            f"length ∝ |∇J|^{LENGTH_EXPONENT}, |∇J|, 1",
        ),
        Entry(
            "colour",
            "The size of the gradient, on one scale for all epochs (in Minibatches: all minibatches) in memory, or for "
            "what is on show alone.",
            "log10 |∇J|, |∇J| = √(u² + v²)",
        ),
        Entry("arrows", "Ascent: the gradient, uphill. Descent: where a step of gradient descent goes.", "∇J or −∇J"),
        Entry(
            "path",
            "The way of (x₁, x₂) through the epochs: firm up to the epoch on show, dashed after it, a triangle where "
            "it leaves the plane.",
        ),
        Entry(
            "minibatches",
            "The gradients of all minibatches at this checkpoint, as rays from the centre. The strong arrow is their "
            "mean direction, R of the radius long: 1 if all agree, near 0 if they point everywhere.",
            "R = |Σ ∇Jₖ / |∇Jₖ|| / K",
        ),
        Entry(
            "Zoom",
            "Drag over a part of a picture; double click for the whole plane. Keys: + and −, Shift with arrows, 0.",
        ),
    ),
    "Agreement": (
        Entry(
            "R",
            "How far the minibatches' gradients agree in direction: 1 if all point the same way, about 1/√K for K "
            "random directions. Their mean direction is that of the sum of the unit vectors.",
            "R = |Σ ∇J_k / |∇J_k|| / K",
        ),
        Entry(
            "Cosine",
            "Of the angle between two minibatches' gradients, of this pair, of the biases of x₁'s layer, of that whole "
            "layer or of all parameters. Rows and columns are ordered by direction.",
            "cos = ∇J_k · ∇J_l / (|∇J_k| |∇J_l|)",
        ),
        Entry(
            "Predicted below target",
            "An L1 gradient is a sum of signs: where nearly all rows lie on one side of their target, all gradients "
            "agree for that reason alone.",
        ),
        Entry("Zero", "A gradient that is zero up to round-off has no direction: it is counted and left out of R."),
    ),
}
"""By the title of the group of controls."""
