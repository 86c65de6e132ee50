"""The kinks of the built-in network: its gates on a grid, of which only those that can switch are evaluated."""

from collections.abc import Iterator

import torch
from torch import Tensor

from gradviz.landscape.engine import watched
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.network import Network, check_spec, parameter_shapes
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.per_row.net import RESIDUAL, Kinks, Net, Site
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.rows import check_finite, check_size
from gradviz.landscape.surroundings import undisturbed
from gradviz.landscape.tiling import Part, tile_bytes
from gradviz.landscape.zero import layer_of

# Shape suffixes: Y/X = grid rows/columns of a tile, B = rows of the minibatch, N = units, S = gates.


def kinks_of_engine(minibatch: Minibatch, spec: LandscapeSpec, wanted: range, limit: int) -> Kinks:
    """As `kinks`, of a plane of two parameters. With masks, those of the `frozen` set."""
    network = minibatch.network
    check_spec(parameter_shapes(network), spec)
    check_size(network, spec.mode, len(minibatch.inputs))
    sites = [Site(f"hidden.{k}: relu", width) for k, width in enumerate(network.widths)] + [Site(RESIDUAL)]
    draws_masks = spec.mode == "train" and network.draws_masks
    with undisturbed(), torch.inference_mode():
        clean = minibatch.clean(spec, 0 if draws_masks else None)
        net = Net(sites, wanted, spec, limit)
        computed = range(len(clean)) if clean.batch_statistics else wanted
        clean = clean if len(computed) == len(clean) else clean.rows(computed.start, computed.stop)
        targets_B = minibatch.targets[computed.start : computed.stop]
        rows_B = torch.arange(len(computed), device=network.device)
        for part in _parts(network, spec, len(computed)):
            between_tiles()
            shown = _Shown(net, part, computed.start)
            residual_YXB = watched(clean, spec, part, shown) - targets_B
            check_finite(network, residual_YXB)
            shown.units(network.output, rows_B, torch.zeros_like(rows_B), residual_YXB)
    return net.kinks()


class _Shown:
    """Hands on to a net what the gates of a tile take, of those that switch."""

    def __init__(self, net: Net, part: Part, first_row: int) -> None:
        self._net, self._at, self._first_row = net, (part.rows[0], part.columns[0]), first_row
        self._shape = len(part.rows), len(part.columns)

    def units(self, layer: int, rows_S: Tensor, units_S: Tensor, gates_YXS: Tensor) -> None:
        gates_YXS = gates_YXS.expand(*self._shape, -1)
        rows_S, units_S, gates_YXS = (each.cpu() for each in (rows_S + self._first_row, units_S, gates_YXS))
        self._net.add(layer, rows_S.numpy(), units_S.numpy(), gates_YXS.numpy(), self._at)

    def layer(self, layer: int, gates_YXBN: Tensor) -> None:
        open_PBN = (gates_YXBN > 0).flatten(0, 1)
        rows_S, units_S = torch.nonzero(open_PBN.any(0) & ~open_PBN.all(0), as_tuple=True)
        self.units(layer, rows_S, units_S, gates_YXBN[:, :, rows_S, units_S])


def _parts(network: Network, spec: LandscapeSpec, num_rows: int) -> Iterator[Part]:
    """Tiles of the grid that share the points at their borders, on which the widest layer takes so many bytes."""
    first = min(layer_of(network, ref) for ref in spec.refs)
    width = max((layer.width for layer in network.layers[first + 1 :]), default=1)
    most = max(4, tile_bytes() // (num_rows * width * torch.finfo(network.dtype).bits // 8))
    num_columns = min(spec.points, max(2, most // 2))
    num_rows = min(spec.points, max(2, most // num_columns))
    for rows in _shared(spec.points, num_rows):
        for columns in _shared(spec.points, num_columns):
            yield Part(rows, columns)


def _shared(points: int, each: int) -> Iterator[range]:
    for start in range(0, points - 1, each - 1):
        yield range(start, min(start + each, points))
