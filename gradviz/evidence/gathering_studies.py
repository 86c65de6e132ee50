"""What the claims read of the runs of another study than deliveries, and how the answers are put together."""

from collections.abc import Sequence

from gradviz.evidence.gathered import StudyEvidence
from gradviz.evidence.gathering import round_off_in, scenes_in
from gradviz.evidence.measurements import Null, StudyEpoch
from gradviz.evidence.parts import Answers, Asked, Part, StudyAnswer
from gradviz.evidence.readings import Reading
from gradviz.evidence.roles import PLAIN
from gradviz.evidence.studied import When
from gradviz.evidence.studied_runs import StudiedRuns


def study_evidence(studied: StudiedRuns, answers: Answers) -> StudyEvidence:
    """As much of the evidence as these answers give."""
    parts = [StudyAnswer.model_validate_json(content) for asked, content in answers.items() if isinstance(asked, Part)]
    return StudyEvidence(
        mid_training=studied.mid_training(),
        falling=studied.falling(),
        checkpoints=tuple(part.checkpoint for part in parts if part.checkpoint is not None),
        scenes=tuple(scenes_in(studied, answers)),
        nulls=tuple(null for part in parts for null in part.nulls),
        round_off=round_off_in(studied, answers),
    )


def _checkpoint(studied: StudiedRuns, epoch: int) -> Part:
    """At the drawn one all parameters are measured too."""
    run = studied.runs[PLAIN].name
    return Part("checkpoint", run, epoch, whole=epoch == studied.mid_epochs.get(run))


def _middle_asked(studied: StudiedRuns) -> list[Asked]:
    studied.epoch(PLAIN, When.MID)  # NotThere without mid-training
    return [_checkpoint(studied, epoch) for epoch in studied.mid_training()]


def _middle_of(evidence: StudyEvidence) -> tuple[StudyEpoch, ...] | None:
    return _at(evidence, evidence.mid_training)


def _at(evidence: StudyEvidence, wanted: Sequence[int]) -> tuple[StudyEpoch, ...] | None:
    there = {each.epoch: each for each in evidence.checkpoints}
    return tuple(there[epoch] for epoch in wanted) if wanted and there.keys() >= set(wanted) else None


MIDDLE: Reading[Sequence[StudyEpoch]] = Reading((PLAIN,), _middle_asked, _middle_of)
"""Every checkpoint of mid-training of the run without masks and batch statistics."""

FALLING: Reading[Sequence[StudyEpoch]] = Reading(
    (PLAIN,),
    lambda studied: [_checkpoint(studied, epoch) for epoch in studied.falling()],
    lambda evidence: _at(evidence, evidence.falling),
)
"""Every checkpoint of it whose training loss falls, but the last."""

DRAWN: Reading[StudyEpoch] = Reading(
    (PLAIN,),
    lambda studied: [_checkpoint(studied, studied.epoch(PLAIN, When.MID))],
    lambda evidence: next((each for each in evidence.checkpoints if each.model is not None), None),
)
"""The one that is drawn: all its parameters."""

NULLS: Reading[Sequence[Null]] = Reading(
    (PLAIN,),
    lambda studied: [Part("nulls", studied.runs[PLAIN].name, studied.epoch(PLAIN, When.MID))],
    lambda evidence: evidence.nulls or None,
)
"""The null model of that checkpoint beside what was measured."""
