"""From findings to the document: every number in a sentence comes from the findings."""

from collections import Counter
from collections.abc import Iterator, Sequence

from gradviz.compute.recipe import command_line
from gradviz.dashboard import permalink
from gradviz.dashboard.evidence_links import view_of
from gradviz.evidence.claims import CLAIMS, Claim
from gradviz.evidence.claims.chosen import CHOSEN_ROWS
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.scenes import SINGLE
from gradviz.evidence.verdict import DIFFER, Kind, Verdict
from gradviz.landscape.request import LandscapeRequest
from gradviz.report.captions import pictures_of
from gradviz.report.charts import NULL_MODEL
from gradviz.report.chosen_rows import chosen_rows
from gradviz.report.document import Bars, Block, Conclusion, Heading, Link, Links, Quote, Ruling, Table, Text
from gradviz.report.findings import ClaimSummary, Findings
from gradviz.report.numbers import estimate, spread
from gradviz.report.random_rows import random_rows
from gradviz.report.records import records
from gradviz.report.why import why

TITLE = "Are gradients sensitive to the composition of the minibatch?"
_MOST_BARS = 4  # of a seed
_ADDRESS = "http://127.0.0.1:8050/"


def contents(findings: Findings) -> list[Block]:
    """The whole document. The pictures show the first seed, the tables all seeds."""
    blocks: list[Block] = [Heading(TITLE, 1), *_opening(findings)]
    shown: set[str] = set()
    for k, claim in enumerate(CLAIMS):
        blocks += _section(findings, k, claim, shown)
    return [*blocks, *why(findings), *records(findings)]


def _opening(findings: Findings) -> Iterator[Block]:
    evidence = findings.seeds[0].evidence
    seeds = [each.evidence.seed for each in findings.seeds]
    first = evidence.runs[0]
    table = "your own table" if first.data_digest else "a synthetic table of deliveries"
    yield Text(
        "A text on the gradient landscapes of small networks claims that gradients depend strongly on which rows make"
        " up a minibatch, and that dropout and batch normalization destabilise the landscape. This report repeats its"
        " experiments and gives for each claim the measurements, the rule, the verdict, and the reason."
    )
    yield Text(
        f"Preset {first.preset}: {first.rows_used:,} rows of {table}, a network of"
        f" {first.num_parameters:,} parameters with hidden layers of {', '.join(map(str, first.hidden))} units,"
        f" minibatches of {first.batch_size}, {first.epochs} epochs."
        f" {'Seeds' if len(seeds) > 1 else 'Seed'} {', '.join(map(str, seeds))}. R is the mean resultant length of the"
        f" directions of the gradients of {_counts(findings)} minibatches: 1 if all agree."
        " Brackets are 95 % bootstrap intervals over minibatches."
    )
    pairs = zip(CLAIMS, findings.summary, strict=True)
    rows = [(claim.question, _kinds(summary, claim)) for claim, summary in pairs]
    yield Table(("question", "verdict on the source's claim"), tuple(rows))
    yield from pictures_of(SINGLE.key, evidence)


def _counts(findings: Findings) -> str:
    """How many minibatches R is measured over: `50`, or `18 to 50` where pictures differ."""
    scenes = [scene for seed in findings.seeds for scene in seed.evidence.scenes if scene.key != SINGLE.key]
    counts = {panel.agreement.num_minibatches for scene in scenes for panel in scene.panels}
    return " to ".join(map(str, sorted({min(counts), max(counts)}))) if counts else "the"


def _kinds(summary: ClaimSummary, claim: Claim) -> str:
    """`holds`, or with several seeds that differ `holds (2 of 3 seeds), does not hold (1 of 3 seeds)`.

    Where trainings are chaotic in rounding, the verdicts by other CPU threads are counted beside them, and differing
    ones are no verdict."""
    kinds, by_threads = summary.kinds, summary.there
    told = kinds[0] if len(kinds) == 1 else _counted(kinds, "seeds")
    if not claim.is_chaotic or summary.all == {Kind.UNKNOWN}:
        return told
    if not by_threads:
        told += "; not repeated with other CPU threads"
    elif len(kinds) == 1:
        told += f"; with other CPU threads: {by_threads[0]}"
    else:
        told += f"; with other CPU threads: {_counted(by_threads, 'trainings')}"
    return told if len(summary.all) == 1 else f"{Kind.UNTOLD}, {DIFFER}: {told}"


def _counted(kinds: Sequence[Kind], of: str) -> str:
    return ", ".join(f"{kind} ({count} of {len(kinds)} {of})" for kind, count in Counter(kinds).items())


def _section(findings: Findings, k: int, claim: Claim, shown: set[str]) -> Iterator[Block]:
    first, summary = findings.seeds[0], findings.summary[k]
    yield Heading(claim.question, anchor=claim.key)
    yield Quote(claim.quotation)
    yield Ruling(_kinds(summary, claim), _tone(summary, claim), claim.rule)
    beside = claim.beside
    yield Text(f"Null: {beside.null} Control: {beside.control} Comparisons: {beside.several}")
    yield from _conclusions(findings, k)
    yield from _bars(findings, k)
    for note, seeds in _notes(findings, k).items():
        yield Text(note if len(seeds) == len(findings.seeds) else f"Seed {', '.join(map(str, seeds))}: {note}")
    if len(findings.seeds) == 1:
        yield from _figures(first.verdicts[k])
    else:
        yield from _spreads(findings, k, claim)
    for key in claim.pictures:
        if key not in shown:
            shown.add(key)
            yield from pictures_of(key, first.evidence)
            if key == NULL_MODEL.key:
                yield from random_rows(findings)
    if claim is CHOSEN_ROWS:
        yield from chosen_rows(findings)
    views = first.verdicts[k].views
    if views:
        yield Links(tuple(_link(view, first.evidence) for view in views))


def _conclusions(findings: Findings, k: int) -> Iterator[Conclusion]:
    """What the numbers of each seed say, or why they say nothing."""
    for seed in findings.seeds:
        said = seed.verdicts[k].says or seed.verdicts[k].why
        if said:
            yield Conclusion(said if len(findings.seeds) == 1 else f"Seed {seed.evidence.seed}: {said}")


def _bars(findings: Findings, k: int) -> Iterator[Bars]:
    """The first numbers of which the rule asks something, of every seed."""
    asked = []
    for seed in findings.seeds:
        own = [each for each in seed.verdicts[k].figures if each.thresholds and each.estimate.value is not None]
        name = "" if len(findings.seeds) == 1 else f", seed {seed.evidence.seed}"
        asked += [each.model_copy(update={"name": each.name + name}) for each in own[:_MOST_BARS]]
    if asked:
        yield Bars(tuple(asked))


def _notes(findings: Findings, k: int) -> dict[str, list[int]]:
    """The notes on a claim, each with the seeds that it is of."""
    found: dict[str, list[int]] = {}
    for seed in findings.seeds:
        for note in seed.verdicts[k].notes:
            found.setdefault(note, []).append(seed.evidence.seed)
    return found


def _tone(summary: ClaimSummary, claim: Claim) -> str:
    tones = {kind.tone for kind in summary.all}
    if len(tones) == 1:
        return tones.pop()
    return Kind.UNTOLD.tone if claim.is_chaotic else Kind.IN_PART.tone


def _figures(verdict: Verdict) -> Iterator[Table]:
    rows = tuple((each.name, estimate(each.estimate, each.unit), each.asked, each.sample) for each in verdict.figures)
    if rows:
        yield Table(("measured", "value", "asked", "of"), rows)


def _spreads(findings: Findings, k: int, claim: Claim) -> Iterator[Table]:
    """A column for each seed, and the spread."""
    found = [each for each in findings.spread if each.claim == claim.key]
    if not found:
        return
    rows = []
    for n, each in enumerate(found):
        of_seeds = [seed.verdicts[k].figures[n] for seed in findings.seeds]
        values = [estimate(figure.estimate, figure.unit) for figure in of_seeds]
        asked = " or ".join(dict.fromkeys(figure.asked for figure in of_seeds))
        rows.append((each.name, *values, spread(each.values, each.unit), asked))
    seeds = [f"seed {each.evidence.seed}" for each in findings.seeds]
    yield Table(("measured", *seeds, "mean (smallest to largest)", "asked"), tuple(rows))


def _link(request: LandscapeRequest, evidence: Evidence) -> Link:
    """Where the dashboard shows a landscape, and the command that computes it."""
    is_random = request.mode == "train" and any(
        record.name == request.run and record.regularizer.draws_masks for record in evidence.runs
    )
    text = f"{request.x} and {request.y}, {request.run}, epoch {request.epoch}, {request.mode} mode"
    address = _ADDRESS + permalink.write(view_of(request))
    return Link(text, address, command_line(request, "field.html", is_random=is_random))
