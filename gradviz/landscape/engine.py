"""The gradient landscape of two parameters for about the cost of one forward pass.

A parameter moves one unit of its layer. So (1) everything below is the checkpoint's forward pass, computed once;
(2) the next layer's inputs change by one column per parameter, a rank-one update instead of a matrix product;
(3) if rows are independent, most units of that next layer cannot change sign on the grid (`undecided`); (4) the rest
passes through the layers above as values with two derivatives (`dual`). docs/engine.md has the derivation.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from gradviz.landscape.batch_norm import through_batch_norm
from gradviz.landscape.clean import CleanPass, stacked_gains
from gradviz.landscape.dual import Dual, activate, gate_input, linear
from gradviz.landscape.network import Layer, Network, Norm
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.request import LandscapeSpec, grid_steps
from gradviz.landscape.tiling import Part, tile_bytes, tiles
from gradviz.landscape.undecided import Change, through_relu, undecided

# Shape suffixes: Y/X = grid rows/columns, B = examples of a minibatch, N = units of a layer.


@dataclass(frozen=True)
class Move:
    """A parameter and its steps on the grid: x varies along X, y along Y."""

    ref: ParameterRef
    layer: int
    step: Dual


class Gates(NamedTuple):
    """A moved unit, (Y, X) or broadcastable: is it `open` on any row, and does the mask keep it on any of those?"""

    open: Tensor
    kept: Tensor


@dataclass(frozen=True)
class Tile:
    """Results at some grid points: predictions with their derivatives, and which moved units are active."""

    rows: slice
    columns: slice
    outputs: Dual
    """(Y, X, B), in units of the target; the derivatives per unit of the parameter."""
    gates_x: Gates
    gates_y: Gates


class Watch(Protocol):
    """Is shown what the gates of hidden layers take, where they may switch on the grid: they are open above 0."""

    def units(self, layer: int, rows_S: Tensor, units_S: Tensor, gates_YXS: Tensor) -> None:
        """Some gates of a layer, by row and unit."""

    def layer(self, layer: int, gates_YXBN: Tensor) -> None:
        """All gates of a layer."""


def outputs_on_grid(clean: CleanPass, spec: LandscapeSpec, part: Part | None = None) -> Iterator[Tile]:
    """Predictions and their derivatives by x and y over the grid, or a `part` of it, in tiles of bounded size.

    The masks are those of `clean`, one set for the whole grid, unless `spec` asks for fresh ones. The `rows` and
    `columns` of a tile count within the part.
    """
    part = part or Part.whole(spec)
    network = clean.network
    fresh = spec.mode == "train" and spec.masks == "fresh" and network.draws_masks
    steps = torch.tensor(grid_steps(spec), dtype=torch.float64).to(device=network.device, dtype=network.dtype)
    one = torch.ones((1, 1, 1, 1), dtype=network.dtype, device=network.device)
    refs = spec.refs
    layers = [network.output if ref.layer is None else ref.layer for ref in refs]
    cut = tiles(clean, part, 0, tile_bytes() // 8) if fresh else tiles(clean, part, min(layers) + 1)
    for rows, columns in cut:
        between_tiles()
        at = Part(part.rows[rows], part.columns[columns])
        x, y = steps[list(at.columns)].view(1, -1, 1, 1), steps[list(at.rows)].view(-1, 1, 1, 1)
        moves = [Move(refs[0], layers[0], Dual(x, dx=one)), Move(refs[1], layers[1], Dual(y, dy=one))]
        if fresh:
            outputs, opened = propagate(clean, moves, _fresh_gains(network, spec, len(clean), at))
        else:
            outputs, opened = propagate(clean, moves)
        scaled = outputs.map(lambda t: t[..., 0] * network.output_scale)
        yield Tile(rows, columns, scaled, *(opened[ref] for ref in refs))


def watched(clean: CleanPass, spec: LandscapeSpec, part: Part, watch: Watch) -> Tensor:
    """Predictions (Y, X, B) on a part of the grid, in units of the target, without derivatives; `watch` is shown the
    gates below. The masks are those of `clean`."""
    network = clean.network
    steps = torch.tensor(grid_steps(spec), dtype=torch.float64).to(device=network.device, dtype=network.dtype)
    along = steps[list(part.columns)].view(1, -1, 1, 1), steps[list(part.rows)].view(-1, 1, 1, 1)
    moves = [
        Move(ref, network.output if ref.layer is None else ref.layer, Dual(step))
        for ref, step in zip(spec.refs, along, strict=True)
    ]
    outputs, _ = propagate(clean, moves, watch=watch)
    return outputs.value[..., 0] * network.output_scale


def propagate(
    clean: CleanPass,
    moves: Sequence[Move],
    fresh_gains: Sequence[Tensor] | None = None,
    watch: Watch | None = None,
    near: Callable[[int, Sequence[Change]], Dual | None] | None = None,
) -> tuple[Dual, dict[ParameterRef, Gates]]:
    """The last layer's values (Y, X, B, 1) on the grid, and where each moved unit is active.

    Starts at the lowest layer that differs from `clean`: the lowest moved one, or the first with fresh masks.
    `near` may answer for a ReLU layer in the place of `through_relu`.
    """
    network, batch_statistics = clean.network, clean.batch_statistics

    def gain(k: int) -> Tensor | None:
        return clean.gain(k) if fresh_gains is None or k == network.output else fresh_gains[k]

    k = start = 0 if fresh_gains is not None else min(move.layer for move in moves)
    opened = {}
    inputs, pre = Dual(clean.inputs(k)[None, None]), Dual(clean.pre(k)[None, None])
    changes: list[Change] = []
    while True:
        layer = network.layers[k]
        unchanged = k == start and fresh_gains is None
        out = (
            Dual(clean.out(k)[None, None])
            if unchanged
            else activate(layer, pre, gain(k), batch_statistics=batch_statistics)
        )
        moved = [move for move in moves if move.layer == k]
        changes = _changes(clean, layer, pre, _reader(inputs, changes), out, moved, gain(k))
        if watch is not None and layer.relu:
            _show(watch, clean, k, None if unchanged else pre, changes)
        opened |= {
            move.ref: Gates(change.open, change.kept)
            for change in changes
            for move in moved
            if move.ref.unit == change.unit
        }
        if k == network.output:
            for change in changes:
                out = out + change.delta
            return out, opened
        above = network.layers[k + 1]
        single = unchanged and all(move.layer <= k for move in moves)
        if single and above.relu and not (above.norm is not None and batch_statistics):
            if watch is not None:
                watch.units(k + 1, *undecided(above, clean.pre(k + 1), changes))
            pre = near(k + 1, changes) if near else None
            pre = pre or through_relu(above, network.layers[k + 2], clean.pre(k + 1), gain(k + 1), changes)
            k, changes = k + 2, []
            continue
        between_tiles()
        gates_inside = above.norm is not None and not above.norm.after and k + 2 == network.output
        if single and gates_inside and watch is None:
            return through_batch_norm(above, network.layers[k + 2], clean.pre(k + 1), changes), opened
        pre = Dual(clean.pre(k + 1)[None, None]) if unchanged else linear(above, out)
        for change in changes:
            column_N = above.weight_NM[:, change.unit]
            pre = pre + change.delta.map(lambda t, column=column_N: t * column)
        k, inputs = k + 1, out


def _show(watch: Watch, clean: CleanPass, k: int, pre: Dual | None, changes: Sequence[Change]) -> None:
    """Shows the gates of layer `k`: of moved units alone, if `pre` is None, because the others take what they took."""
    if pre is None:
        rows_B = torch.arange(len(clean), device=clean.network.device)
        for change in changes:
            watch.units(k, rows_B, torch.full_like(rows_B, change.unit), change.gate[..., 0])
        return
    gates = gate_input(clean.network.layers[k], pre, batch_statistics=clean.batch_statistics).value
    if changes:
        shape = torch.broadcast_shapes(gates.shape[:2], *(change.gate.shape[:2] for change in changes))
        gates = gates.expand(*shape, -1, -1).clone()
        for change in changes:
            gates[..., change.unit : change.unit + 1] = change.gate
    watch.layer(k, gates)


def _changes(
    clean: CleanPass,
    layer: Layer,
    pre: Dual,
    read: Callable[[int], Dual],
    out: Dual,
    moves: Sequence[Move],
    gain: Tensor | None,
) -> list[Change]:
    """The changes of one layer's outputs by its moves: a column per moved unit, through that unit's norm and ReLU."""
    changes = []
    for unit in dict.fromkeys(move.ref.unit for move in moves):
        z, factors = pre.unit(unit), {}
        for move in moves:
            if move.ref.unit != unit:
                continue
            if move.ref.kind == "bias":
                z = z + move.step
            elif move.ref.kind == "weight":
                z = z + move.step * read(move.ref.index[1])
            else:
                assert layer.norm is not None
                own = layer.norm.weight_N if move.ref.kind == "gamma" else layer.norm.bias_N
                factors[move.ref.kind] = Dual(own[unit : unit + 1]) + move.step
        one = _one_unit(layer, unit)
        gate = gate_input(one, z, batch_statistics=clean.batch_statistics, **factors).value
        column = activate(one, z, None, batch_statistics=clean.batch_statistics, **factors)
        active = gate > 0 if layer.relu else torch.ones_like(gate, dtype=torch.bool)
        opened = kept = active.any(-2)[..., 0]
        if gain is not None:
            mask = gain[..., unit : unit + 1]
            kept = (active & (mask != 0)).any(-2)[..., 0]
            column = column * Dual(mask)
        changes.append(Change(unit, column - out.unit(unit), opened, kept, gate))
    return changes


def _reader(inputs: Dual, changes: Sequence[Change]) -> Callable[[int], Dual]:
    """A layer's input from one unit below: its output and, if it was moved, the change."""

    def read(index: int) -> Dual:
        return sum((change.delta for change in changes if change.unit == index), start=inputs.unit(index))

    return read


def _one_unit(layer: Layer, unit: int) -> Layer:
    def cut(tensor: Tensor) -> Tensor:
        return tensor[unit : unit + 1]

    norm = layer.norm
    if norm is not None:
        norm = Norm(*map(cut, (norm.weight_N, norm.bias_N, norm.mean_N, norm.var_N)), eps=norm.eps, after=norm.after)
    return Layer(cut(layer.weight_NM), cut(layer.bias_N), norm, layer.relu)


def _fresh_gains(network: Network, spec: LandscapeSpec, num_rows: int, at: Part) -> list[Tensor]:
    """A new set of masks for every grid point of the tile, numbered by the point: (Y, X, B, N) per hidden layer."""

    numbers = [j * spec.points + i for j in at.rows for i in at.columns]
    gains = stacked_gains(network, spec.seed, numbers, num_rows)
    return [gain_KBN.unflatten(0, (len(at.rows), len(at.columns))) for gain_KBN in gains]
