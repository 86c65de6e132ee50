"""What hovering tells of a point of a picture, in true values; `pointLines` of the page's `reading.js` does so too."""

import math

import numpy as np

from gradviz.drawing import labels
from gradviz.landscape import GradientField
from gradviz.numbers import number

DESCENT = "<br>the arrow is −∇J (descent)"
END = "<extra></extra>"
TEMPLATE = f"%{{text}}{END}"


def point_texts(field: GradientField) -> np.ndarray:
    """(Y, X) of texts: plotly takes a list within a list for one text."""
    unit = labels.loss_unit(field)
    per = labels.per_unit(has_directions=field.plane is not None)
    texts = np.empty(field.loss.shape, dtype=object)
    u_YX, v_YX = labels.parts_of(field)
    for row, column in np.ndindex(texts.shape):
        x, y, loss = float(field.x[column]), float(field.y[row]), float(field.loss[row, column])
        u, v = float(u_YX[row, column]), float(v_YX[row, column])
        lines = [f"x₁ = {number(x, 5)}, x₂ = {number(y, 5)}"]
        if field.is_zero[row, column]:
            lines.append(f"∇J is {labels.ZERO_WORDS}")
        else:
            size = number(math.hypot(u, v))
            lines += [f"∂J/∂x₁ = {number(u)}", f"∂J/∂x₂ = {number(v)}", f"|∇J| = {size} {per}"]
        texts[row, column] = "<br>".join([*lines, f"J = {number(loss, 5)}{unit}"])
    return texts
