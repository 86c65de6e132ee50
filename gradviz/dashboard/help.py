"""Short help for the controls: what each means, with its formula if there is one."""

from dataclasses import dataclass

from gradviz.drawing.scale import LENGTH_EXPONENT
from gradviz.landscape.request import LandscapeSpec


@dataclass(frozen=True)
class Entry:
    """One control, or one choice of it. The formula stands apart, in the mathematical letters of the pictures."""

    term: str
    text: str
    formula: str = ""


_MASK_SETS = LandscapeSpec.model_fields["num_masks"].default

HELP: dict[str, tuple[Entry, ...]] = {
    "Run": (
        Entry(
            "Run",
            "One training of a network. The usual three of deliveries start from the same weights and see the same "
            "minibatches in the same order; only the regularizer differs.",
        ),
    ),
    "Runs side by side": (
        Entry(
            "Runs",
            "The same two parameters, minibatch and epoch in each picture, with linked zoom and pointer. More than "
            "three runs appear as small pictures: click one to explore it alone.",
        ),
        Entry(
            "scales",
            "Locked: all pictures share one scale of colour and length, so you can compare sizes. Free: each "
            "picture has its own, so you can read a field of small gradients.",
        ),
        Entry(
            "minus",
            "Draws the differences between the other fields and this one, at the same offsets from each checkpoint. "
            "The planes are centred at each run's own parameters.",
            "Δ∇J = ∇J(picture) − ∇J(reference)",
        ),
    ),
    "Left picture": (
        Entry(
            "Plane",
            "Two parameters move; all others keep the checkpoint's values. An arrow is the gradient of the "
            "minibatch's loss at that point; the circle marks the checkpoint.",
            "u = ∂J/∂x₁, v = ∂J/∂x₂ at (x₁ + α, x₂ + β)",
        ),
        Entry("Layer", "Shows the first two biases of that layer; where it has none, its first two weights."),
        Entry(
            "Name",
            "Any parameter: its tensor's name with an index for each axis, such as hidden.2.linear.weight[3,17]. "
            "Beside it, for networks of deliveries: the share of training rows on which its unit is active, of those "
            "checked. A unit that is active on none of them is called dead: its gradient is zero there, and other rows "
            "may revive it.",
        ),
        Entry(
            "pick…",
            "Choose two units on a map of a layer (of a convolution, its channels), or a suggested pair: alive, with "
            "gradients that the minibatches pull in different directions.",
        ),
        Entry(
            "directions…",
            "Choose a plane along directions in parameter space: gradients, the last step, other checkpoints, "
            "principal components of the path, random vectors. The dialog says how much of the gradient it holds.",
            "u = ⟨∇J, x⟩, v = ⟨∇J, y⟩ at θ + α x + β y, with y ⊥ x, |y| = |x|",
        ),
    ),
    "Minibatch": (
        Entry(
            "Minibatch",
            "The training rows in a fixed random order, cut into minibatches; you can choose among the first 50. Runs "
            "of other studies bring the minibatches that were recorded with them. The model is the same for all. A "
            "minibatch may also be composed of chosen rows, until the slider leads back to the run's own.",
            "J(θ; a) = (1/B) Σ ℓ(a_b; θ); for deliveries, ℓ = |O(a_b; θ) − y_b|",
        ),
    ),
    "Model in": (
        Entry("eval", "Dropout is off, batch normalization uses its running statistics."),
        Entry("train", "Dropout is on, batch normalization uses the statistics of this minibatch. Nothing is updated."),
        Entry(
            "Masks",
            "Fresh: new dropout masks at every grid point, so each arrow has masks of its own. Frozen: one set "
            f"for the whole plane. Averaged: the mean over {_MASK_SETS} sets. The same seed gives the same masks.",
        ),
    ),
    "Grid": (
        Entry(
            "Half width and points",
            "How far the two parameters move to either side, in their own units, and in how many steps: 21 by 21, or "
            "11 by 11 along directions that would take more than 10 s, unless you choose.",
            "α, β ∈ [−w, w], evenly spaced",
        ),
    ),
    "Drawing": (
        Entry(
            "loss",
            "J under the arrows: in greys, or as ten level lines; the corner and the lines themselves tell the values. "
            "In 3-D: J as a surface on which the arrows lie. Drag to turn it, scroll to zoom; keys: Shift with arrows, "
            "+ and −, 0. Small pictures show greys instead.",
        ),
        Entry(
            "length",
            "Compressed keeps small arrows visible, true is proportional, unit shows only the direction.",
            f"length ∝ |∇J|^{LENGTH_EXPONENT}, |∇J|, 1",
        ),
        Entry(
            "colour",
            "The size of the gradient, on one scale for all epochs in memory (in Minibatches: all minibatches), or "
            "only for the current picture.",
            "log10 |∇J|, |∇J| = √(u² + v²)",
        ),
        Entry(
            "arrows", "Ascent: the gradient, uphill. Descent: the direction of a gradient descent step.", "∇J or −∇J"
        ),
        Entry(
            "curves",
            "Over the epoch's slider: the losses alone, or under them how the minibatches agree and how rough the "
            "picture is. Each has a ? of its own.",
        ),
        Entry(
            "path",
            "The path of (x₁, x₂) over the epochs: solid up to the current epoch, dashed after it, with a triangle "
            "where it leaves the plane. Along directions: the recorded checkpoints, projected into the plane; the "
            "fainter, the farther outside it. Point at one for its epoch and distance.",
        ),
        Entry(
            "minibatches",
            "The gradients of all minibatches at this checkpoint, as rays from the centre. The bold arrow shows their "
            "mean direction; its length is R times the radius: 1 if all agree, near 0 if they point everywhere.",
            "R = |Σ ∇Jₖ / |∇Jₖ|| / K",
        ),
        Entry(
            "sampling",
            "Where the arrow at ○ would end for 95 % of minibatches of this size, drawn without replacement from the "
            "rows of all minibatches: an ellipse around the mean of these rows (the dot), bent as the lengths are. "
            "Beside it, this minibatch's own arrow. For two parameters, where rows have gradients of their own.",
            "C = (1/n − 1/N) Σ (∇ℓ_r − ∇J)(∇ℓ_r − ∇J)ᵀ / (N − 1)",
        ),
        Entry(
            "probe",
            "Drag the ring in a picture and drop it: steps of plain SGD begin there, under this minibatch, the next, "
            "both in turn, and all rows. Only the two parameters move, so the paths are exact on the plane, and are "
            "not steps of the training. Rate and steps are below the pictures.",
            "(x₁, x₂) ← (x₁, x₂) − rate · (∂J/∂x₁, ∂J/∂x₂)",
        ),
        Entry(
            "Zoom",
            "Drag over part of a picture; double-click for the whole plane. Keys: + and −, Shift with arrows, 0.",
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
            "The cosine of the angle between two minibatches' gradients, of this pair, the biases of x₁'s layer, "
            "that whole layer or all parameters. Rows and columns are ordered by direction.",
            "cos = ∇J_k · ∇J_l / (|∇J_k| |∇J_l|)",
        ),
        Entry(
            "Predicted below target",
            "The gradient of deliveries' loss, L1, is a sum with a sign for each row: the side of its target on which "
            "it is predicted. The share says how one-sided these signs are. Other studies tell facts of their own.",
        ),
        Entry(
            "Measures",
            "What the literature tells of gradients of minibatches, of the parameters whose cosines are shown (of a "
            "pair: of the whole model), with 95 % intervals over minibatches. `gradviz measures` prints the same.",
        ),
        Entry("Zero", "A gradient that is zero up to round-off has no direction: it is counted and left out of R."),
    ),
    "Curves": (
        Entry(
            "Curves over the epochs",
            "A loss is J, the mean over rows of the study's own loss, on a logarithmic axis; of deliveries it is "
            "the mean |error| in units of y. Solid: of the test rows; dotted: of the training rows. Runs on show are "
            "strong, others faint. Above them, other metrics of the run, each in its own unit.",
        ),
        Entry(
            "Epoch", "Click or drag on the curves, or move the slider: the pictures follow. Keys: ← and →, Space plays."
        ),
        Entry("Band", "With “group seeds”: the mean of one configuration's seeds, from the smallest to the largest."),
        Entry("follow", "While training runs: shows each new epoch as soon as it is there."),
    ),
    "Paths": (
        Entry("Run", "The training that the replicas continue."),
        Entry("From epoch", "The checkpoint at which all replicas begin, with the run's own parameters."),
        Entry("Optimizer", "The run's own, with its state at that checkpoint, or plain SGD without momentum."),
        Entry("Rate ×", "Multiplies the learning rate: smaller steps bend the path less."),
        Entry("Replicas", "How many trainings each condition gets; “same” gets two, which must be equal."),
        Entry(
            "Conditions", "What differs from replica to replica: each changes one thing, and its words stand beside it."
        ),
        Entry(
            "Spread / mean step",
            "How far replicas lie from their mean, over how far they went in the mean: without unit, 0 if all take one "
            "path. The claims on paths count it over the length of the mean way.",
            "√(Σ |θ_k − θ̄|² / (K − 1)) / |θ̄ − θ₀|",
        ),
        Entry("Mean cosine of steps", "Between the ways of replicas since the checkpoint: 1 if they go the same way."),
        Entry(
            "The paths",
            "Projected into the plane of their ends, in units of the parameters; point at one for its step.",
        ),
    ),
    "Evidence": (
        Entry(
            "Verdict",
            "What the rule of the claim says by these numbers: ✓ holds, ◐ in part, ✕ does not hold, ≈ is an "
            "artefact, ? cannot be told.",
        ),
        Entry(
            "Bar",
            "The dot is the number, the thick line its 95 % interval, in the unit at the ends of the axis. The dashed "
            "line is what the rule asks, and the tinted side fulfils it. A square is a null or a control.",
        ),
        Entry("Picture", "What the claim is about, drawn from these runs: a click opens the view that shows it all."),
        Entry(
            "The rule and all numbers", "The rule in words, every number with its sample, and the view that shows it."
        ),
    ),
    "Training": (
        Entry("Start", "Trains the three variants, or goes on where they stopped; a checkpoint is saved every epoch."),
        Entry("Stop", "Ends between two steps; saved epochs are kept."),
        Entry("Start again…", "Deletes all checkpoints of these runs and begins afresh; asks before."),
    ),
}
HELP["Right picture"] = HELP["Left picture"]
"""Keyed by the title of the group of controls."""
