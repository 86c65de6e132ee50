"""Parameters by short names, as formulas have them: b₁₃₉ of hidden layer 1. `assets/pure/shortnames.js` makes the same;
tests/fixtures/shortnames.json holds both. Full names are in captions, files and addresses."""

from collections.abc import Mapping

from gradviz.landscape.directions.axis import axis_words, is_direction

Tensors = Mapping[str, Mapping[str, str]]
"""Layer, label and kind of each tensor of parameters, by its name in the state dict."""

_LETTERS = {"weight": "w", "bias": "b", "beta": "β", "gamma": "γ"}
_MOST_SUBSCRIPTS = 2
"""Indices; of more, as of a convolution's weight, they stay in brackets."""

_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def symbol_of(name: str, tensors: Tensors) -> str:
    """ "b₁₃₉", "w₃,₁₇", "w[3,0,1,2]"; the name itself of a tensor that is not known."""
    tensor, bracket, rest = name.partition("[")
    if tensor not in tensors:
        return name
    kind = tensors[tensor]["kind"]
    indices = rest.replace("]", "").split(",") if bracket else []
    letter = _LETTERS.get(kind)
    if letter is None or len(indices) > _MOST_SUBSCRIPTS:
        return f"{letter or kind}{bracket}{rest}"
    return letter + ",".join(index.translate(_BELOW) for index in indices)


def short_name(name: str, tensors: Tensors) -> str:
    """ "b₁₃₉ of hidden layer 1"; a direction in words."""
    if is_direction(name):
        return axis_words(name)
    label = tensors.get(name.partition("[")[0], {}).get("label", "")
    return f"{symbol_of(name, tensors)} of {label}" if label else name
