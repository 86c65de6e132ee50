"""Measures a set of runs for the report with the page's own questions: what one has measured, the other reuses."""

import itertools
from collections.abc import Callable, Iterator, Sequence

from gradviz.compute.checkpoint import MINIBATCHES_TOGETHER
from gradviz.compute.kinds import question_of
from gradviz.compute.local import LocalCompute
from gradviz.evidence.claims import absences
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.gathering import everything, loop_fields, whole_evidence
from gradviz.evidence.measuring import doing
from gradviz.evidence.parts import Asked
from gradviz.evidence.path_taking import KeptPaths, nothing_kept
from gradviz.evidence.scenes import SceneSpec, scenes_of
from gradviz.evidence.studied import Studied
from gradviz.landscape import GradientField, LandscapeRequest

OnMessage = Callable[[str], None]


class Measuring:
    """The evidence of the runs that `compute` answers for; `on_message` is told what is being done, and `kept` finds
    paths that were measured."""

    def __init__(
        self, compute: LocalCompute, on_message: OnMessage = lambda message: None, kept: KeptPaths = nothing_kept
    ) -> None:
        self.compute, self.on_message = compute, on_message
        self.studied = Studied.of(compute.store, kept)
        self.scenes = scenes_of(self.studied)

    def evidence(self) -> Evidence:
        """All measurements."""
        answers: dict[Asked, bytes] = {}
        for _, group in itertools.groupby(everything(self.studied), key=_plane_of):
            asked = list(group)
            answers |= zip(asked, self._answers(asked), strict=True)
        return whole_evidence(self.studied, answers).model_copy(update={"absent": absences(self.studied)})

    def fields(self, spec: SceneSpec) -> Iterator[list[GradientField]]:
        """The fields of each picture of a scene, for all of its minibatches."""
        for request in spec.requests():
            yield [field for _, field in self.compute.minibatches(request, spec.minibatches(self.studied))]

    def loop_fields(self) -> list[GradientField]:
        """The source's batch normalization picture by the plain loop, in float32 and in float64."""
        return [GradientField.from_bytes(content) for content in self._answers(loop_fields(self.studied))]

    def _answers(self, asked: Sequence[Asked]) -> Iterator[bytes]:
        questions = [question_of(each) for each in asked]
        if any(self.compute.cache.get(question.key(self.compute.store)) is None for question in questions):
            self.on_message(doing(asked[0]))
        return self.compute.stream(questions, together=MINIBATCHES_TOGETHER)


def _plane_of(asked: Asked) -> Asked:
    """What the fields of several minibatches have in common."""
    return asked.model_copy(update={"minibatch": 0}) if isinstance(asked, LandscapeRequest) else asked
