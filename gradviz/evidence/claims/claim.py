"""A claim of the source: its words, the measurements that test it, and the rule that decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradviz.errors import UserError
from gradviz.evidence.claims.by_threads import beside_threads
from gradviz.evidence.deciding import why_untold
from gradviz.evidence.gathered import Evidence, StudyEvidence
from gradviz.evidence.parts import Asked
from gradviz.evidence.readings import Reading
from gradviz.evidence.roles import BATCHNORM, ROLES, Role
from gradviz.evidence.studied import NotThere, Setting
from gradviz.evidence.verdict import Figure, Kind, Picture, Verdict
from gradviz.landscape.request import LandscapeRequest


@dataclass(frozen=True)
class Decision:
    """What a rule decides, the numbers that it decides by, and the landscapes that show them. `by`: the deciding
    numbers in words, to follow the claim's answer. `notes`: what the verdict would be by other choices that may be
    made. `why`: why it cannot be told, where no number is missing."""

    kind: Kind
    figures: tuple[Figure, ...]
    views: tuple[LandscapeRequest, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""
    by: str = ""
    picture: Picture | None = None


NULL_OF_OPPOSITE = "0 % of the pairs are opposite where gradients agree, and half where they are unrelated."
NULL_OF_ANGLE = "The angle between neighbours without regularizer, at a checkpoint of mid-training."


@dataclass(frozen=True)
class Beside:
    """What a verdict is held against, in sentences. `null`: the numbers if there were nothing to the claim,
    or by chance; `control`: what else could make such numbers, and how that is told apart; `several`: how many
    comparisons the rule makes, and whether one of them is enough."""

    null: str
    control: str
    several: str


@dataclass(frozen=True)
class Claim:
    """`quotation` is the source's text, `rule` says in words what `decide` does: it is given the measurements that the
    claim `reads`, in this order, once all of them are there. `answers`: for each kind of verdict that the rule can
    give, the answer to the question, without its numbers. `pictures` are keys of the report's. `remarks` say of the
    evidence what no measurement of it can tell; one that does not apply is empty."""

    key: str
    question: str
    quotation: str
    rule: str
    beside: Beside
    reads: tuple[Reading[Any], ...]
    decide: Callable[..., Decision]
    answers: Mapping[Kind, str]
    pictures: tuple[str, ...] = ()
    remarks: tuple[Callable[[Evidence | StudyEvidence], str], ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles of the runs that it is about, in their order."""
        wanted = {role for reading in self.reads for role in reading.roles}
        return tuple(role for role in ROLES if role in wanted)

    @property
    def reads_paths(self) -> bool:
        """Whether it reads what `gradviz paths` has kept."""
        return any(reading.is_kept for reading in self.reads)

    @property
    def is_chaotic(self) -> bool:
        """Whether it is about a training with batch statistics, which is chaotic in rounding."""
        return BATCHNORM in self.roles

    def asked(self, studied: Setting) -> tuple[Asked, ...]:
        """The questions that its verdict takes, each once; NotThere says what these runs lack and what to do."""
        absent = [role for role in self.roles if role not in studied.runs]
        if absent:
            words = " or ".join(role.words for role in absent)
            raise NotThere(f"No run {words} has a checkpoint yet: train one, in Training.")
        try:
            for role in self.roles:
                studied.check(role)
        except UserError as error:
            raise NotThere(str(error)) from error
        own = [asked for reading in self.reads for asked in reading.asked(studied)]
        return tuple(dict.fromkeys([*own, *self._asked_by_threads(studied)]))

    def _asked_by_threads(self, studied: Setting) -> Sequence[Asked]:
        """The same of the training with another number of CPU threads, as far as that has come."""
        swapped = studied.by_threads(BATCHNORM) if self.is_chaotic else None
        if swapped is None:
            return ()
        try:
            again = [asked for reading in self.reads for asked in reading.asked(swapped)]
        except NotThere:
            again = []
        return *studied.apart_parts(), *again

    def verdict(self, evidence: Evidence | StudyEvidence) -> Verdict:
        """The verdict by this evidence: "not measured" where it lacks a measurement that the claim reads. Where
        trainings are chaotic in rounding, it says whether the verdict by other CPU threads is the same."""
        own = self._verdict(evidence)
        if not self.is_chaotic or not isinstance(evidence, Evidence) or own.kind == Kind.UNKNOWN:
            return own
        return beside_threads(own, evidence, self._verdict)

    def _verdict(self, evidence: Evidence | StudyEvidence) -> Verdict:
        read = [reading.of(evidence) for reading in self.reads]
        if any(each is None for each in read):
            return Verdict(claim=self.key, kind=Kind.UNKNOWN, figures=(), why=evidence.why_absent(self.key))
        decided = self.decide(*read)
        why = decided.why or (why_untold(decided.figures) if decided.kind == Kind.UNTOLD else "")
        remarks = (said for remark in self.remarks if (said := remark(evidence)))
        return Verdict(
            claim=self.key,
            kind=decided.kind,
            says=self._says(decided, why),
            figures=decided.figures,
            views=decided.views,
            why=why,
            notes=(*decided.notes, *remarks),
            picture=decided.picture,
        )

    def _says(self, decided: Decision, why: str) -> str:
        """The conclusion: the answer by the verdict, with the numbers that decide; why there is none, where none is."""
        if decided.kind == Kind.UNTOLD:
            return why
        answer = self.answers[decided.kind]
        return f"{answer}: {decided.by}." if decided.by else f"{answer}."
