"""`gradviz rows`."""

import argparse
import json
import math
from collections.abc import Sequence
from typing import Any

from gradviz.compute.choice import open_store
from gradviz.compute.influence import InfluenceQuestion, InfluenceRequest
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.numbers import number
from gradviz.settings import load_settings

_OPTIONAL = ("part", "x", "y", "minibatch", "minibatch_size", "rows", "mode", "masks", "num_masks", "seed")
ORDERS = {"row": "row", "share": "share", "resultant": "resultant_change", "turn": "turn", "length": "length_change"}
"""What rows may be sorted by: the option's word, and the answer's member."""


def run(options: argparse.Namespace) -> int:
    """Prints what each row of a minibatch does to its gradient, the strongest first, and the pairs that oppose each
    other most; `--json`: as the API."""
    settings = load_settings(runs=options.runs, study=options.study)
    if options.sort not in ORDERS:
        raise UserError(f"`--sort` must be one of {', '.join(ORDERS)}, got {options.sort}.")
    given = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) is not None}
    asked = InfluenceRequest.of(run=options.run, epoch=options.epoch, **given)
    bench = Workbench(open_store(settings), device=settings.device)
    answer = InfluenceQuestion(request=asked).answer(bench).decode()
    found = json.loads(answer)
    if not found["rows"] and not options.json:
        raise UserError(found["sentence"])
    print(answer if options.json else "\n".join(_told(asked, found, ORDERS[options.sort])))
    return 0


def _told(asked: InfluenceRequest, found: dict[str, Any], by: str) -> list[str]:
    size = f", {len(found['rows'])} rows" if asked.rows is None else ""
    part = f"{asked.x} & {asked.y}" if asked.part == "pair" else asked.part
    agreement = "not defined" if found["resultant"] is None else number(found["resultant"])
    return [
        f"{asked.run}, epoch {asked.epoch}, {asked.mode} mode, {part}: {asked.minibatch_words}{size}",
        f"R of {found['num_minibatches']} minibatches with a gradient: {agreement}; length of this gradient: "
        f"{number(found['length'])}",
        found["sentence"],
        "",
        "if the row is left out:",
        *_table(
            ["row", "share", "R", "turn", "length"],
            [
                [
                    str(row["row"]),
                    _percent(row["share"]),
                    _change(row["resultant_change"]),
                    _change(row["turn"], "°", 3),
                    _percent(row["length_change"], is_change=True),
                ]
                for row in sorted(found["rows"], key=lambda row: _order(row[by], by))
            ],
        ),
        *(["", "pairs of rows that oppose each other most:"] if found["opposing"] else []),
        *_table(
            ["row", "row", "inner product", "cosine"] if found["opposing"] else [],
            [
                [str(pair["row"]), str(pair["other"]), number(pair["product"], 3), number(pair["cosine"], 3)]
                for pair in found["opposing"]
            ],
        ),
    ]


def _order(value: float | None, by: str) -> float:
    """The strongest first, rows by their numbers; what is not defined comes last."""
    if value is None:
        return math.inf
    return value if by == "row" else -abs(value)


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    return ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in (heads, *lines)]


def _change(value: float | None, unit: str = "", digits: int = 2) -> str:
    if value is None:
        return "–"
    return f"{'+' if value > 0 else ''}{number(value, digits)}{unit}"


def _percent(value: float | None, *, is_change: bool = False) -> str:
    if value is None:
        return "–"
    text = number(100 * value, 3)
    return f"{'+' if is_change and value > 0 else ''}{text} %"
