"""All numbers of a report, as one JSON file: the Markdown and the HTML are made from it and nothing else."""

from pathlib import Path

from gradviz import __version__
from gradviz.evidence.claims import CLAIMS, verdicts
from gradviz.evidence.measurements import Evidence
from gradviz.evidence.values import Measured
from gradviz.evidence.verdict import Kind, Verdict
from gradviz.report.machine import Machine


class SeedFindings(Measured):
    """The evidence of one seed and the verdicts that it gives."""

    evidence: Evidence
    verdicts: tuple[Verdict, ...]


class Spread(Measured):
    """One number of a verdict over the seeds."""

    claim: str
    name: str
    unit: str
    values: tuple[float | None, ...]
    mean: float | None
    smallest: float | None
    largest: float | None


class ClaimSummary(Measured):
    """The verdicts on one claim, in the order of the seeds; `by_threads`: by the same training with other CPU threads,
    None where it was not repeated."""

    claim: str
    kinds: tuple[Kind, ...]
    by_threads: tuple[Kind | None, ...] = ()

    @property
    def there(self) -> tuple[Kind, ...]:
        """The verdicts by other CPU threads that were given."""
        return tuple(kind for kind in self.by_threads if kind is not None)

    @property
    def all(self) -> set[Kind]:
        """Every verdict that any training gave."""
        return {*self.kinds, *self.there}


class Findings(Measured):
    """The content of a report."""

    gradviz_version: str
    machine: Machine
    seeds: tuple[SeedFindings, ...]
    summary: tuple[ClaimSummary, ...]
    spread: tuple[Spread, ...]


def findings_of(evidence: tuple[Evidence, ...], machine: Machine) -> Findings:
    """Verdicts for each seed, and their spread."""
    seeds = tuple(SeedFindings(evidence=each, verdicts=tuple(verdicts(each))) for each in evidence)
    summary = tuple(
        ClaimSummary(
            claim=claim.key,
            kinds=tuple(seed.verdicts[k].kind for seed in seeds),
            by_threads=tuple(seed.verdicts[k].by_threads for seed in seeds),
        )
        for k, claim in enumerate(CLAIMS)
    )
    spread = tuple(each for k in range(len(CLAIMS)) for each in _spread([seed.verdicts[k] for seed in seeds]))
    return Findings(gradviz_version=__version__, machine=machine, seeds=seeds, summary=summary, spread=spread)


def read_findings(path: Path) -> Findings:
    return Findings.model_validate_json(path.read_bytes())


def findings_bytes(findings: Findings) -> bytes:
    return (findings.model_dump_json(indent=1) + "\n").encode()


def _spread(of_seeds: list[Verdict]) -> list[Spread]:
    """The numbers that the verdicts of all seeds share, matched by place: their names may have other epochs."""
    length = min(len(verdict.figures) for verdict in of_seeds)
    found = []
    for k in range(length):
        first = of_seeds[0].figures[k]
        values = tuple(verdict.figures[k].estimate.value for verdict in of_seeds)
        there = [value for value in values if value is not None]
        found.append(
            Spread(
                claim=of_seeds[0].claim,
                name=first.name,
                unit=first.unit,
                values=values,
                mean=sum(there) / len(there) if there else None,
                smallest=min(there, default=None),
                largest=max(there, default=None),
            )
        )
    return found
