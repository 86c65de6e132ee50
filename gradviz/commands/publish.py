"""`gradviz publish`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradviz.commands.scratch import scratch_directory
from gradviz.errors import UserError
from gradviz.settings import load_settings


def run(options: argparse.Namespace) -> int:
    """Makes the site: says how large it will be, computes it beside its place, and puts it there."""
    from gradviz.publish.choices import HOWS, MORE, PARTS, Choices, read_epochs
    from gradviz.publish.site import check_place

    settings = load_settings(runs=options.runs, study=options.study, device=options.device)
    if options.limit_mb <= 0:
        raise UserError(f"`--limit-mb` must be positive, got {options.limit_mb:g}.")
    choices = Choices.of(
        runs=tuple(options.run or ()),
        pairs=tuple((x, y) for x, y in options.pair or ()),
        epochs=read_epochs(options.epochs),
        minibatches=options.minibatches,
        minibatch_size=options.minibatch_size,
        hows=_among("--mode", options.mode, HOWS),
        parts=_among("--parts", options.parts, PARTS),
        more=_among("--with", options.more, MORE),
        rows=options.rows,
    )
    out = Path(options.out)
    check_place(out)
    return _publish(settings, choices, out, options.limit_mb * 1e6, options.title, is_dry=options.dry_run)


def _among(option: str, given: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    """Those named, none for an empty text; UserError unless all are allowed."""
    named = tuple(dict.fromkeys(name for name in given if name))
    wrong = next((name for name in named if name not in allowed), None)
    if wrong is not None:
        raise UserError(f"`{option}` takes {', '.join(allowed)}, got {wrong[:40]!r}.")
    return named


def _publish(settings: Any, choices: Any, out: Path, limit_bytes: float, title: str, *, is_dry: bool) -> int:
    from gradviz.publish.pages import Pages
    from gradviz.publish.questions import groups
    from gradviz.publish.server import answering
    from gradviz.publish.site import Writer, expected, take_place, write

    with answering(settings, choices.runs) as server:
        runs = server.held(choices)
        pairs = server.pairs(runs, choices.pairs)
        extras = server.extras(choices, runs, pairs)
        own = [*groups(runs, pairs, choices), *server.documents(choices)]
        all_groups = [*own, *extras.groups(own)]
        pages = Pages(server.app, title)
        _say(_held_words(runs, pairs))
        size = expected(pages, all_groups, server.get)
        from_disk = "opens from disk too" if size.opens_from_disk else "for a web server"
        _say(f"The site takes about {size.whole / 1e6:.1f} MB, {from_disk}; --limit-mb is {limit_bytes / 1e6:g}.")
        size.check(limit_bytes)
        if is_dry:
            return 0
        with scratch_directory(f".{out.absolute().name}.publishing-", out.absolute().parent) as beside:
            writer = Writer(beside, limit_bytes, also_from_disk=size.opens_from_disk)

            def start(index: Any) -> bytes:
                answers = server.first_answers(runs, pairs, extras)
                first = server.first_views(choices, answers["runs"]["runs"], pairs)
                return pages.start(choices, runs, pairs, answers, first, index, extras)

            write(writer, pages, all_groups, start, server.get, _say)
            writer.mark(size.opens_from_disk)
            take_place(beside, out)
    _say(f"{out}: {writer.bytes / 1e6:.1f} MB. Look at it: python -m http.server --bind 127.0.0.1 --directory {out}")
    return 0


def _held_words(runs: Any, pairs: Any) -> str:
    return "\n".join(
        f"{run.name}: {len(run.epochs)} epochs, {run.num_minibatches} minibatches of {run.size} rows, "
        f"{len(pairs[run.name])} pairs: {'; '.join(f'{x} & {y}' for x, y in pairs[run.name])}"
        for run in runs
    )


def _say(text: str) -> None:
    print(text, flush=True)
