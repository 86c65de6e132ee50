"""Models of the HTTP API's answers about all minibatches of a checkpoint: measures of the literature, and sampling."""

from pydantic import BaseModel

from gradviz.compute.measures import MeasuresRequest
from gradviz.compute.sampling import SamplingRequest
from gradviz.landscape.statistics import Measured
from gradviz.landscape.statistics.sampling import Sampling


class MeasuresAnswer(BaseModel):
    """The literature's measures of the minibatches' gradients, each with its number and 95 % interval, or with the
    reason why there is none."""

    request: MeasuresRequest
    num_minibatches: int
    num_rows: int
    measures: list[Measured]


class SamplingAnswer(BaseModel):
    """The mean and the covariance of the gradients of minibatches that are drawn without replacement from the rows of
    all that are shown; null with a `reason` where rows have no gradients of their own."""

    request: SamplingRequest
    sampling: Sampling | None
    reason: str | None
