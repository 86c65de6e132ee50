"""One point of the curves over the epochs: how the minibatches agree at a checkpoint, and how rough its picture is."""

import json

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.evidence.roughening import neighbour_angle
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest

_OF_MASKS = ("masks", "num_masks", "seed")
_ASKED = {"run", "epoch", "minibatch_size", "mode", *_OF_MASKS}
_SMALLEST_PART = "output.bias"  # only the pair matters here, but a question must name a part


class Course:
    """A picture's point of the curves at its checkpoint; measured when no one waits for other results, and kept."""

    def __init__(self, request: LandscapeRequest) -> None:
        values = request.model_dump(include=_ASKED)
        if request.mode == "eval":  # without masks, their settings do not change the answer
            values = {name: value for name, value in values.items() if name not in _OF_MASKS}
        agreement = AgreementRequest.of(**values, parts=_SMALLEST_PART, pair=f"{request.x};{request.y}")
        self.request = request
        self._questions = AgreementQuestion(request=agreement), LandscapeQuestion(request=request)

    def key(self, store: RunStore) -> str:
        """Changes with everything that the point depends on; UserError if the checkpoint does not exist."""
        return " ".join(question.key(store) for question in self._questions)

    def point(self, compute: Compute, still_wanted: StillWanted = lambda: True) -> dict[str, object]:
        """As `CourseAnswer`. Agreement is between the arrows at the picture's centre, one for each minibatch; `angle`
        is the mean angle between neighbouring arrows of the picture itself, in degrees, None if there are none.
        """
        agreement, landscape = compute.stream(self._questions, still_wanted=still_wanted)
        told = json.loads(agreement)
        pair = told["parts"][-1]
        return {
            "request": self.request.model_dump(),
            "num_minibatches": told["num_minibatches"],
            "num_zero": pair["num_zero"],
            "resultant": pair["resultant"],
            "cosine": pair["cosine"],
            "share_below": told["share_below"],
            "balance": abs(2 * told["share_below"]["value"] - 1),
            "angle": neighbour_angle(GradientField.from_bytes(landscape)),
        }
