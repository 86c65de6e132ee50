"""The options of every command."""

import argparse
from typing import Any, NoReturn

from gradviz import __version__
from gradviz.commands.options import (
    add_landscape_options,
    add_measures_options,
    add_paths_options,
    add_print_options,
    add_publish_options,
    add_rows_options,
)


class Mistake(Exception):
    """A complaint of argparse, in one line."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise Mistake(f"{message.rstrip('.')}; see `{self.prog} --help`.")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of layer sizes such as 2000,1000,200") from None


def parser() -> argparse.ArgumentParser:
    whole = _Parser(prog="gradviz", description="Gradient landscapes of a network in training, by minibatch.")
    whole.add_argument("--version", action="version", version=f"gradviz {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_train(commands)
    _add_runs(commands)
    _add_import(commands)
    _add_landscape(commands)
    _add_figure(commands)
    _add_why(commands)
    _add_measures(commands)
    _add_rows(commands)
    _add_paths(commands)
    _add_minibatch(commands)
    _add_bench(commands)
    _add_worker(commands)
    _add_report(commands)
    _add_publish(commands)
    return whole


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")


def _add_runs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", metavar="DIR", help="directory of the runs (GRADVIZ_RUNS, else checkpoints)")


def _add_study_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--study", metavar="NAME", help="digits, addition, or FILE.py:NAME, whose code is run (GRADVIZ_STUDY)"
    )


def _add_serve(commands: Any) -> None:
    parser = _command(commands, "serve", "show the dashboard, with training in the background")
    _add_runs_option(parser)
    parser.add_argument("--host", help="address to listen on (GRADVIZ_HOST, else 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (GRADVIZ_PORT, else 8050)")
    parser.add_argument(
        "--prefix", metavar="PATH", help="path below which it stands, as /tools/gradviz/ (GRADVIZ_PREFIX)"
    )
    parser.add_argument("--no-train", action="store_true", help="start no training")
    parser.add_argument("--lessons", metavar="DIR", help="folder of more lessons, Markdown files (GRADVIZ_LESSONS)")
    _add_study_option(parser)


def _add_worker(commands: Any) -> None:
    parser = _command(commands, "worker", "compute for dashboards elsewhere, through the broker (GRADVIZ_BROKER)")
    _add_runs_option(parser)
    parser.add_argument("--device", metavar="auto|cpu|cuda", help="where to compute (GRADVIZ_DEVICE, else auto)")
    parser.add_argument(
        "--queues",
        type=_names,
        metavar="NAME[=N],…",
        default=("interactive", "batch", "training", "paths"),
        help="queues to serve: interactive, batch, training, paths, each with N slots (default: all, one slot each)",
    )
    _add_study_option(parser)


def _add_train(commands: Any) -> None:
    parser = _command(commands, "train", "train runs, with a checkpoint every epoch; continues unfinished runs")
    parser.add_argument(
        "--study",
        default="deliveries",
        metavar="NAME",
        help="deliveries, digits, addition, or FILE.py:NAME, whose code is run (deliveries)",
    )
    _add_run_options(parser)
    parser.add_argument(
        "--variants",
        type=_names,
        metavar="NAME,…",
        help="regularizers, a run for each (none,dropout,batchnorm); also dropout(P), batchnorm(after)",
    )
    parser.add_argument("--name", help="name of the run, or prefix of several runs' names (the regularizer's)")
    parser.add_argument("--label", metavar="TEXT", help="the page's name for the run (default: its name)")
    parser.add_argument("--group", metavar="NAME", help="the set of runs it belongs to, such as several seeds")
    parser.add_argument("--optimizer", metavar="adam|adamw|sgd", help="adam, adamw(DECAY) or sgd(MOMENTUM) (adam)")
    parser.add_argument("--lr", type=float, metavar="X", help="learning rate (3e-4)")
    parser.add_argument("--batch-size", type=int, metavar="N", help="rows of a training minibatch (64)")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--device", metavar="auto|cpu|cuda")
    _add_runs_option(parser)
    parser.add_argument("--fresh", action="store_true", help="replace existing runs")
    parser.add_argument(
        "--replicate",
        metavar="RUN",
        help="train a run of deliveries again with other CPU threads (GRADVIZ_THREADS; else 1, or 2 if it had 1)",
    )
    parser.add_argument(
        "--background",
        action="store_true",
        help="train as the dashboard does: with low priority; existing runs keep their own options",
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="CSV", help="table to learn from (default: a synthetic one)")
    parser.add_argument("--derive", metavar="linear_ests", help="compute this missing column from the others")
    parser.add_argument("--preset", metavar="quick|source", help="defaults for all other options")
    parser.add_argument("--epochs", type=int, metavar="N")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of the table to use")
    parser.add_argument("--hidden", type=_sizes, metavar="N,…", help="units of each hidden layer: 2000,1000,200")
    parser.add_argument("--norm-placement", metavar="before|after", help="batchnorm before or after the activation")


def _add_report(commands: Any) -> None:
    parser = _command(
        commands, "report", "train missing runs, measure them, and report which claims of the source hold"
    )
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="directory for findings.html, .md, .json and pictures"
    )
    parser.add_argument("--seeds", default="0", metavar="N,…", help="repeat with each seed and report the spread (0)")
    parser.add_argument(
        "--no-replicates",
        action="store_true",
        help="do not train batchnorm again with other CPU threads, to see which verdicts rounding changes",
    )
    _add_run_options(parser)
    parser.add_argument("--device", metavar="auto|cpu|cuda")
    _add_runs_option(parser)


def _add_publish(commands: Any) -> None:
    parser = _command(commands, "publish", "write the dashboard as a site of static files, for any web server")
    add_publish_options(parser, _names)
    _add_runs_option(parser)
    _add_study_option(parser)


def _add_runs(commands: Any) -> None:
    parser = _command(commands, "runs", "list the runs: progress, accuracy, size, and the process that trains each")
    _add_runs_option(parser)
    parser.add_argument("--json", action="store_true", help="print everything about them as JSON")


def _add_import(commands: Any) -> None:
    parser = _command(commands, "import", "make a run of a study from checkpoints that other programs saved")
    _add_study_option(parser)
    parser.add_argument("--run", required=True, metavar="NAME", help="name of the new run")
    parser.add_argument("--label", metavar="TEXT", default="", help="the page's name for the run (default: its name)")
    parser.add_argument("--prefix", metavar="TEXT", help="what stands before the model's names (default: found)")
    parser.add_argument(
        "--argument", metavar="NAME=VALUE", action="append", default=[], help="an argument of the study's `model`"
    )
    parser.add_argument("--fresh", action="store_true", help="replace an existing run")
    parser.add_argument(
        "checkpoints",
        nargs="+",
        metavar="CHECKPOINT",
        help=".safetensors, .safetensors.index.json, .pt, .pth, .ckpt, .bin or a directory with a model; in order",
    )
    _add_runs_option(parser)


def _add_landscape(commands: Any) -> None:
    parser = _command(commands, "landscape", "compute one gradient landscape and write it to a file")
    _add_minibatch_options(parser, required=False)
    add_landscape_options(parser)
    _add_study_option(parser)


def _add_figure(commands: Any) -> None:
    parser = _command(commands, "figure", "make the figure, film or page of a recipe, which the page's Export gives")
    parser.add_argument("recipe", metavar="RECIPE.json")
    add_print_options(parser)
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="ends in pdf, svg, png, gif, webp, mp4 or html (the recipe's kind, under a name that tells what is in it)",
    )
    _add_runs_option(parser)
    _add_study_option(parser)


def _add_why(commands: Any) -> None:
    parser = _command(commands, "why", "tell whether the gradient by a parameter is zero, and why")
    parser.add_argument("parameters", nargs="+", metavar="PARAM", help="such as conv1.bias[0]")
    _add_minibatch_options(parser, required=False)
    parser.add_argument("--epoch", type=int, required=True, metavar="E")
    parser.add_argument("--mode", metavar="eval|train", help="train: dropout on, statistics of the minibatch")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the masks")
    parser.add_argument("--half-width", type=float, metavar="H", help="a small step of the parameter (0.1)")
    _add_study_option(parser)


def _add_measures(commands: Any) -> None:
    parser = _command(commands, "measures", "tell the literature's measures of how the minibatches' gradients differ")
    add_measures_options(parser)
    _add_runs_option(parser)
    _add_study_option(parser)


def _add_rows(commands: Any) -> None:
    parser = _command(commands, "rows", "tell what each row of a minibatch does to its gradient")
    _add_minibatch_options(parser, required=False)
    add_rows_options(parser)
    _add_study_option(parser)


def _add_paths(commands: Any) -> None:
    parser = _command(
        commands, "paths", "train on from a checkpoint several times, with other minibatches or in another order"
    )
    add_paths_options(parser, _names)
    _add_runs_option(parser)
    _add_study_option(parser)


def _add_minibatch(commands: Any) -> None:
    parser = _command(commands, "minibatch", "write the inputs and targets of one minibatch to a file")
    _add_minibatch_options(parser, required=True)
    _add_study_option(parser)
    parser.add_argument("--out", required=True, metavar="FILE.npz", help="arrays inputs (rows, inputs) and targets")


def _add_minibatch_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--run", "--variant", required=True, metavar="NAME", help="a run in the list of `gradviz runs`")
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--minibatch", type=int, metavar="M", help="counted from 0")
    which.add_argument("--rows", metavar="ROWS", help="a minibatch of chosen training rows, such as 3,17,20-24")
    parser.add_argument("--minibatch-size", type=int, metavar="B", help="rows of a minibatch (64)")
    _add_runs_option(parser)


def _add_bench(commands: Any) -> None:
    parser = _command(commands, "bench", "time a way to compute landscapes against the plain loop and vmap")
    parser.add_argument(
        "--method",
        choices=("engine", "replay"),
        default="engine",
        help="engine: the built-in network (the default); replay: networks of all kinds, minutes",
    )
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
