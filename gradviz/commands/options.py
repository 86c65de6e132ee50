"""The options of the commands that compute something of a run, without importing what computes it."""

import argparse
from collections.abc import Callable

from gradviz.drawing.camera import FIRST, Camera
from gradviz.drawing.choices import COLOURS, DIRECTIONS, LENGTHS, NARROWEST_IN, SCHEMES, UNDER, WIDEST_IN, WIDTHS_IN
from gradviz.errors import UserError


def add_landscape_options(parser: argparse.ArgumentParser) -> None:
    """Those of `gradviz landscape` alone."""
    parser.add_argument("--epoch", type=int, required=True, metavar="E")
    parser.add_argument(
        "--x",
        required=True,
        metavar="AXIS",
        help="a parameter, such as hidden.1.linear.bias[0], or a direction: random:SEED, gradient:M, gradient:mean, "
        "step, towards:RUN/EPOCH, pca:K, hessian:K",
    )
    parser.add_argument("--y", required=True, metavar="AXIS", help="another one")
    parser.add_argument("--mode", metavar="eval|train", help="train: dropout on, statistics of the minibatch")
    parser.add_argument("--masks", metavar="fresh|frozen|averaged", help="dropout masks in train mode")
    parser.add_argument("--num-masks", type=int, metavar="K", help="number of mask sets for averaged")
    parser.add_argument("--half-width", type=float, metavar="H", help="half width of the grid (0.1; 1 for directions)")
    parser.add_argument(
        "--points", type=int, metavar="P", help="grid points per side, odd (21; 11 for slow directions)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the masks")
    parser.add_argument(
        "--under",
        choices=UNDER,
        default="none",
        help="the loss in a picture: under the arrows, or as a surface that carries them (none)",
    )
    parser.add_argument(
        "--camera",
        type=_camera,
        default=FIRST,
        metavar="AROUND,OVER,AWAY",
        help=f"from where a surface is seen: degrees around and above it, distance; written --camera={FIRST} (which it "
        "is by default)",
    )
    parser.add_argument(
        "--length",
        choices=LENGTHS,
        default="compressed",
        help="of arrows: |∇J|^0.35, in proportion, or one for all (compressed)",
    )
    parser.add_argument(
        "--direction", choices=DIRECTIONS, default="ascent", help="arrows show ∇J or, turned round, −∇J (ascent)"
    )
    add_print_options(parser)
    parser.add_argument(
        "--method",
        choices=("engine", "replay", "reference"),
        help="engine: the built-in network's; replay: any network's; reference: the plain loop",
    )
    parser.add_argument(
        "--directions-out", metavar="FILE.safetensors", help="write the two vectors, float64, as x.NAME and y.NAME"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="ends in npz, csv, json, pdf, png, svg or html")


def add_print_options(parser: argparse.ArgumentParser) -> None:
    """How a picture looks on paper."""
    parser.add_argument(
        "--width",
        type=_width,
        metavar="INCHES",
        help="width in print of a pdf, png or svg, with letters and lines of that size: 3.25 or column, 5.5 or text, "
        "6.75 or page (as large as for a screen); what links call width is --half-width",
    )
    parser.add_argument(
        "--colours", choices=COLOURS, help="okabe-ito: for colour-blind readers; grey: for print in grey (viridis)"
    )
    parser.add_argument("--scheme", choices=SCHEMES, help="light or dark paper (light)")
    parser.add_argument("--no-titles", action="store_true", help="with --width: no titles over the panels")


def add_publish_options(parser: argparse.ArgumentParser, names: Callable[[str], tuple[str, ...]]) -> None:
    """Those of `gradviz publish` alone."""
    parser.add_argument("--out", required=True, metavar="DIR", help="directory of the site: new, empty, or a site")
    parser.add_argument("--run", type=names, metavar="NAME,…", help="runs in the site (all)")
    parser.add_argument(
        "--pair",
        nargs=2,
        action="append",
        metavar=("X", "Y"),
        help="a pair of parameters, several times for several (those that the page shows first, and the best found)",
    )
    parser.add_argument("--epochs", default="all", metavar="E,…", help="all, or such as 0,5,10-30 (all)")
    parser.add_argument("--minibatches", type=int, default=0, metavar="N", help="the first N of each run (all)")
    parser.add_argument("--minibatch-size", type=int, default=64, metavar="B", help="rows of a minibatch (64)")
    parser.add_argument(
        "--mode",
        type=names,
        default=("eval",),
        metavar="MODE,…",
        help="eval, train (fresh masks), frozen, averaged (eval)",
    )
    parser.add_argument(
        "--with",
        dest="more",
        type=names,
        default=("evidence", "lessons", "scenes"),
        metavar="WHAT,…",
        help="evidence, lessons, scenes, sampling, curves; '' for none (evidence,lessons,scenes)",
    )
    parser.add_argument(
        "--parts",
        type=names,
        default=(),
        metavar="PART,…",
        help="cosines and measures of larger parts than a pair: biases, layer, model (none)",
    )
    parser.add_argument("--rows", action="store_true", help="with the rows of the minibatches, whose texts are data")
    parser.add_argument("--limit-mb", type=float, default=60.0, metavar="MB", help="the site's largest size (60)")
    parser.add_argument("--title", default="gradviz: gradient landscapes", help="the title of the page")
    parser.add_argument("--dry-run", action="store_true", help="say how large the site will be, and write nothing")
    parser.add_argument("--device", metavar="auto|cpu|cuda", help="where to compute")


def add_measures_options(parser: argparse.ArgumentParser) -> None:
    """Those of `gradviz measures` alone."""
    parser.add_argument("--run", required=True, metavar="NAME", help="a run in the list of `gradviz runs`")
    parser.add_argument("--epoch", type=int, required=True, metavar="E")
    parser.add_argument("--part", metavar="NAME", help="model, a layer or module, or a tensor (model)")
    parser.add_argument("--which", metavar="gradients|curvature|all", help="curvature takes longer (all)")
    parser.add_argument("--minibatch-size", type=int, metavar="B", help="rows of a minibatch (64)")
    parser.add_argument("--mode", metavar="eval|train", help="train: dropout on, statistics of the minibatch")
    parser.add_argument("--masks", metavar="fresh|frozen|averaged", help="in train mode, where masks are drawn")
    parser.add_argument("--num-masks", type=int, metavar="K", help="sets of masks that are averaged (8)")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the masks")
    parser.add_argument("--json", action="store_true", help="print them as JSON, as the API does")


def add_rows_options(parser: argparse.ArgumentParser) -> None:
    """Those of `gradviz rows` alone."""
    parser.add_argument("--epoch", type=int, required=True, metavar="E")
    parser.add_argument("--part", metavar="NAME", help="pair, layer (of x), model, or a layer, module or tensor (pair)")
    parser.add_argument("--x", metavar="PARAM", help="of the pair, or in the layer, such as hidden.1.linear.bias[0]")
    parser.add_argument("--y", metavar="PARAM", help="the pair's other one")
    parser.add_argument("--mode", metavar="eval|train", help="train: dropout on, statistics of the minibatch")
    parser.add_argument("--masks", metavar="fresh|frozen|averaged", help="dropout masks in train mode")
    parser.add_argument("--num-masks", type=int, metavar="K", help="number of mask sets for averaged")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the masks")
    parser.add_argument(
        "--sort",
        default="resultant",
        metavar="row|share|resultant|turn|length",
        help="the order of the rows, the strongest first (resultant, by how much R changes)",
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON, as the API does")


def _width(text: str) -> float:
    try:
        width = WIDTHS_IN[text] if text in WIDTHS_IN else float(text)
    except ValueError:
        width = 0.0
    if not NARROWEST_IN <= width <= WIDEST_IN:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither {', '.join(WIDTHS_IN)} nor inches from {NARROWEST_IN:g} to {WIDEST_IN:g}"
        )
    return width


def _camera(text: str) -> Camera:
    try:
        return Camera.parse(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_paths_options(parser: argparse.ArgumentParser, names: Callable[[str], tuple[str, ...]]) -> None:
    """Those of `gradviz paths` alone; `names` reads a list of names."""
    parser.add_argument("--run", required=True, metavar="NAME", help="a run that gradviz trained")
    parser.add_argument("--epoch", type=int, required=True, metavar="E", help="the checkpoint from which all begin")
    parser.add_argument("--replicas", type=int, metavar="K", help="trainings for each condition (8; 2 of same)")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of each training (1)")
    parser.add_argument(
        "--conditions",
        type=names,
        metavar="NAME,…",
        help="same, order, composition, resampled (these four by default), rows, masks",
    )
    parser.add_argument(
        "--optimizer", metavar="own|sgd", help="the run's own with its state there, or SGD without momentum (own)"
    )
    parser.add_argument(
        "--lr",
        type=float,
        metavar="X",
        help="learning rate (the run's own; for sgd the one that lowers the training loss as far)",
    )
    parser.add_argument("--rate-factor", type=float, metavar="X", help="multiplies the learning rate (1)")
    parser.add_argument(
        "--points", type=int, metavar="T", help="times at which paths are compared (32; 8 for large networks)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of all orders, minibatches and masks drawn (0)")
    parser.add_argument(
        "--x",
        metavar="AXIS",
        help="axis of the plane in which the ways are told, as of a landscape",
    )
    parser.add_argument("--y", metavar="AXIS", help="the other one (without both: the principal plane of the ends)")
    parser.add_argument("--device", metavar="auto|cpu|cuda")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of a table")
    parser.add_argument("--out", metavar="FILE", help="ends in json, npz, png or html")
    parser.add_argument(
        "--background",
        action="store_true",
        help="compute as the dashboard does: with low priority, one job at a time, printing nothing",
    )
