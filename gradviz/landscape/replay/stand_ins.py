"""The random functions of torch, written with masks and generators that the caller hands out.

`draws.gain(shape, p, like)` is a mask over its probability to keep, `draws.drawn(func, args, kwargs)` a call of a
random function with a generator. Composite functions that would draw where nobody sees them are opened: run in parts.
"""

import math
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay.recurrent import RECURRENT, between_layers, drops_between_layers

Rule = Callable[..., Any]

_SELU = -1.7580993408473766
"""The value that alpha dropout drops to: −scale · α of SELU (Klambauer et al. 2017, section 2)."""


def stand_in(func: Any, args: Any, kwargs: Any) -> Rule | None:
    """rule(draws, *args, **kwargs) for a call that draws; None for any other."""
    if func in DROPOUTS:
        return _dropout(func, args, kwargs)
    if func is F.scaled_dot_product_attention:
        return _attention_that_drops if kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0) > 0 else None
    if func in RECURRENT:
        return between_layers(func) if drops_between_layers(args) else None
    if func in OPENED:
        return lambda draws, *a, **k: OPENED[func](*a, **k)
    if func is F.rrelu:
        return _rrelu if kwargs.get("training", args[3] if len(args) > 3 else False) else None
    if func in LIKE and kwargs.get("generator") is None:
        return lambda draws, *a, **k: _like(draws, func, *a, **k)
    if func is Tensor.bernoulli_ and not isinstance(kwargs.get("p", args[1] if len(args) > 1 else 0.5), Tensor):
        return _coins if kwargs.get("generator") is None else None
    if func in DRAWING and kwargs.get("generator") is None:
        return lambda draws, *a, generator=None, **k: draws.drawn(func, a, k)
    return None


def _dropout(func: Any, args: Any, kwargs: Any) -> Rule | None:
    (rule, trains), names = DROPOUTS[func], ("input", "p", "training", "inplace")
    given = dict(zip(names, args, strict=False)) | {_NAMES.get(name, name): value for name, value in kwargs.items()}
    x, p, training = given["input"], given.get("p", 0.5), given.get("training", trains)
    in_place = given.get("inplace", False) or func.__name__.endswith("_")
    if not 0 <= p <= 1:
        return None  # torch says what is wrong
    if not training or p == 0:
        return lambda draws, *a, **k: x
    if in_place:
        return lambda draws, *a, **k: x.copy_(rule(draws, x, p))
    return lambda draws, *a, **k: rule(draws, x, p)


_NAMES = {"train": "training"}


def _elements(draws: Any, x: Tensor, p: float) -> Tensor:
    return x * draws.gain(tuple(x.shape), p, x)


def _channels(draws: Any, x: Tensor, p: float) -> Tensor:
    return x * draws.gain((*x.shape[:2], *[1] * (x.ndim - 2)), p, x)


def _alpha_elements(draws: Any, x: Tensor, p: float) -> Tensor:
    return _alpha(draws, x, p, tuple(x.shape))


def _alpha_channels(draws: Any, x: Tensor, p: float) -> Tensor:
    return _alpha(draws, x, p, (*x.shape[:2], *[1] * (x.ndim - 2)))


def _alpha(draws: Any, x: Tensor, p: float, shape: tuple[int, ...]) -> Tensor:
    """Drops to a value other than 0, and keeps mean and variance."""
    if p == 1:
        return x * 0
    keep = draws.gain(shape, p, x) * (1 - p)
    scale = ((1 - p) * (1 + p * _SELU**2)) ** -0.5
    return scale * (x * keep + _SELU * (1 - keep)) - scale * _SELU * p


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    draws: Any = None,
) -> Tensor:
    """`F.scaled_dot_product_attention` as its documentation defines it, with a mask of `draws`."""
    if enable_gqa:
        key, value = (t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value))
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        allowed = torch.ones((query.shape[-2], key.shape[-2]), dtype=torch.bool, device=query.device).tril()
        scores = torch.where(allowed, scores, -math.inf)
    if attn_mask is not None:
        boolean = attn_mask.dtype == torch.bool
        scores = torch.where(attn_mask, scores, -math.inf) if boolean else scores + attn_mask
    weights = scores.softmax(-1)
    if draws is not None:
        weights = weights * draws.gain(tuple(weights.shape), dropout_p, weights)
    return weights @ value


def _attention_that_drops(draws: Any, *args: Any, **kwargs: Any) -> Tensor:
    return attention(*args, **kwargs, draws=draws)


def _rrelu(
    draws: Any, x: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = True, inplace: bool = False
) -> Tensor:
    slope = lower + (upper - lower) * draws.drawn(torch.rand, (tuple(x.shape),), {"dtype": x.dtype, "device": x.device})
    out = torch.where(x >= 0, x, x * slope)
    return x.copy_(out) if inplace else out


def _like(draws: Any, func: Any, x: Tensor, *args: Any, generator: None = None, **kwargs: Any) -> Tensor:
    """The values of `rand_like(x)` depend on the form of x alone, so it is drawn by that."""
    form = {"dtype": kwargs.get("dtype") or x.dtype, "device": kwargs.get("device") or x.device}
    bounds = args if args or func is not torch.randint_like else (kwargs["low"], kwargs["high"])
    return draws.drawn(LIKE[func], (*bounds, tuple(x.shape)), form)


def _coins(draws: Any, x: Tensor, p: float = 0.5, *, generator: None = None) -> Tensor:
    """A mask drawn into `x`: 1 with probability p."""
    return x.zero_() if p == 0 else x.copy_((draws.gain(tuple(x.shape), 1 - p, x) > 0).to(x.dtype))


def _opened(function: Any) -> Any:
    """A composite function whose parts are seen: its own question for overrides says no."""
    names = dict(function.__globals__)
    for question in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"):
        names[question] = lambda *_: False
    opened = types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    opened.__kwdefaults__ = function.__kwdefaults__
    return opened


_COMPOSITE = (F.multi_head_attention_forward, F.gumbel_softmax, torch.autograd.backward, torch.autograd.grad)
OPENED = {function: _opened(function) for function in _COMPOSITE}
DROPOUTS: dict[Any, tuple[Rule, bool]] = {
    F.dropout: (_elements, True),
    torch.dropout: (_elements, True),
    torch.dropout_: (_elements, True),
    F.dropout1d: (_channels, True),
    F.dropout2d: (_channels, True),
    F.dropout3d: (_channels, True),
    torch.feature_dropout: (_channels, True),
    torch.feature_dropout_: (_channels, True),
    F.alpha_dropout: (_alpha_elements, False),
    torch.alpha_dropout: (_alpha_elements, True),
    torch.alpha_dropout_: (_alpha_elements, True),
    F.feature_alpha_dropout: (_alpha_channels, False),
    torch.feature_alpha_dropout: (_alpha_channels, True),
    torch.feature_alpha_dropout_: (_alpha_channels, True),
}
"""What each drops, and whether it drops where nothing says that the model trains."""
LIKE = {torch.rand_like: torch.rand, torch.randn_like: torch.randn, torch.randint_like: torch.randint}
_METHODS = "bernoulli multinomial bernoulli_ uniform_ normal_ exponential_ random_ geometric_ log_normal_ cauchy_"
DRAWING = {
    *(torch.rand, torch.randn, torch.randint, torch.randperm, torch.bernoulli, torch.normal),
    *(torch.multinomial, torch.poisson),
    *(getattr(Tensor, name) for name in _METHODS.split()),
}
