"""Accepts models for the engine: the network of the experiment, whose predictions must be those of its layers.

It removes wrappers. If a model may compute something else than its layers (a subclass, a hook, a replaced module), it
compares the predictions of a copy on a few rows with the engine's, and refuses a model that differs.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_modules
from torch.nn.parameter import is_lazy

from gradviz.errors import NotHere, UserError, shown
from gradviz.experiment.model import MLP, BatchNorm, Block
from gradviz.experiment.wrappers import unwrapped
from gradviz.landscape.clean import CleanPass, draw_gains
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.network import Layer, Network, Norm
from gradviz.landscape.rows import is_finite
from gradviz.landscape.surroundings import undisturbed
from gradviz.numbers import percent_of

# Shape suffixes: B = rows, M = inputs of the network.

DTYPES = (torch.float32, torch.float64)
_PLAIN = {MLP, Block, BatchNorm, nn.Linear, nn.ModuleList}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_TOLERANCE = 1e-6  # of the largest prediction, in float64: far above its round-off, far below any visible difference
_NUM_ROWS = 4


def network_of(
    model: MLP,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
    rows: Tensor | None = None,
) -> Network:
    """The layers of `model` in `dtype` on `device`, sharing its memory where neither differs.

    `UserError`, with the remedy, for a model that the engine does not support. `rows` (B, M): the rows on which to
    compare a model that is more than its layers (default: random ones).
    """
    plain = checked(model)
    network = _layers_of(plain, checked_dtype(dtype), checked_device(device))
    if not _is_plain(plain):
        _compare(plain, rows)
    return network


def checked(model: object) -> MLP:
    """The MLP that `model` is or wraps; `UserError` if there is none, or one without usable values."""
    if isinstance(model, nn.Module):
        model = unwrapped(model)
    if not isinstance(model, MLP):
        raise UserError(_not_an_mlp(model))
    blocks = model.blocks()
    if len(blocks) < len(model.hidden):
        raise UserError(
            "`model.hidden` must contain only blocks of gradviz.experiment.model: move the others elsewhere."
        )
    for name, tensor in model.state_dict(keep_vars=True).items():
        _check_values(name, tensor)
    dtypes = {tensor.dtype for tensor in model.state_dict().values()}
    if len(dtypes) > 1 or not dtypes <= set(DTYPES):
        here = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in dtypes))
        raise UserError(f"`model` has {here}, but the engine needs float32 or float64: pass `model.float()`.")
    num_outputs = model.output.weight.shape[0]
    if num_outputs != 1:
        raise UserError(
            f"`model` has {num_outputs} outputs, but the loss mean |prediction - target| needs one: "
            "pass a model whose `output` has one unit."
        )
    return model


def checked_dtype(dtype: object) -> torch.dtype:
    """`UserError` unless it is float32 or float64."""
    if dtype not in DTYPES:
        raise UserError(f"`dtype` must be torch.float32 or torch.float64, got {shown(dtype)}.")
    assert isinstance(dtype, torch.dtype)
    return dtype


def checked_device(device: torch.device | str | None) -> torch.device | None:
    """The device, None for the model's own; `UserError` if it is unavailable."""
    if device is None:
        return None
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:  # depending on the device
        raise UserError(f"`device` must be available, cpu or cuda, got {shown(device)}.") from error
    if found.type == "meta":
        raise UserError("`device` must store values, cpu or cuda, got meta.")
    return found


def _not_an_mlp(model: object) -> str:
    needed = "`model` must be a gradviz.experiment.model.MLP"
    if isinstance(model, type):
        return f"{needed}, got the class {model.__name__}: make a model of it first."
    if isinstance(model, nn.Module):
        within = next((name for name, child in model.named_modules() if isinstance(child, MLP)), None)
        if within is not None:
            return f"{needed}, got {type(model).__name__}, which holds one: pass its `.{within}`."
        return (
            f"{needed}, got {type(model).__name__}: build an MLP of the same layers (num_inputs, hidden, regularizer) "
            "and copy the weights into it."
        )
    if isinstance(model, dict):
        return f"{needed}, got a {type(model).__name__}: build the MLP and call its `load_state_dict` first."
    if isinstance(model, Network):
        return f"{needed}, got a Network, which this function does not need: pass the model itself."
    return f"{needed}, got {type(model).__name__}."


def _check_values(name: str, tensor: Tensor) -> None:
    if is_lazy(tensor):
        raise UserError(f"`model` has no {name} yet, because it is lazy: let it predict a minibatch once.")
    if tensor.is_meta:
        raise UserError(f"`model` has no values in {name} (it is on the meta device): load its weights first.")
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise UserError(f"{name} of `model` is sparse or quantized: pass a model of ordinary tensors.")
    if not is_finite(tensor.detach()):
        raise NotHere(f"{name} of `model` has values that are not finite", "use an earlier checkpoint")


def _is_plain(model: MLP) -> bool:
    """Whether every part is our own code without hooks, so that the predictions are those of the layers."""
    if any(getattr(torch_modules, f"_global{hooks}") for hooks in _HOOKS):
        return False
    parts = list(model.modules())
    return all(
        type(part) in _PLAIN and "forward" not in part.__dict__ and not any(getattr(part, hooks) for hooks in _HOOKS)
        for part in parts
    ) and all(part.norm_after == model.regularizer.norm_after for part in parts if isinstance(part, Block))


def _layers_of(model: MLP, dtype: torch.dtype, device: torch.device | None) -> Network:
    def read(tensor: Tensor) -> Tensor:
        tensor = tensor.detach().to(device=device, dtype=dtype)
        # A tensor made in inference mode cannot take part in a gradient.
        return tensor.clone() if tensor.is_inference() else tensor

    scale = float(model.output_scale)
    if not abs(scale) <= 1e9:
        raise UserError(f"`model.output_scale` must be at most 1e9, got {scale:g}: scale the targets instead.")

    def norm_of(norm: BatchNorm | None) -> Norm | None:
        if norm is None:
            return None
        parts = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
        return Norm(*map(read, parts), eps=norm.eps, after=model.regularizer.norm_after)

    with undisturbed():
        hidden = [Layer(read(b.linear.weight), read(b.linear.bias), norm_of(b.norm), relu=True) for b in model.blocks()]
        output = Layer(read(model.output.weight), read(model.output.bias), None, relu=False)
    return Network((*hidden, output), scale, model.regularizer)


def _gpus(model: MLP) -> list[torch.device]:
    return [device for device in {tensor.device for tensor in model.parameters()} if device.type == "cuda"]


def _compare(model: MLP, rows: Tensor | None) -> None:
    """`UserError` unless the model's own predictions, in both modes, are those of its layers."""
    what = f"`model` ({type(model).__name__}) does not predict as its layers do"
    remedy = "the engine knows only linear, batch norm, ReLU and dropout: remove its own forward, hooks or modules"
    with undisturbed(), torch.random.fork_rng(devices=_gpus(model)), torch.no_grad():
        try:
            own = copy.deepcopy(model).double()
            network = _layers_of(own, torch.float64, None)
            num_inputs = network.layers[0].weight_NM.shape[1]
            if rows is None or rows.ndim != 2 or rows.shape[1] != num_inputs:
                rows = torch.randn((_NUM_ROWS, num_inputs), generator=torch.Generator().manual_seed(0))
            inputs_BM = rows[:_NUM_ROWS].to(device=network.device, dtype=torch.float64)
            worst = 0.0
            for train in (False, True) if len(inputs_BM) > 1 else (False,):
                gains = draw_gains(network, 0, 0, len(inputs_BM)) if train and network.draws_masks else None
                masks = ()
                if gains is not None:
                    drawn = numbered_masks(network.regularizer, 0, 0, len(inputs_BM), network.widths)
                    masks = ([mask.to(network.device) for mask in drawn],)
                ours = CleanPass(network, inputs_BM, batch_statistics=train and network.has_norm, gains=gains)
                ours_B, own_B = ours.predictions(), own.train(train)(inputs_BM, *masks)
                if not isinstance(own_B, Tensor) or own_B.shape != ours_B.shape:
                    got = tuple(own_B.shape) if isinstance(own_B, Tensor) else type(own_B).__name__
                    raise UserError(f"{what}: of {len(ours_B)} rows it gives {got}, not one number each; {remedy}.")
                scale = max(1e-30, ours_B.abs().max().item())
                worst = max(worst, (own_B - ours_B).abs().max().item() / scale)
        except UserError:
            raise
        except Exception as error:  # its own code may raise anything
            raise UserError(f"{what}: it fails with {type(error).__name__} ({shown(error)}); {remedy}.") from error
    if not worst <= _TOLERANCE:
        raise UserError(f"{what}: they differ by {percent_of(worst)} of the largest prediction; {remedy}.")
