"""One point of the curves over the epochs: how the minibatches agree at a checkpoint, and how rough its picture is."""

import json

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.errors import UserError
from gradviz.evidence.roughening import neighbour_angle
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.scalar import Scalar

_OF_MASKS = ("masks", "num_masks", "seed")
_ASKED = {"run", "epoch", "minibatch_size", "mode", *_OF_MASKS}
_SMALLEST_PART = "output.bias"


class Course:
    """A picture's point of the curves at its checkpoint; measured when no one waits for other results, and kept.

    UserError if the run does not exist, or an axis is a direction.
    """

    def __init__(self, request: LandscapeRequest, store: RunStore) -> None:
        if request.has_directions:
            raise UserError(
                "Along directions each checkpoint has a plane of its own, so that there are no curves over the epochs: "
                "choose two parameters."
            )
        values = request.model_dump(include=_ASKED)
        if request.mode == "eval":  # without masks, their settings do not change the answer
            values = {name: value for name, value in values.items() if name not in _OF_MASKS}
        # Only the pair matters here, but a question must name a part: a small one that the model has.
        is_study = isinstance(store.any_run(request.run), StudyRun)
        part = Scalar.parse(request.x).name if is_study else _SMALLEST_PART
        agreement = AgreementRequest.of(**values, parts=part, pair=f"{request.x};{request.y}")
        self.request, self._store = request, store
        self._questions = AgreementQuestion(request=agreement), LandscapeQuestion(request=request)

    def key(self) -> str:
        """Changes with everything that the point depends on; UserError if the checkpoint does not exist."""
        return " ".join(question.key(self._store) for question in self._questions)

    def point(self, compute: Compute, still_wanted: StillWanted = lambda: True) -> dict[str, object]:
        """As `CourseAnswer`. Agreement is between the arrows at the picture's centre, one for each minibatch; `angle`
        is the mean angle between neighbouring arrows of the picture itself, in degrees, None if there are none.
        """
        agreement, landscape = compute.stream(self._questions, still_wanted=still_wanted)
        told = json.loads(agreement)
        pair, below = told["parts"][-1], told["share_below"]
        return {
            "request": self.request.model_dump(),
            "num_minibatches": told["num_minibatches"],
            "num_zero": pair["num_zero"],
            "resultant": pair["resultant"],
            "cosine": pair["cosine"],
            "share_below": below,
            "balance": None if below is None else abs(2 * below["value"] - 1),
            "angle": neighbour_angle(GradientField.from_bytes(landscape)),
        }
