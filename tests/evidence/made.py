"""Evidence made by hand: every claim but those of artefacts holds by it, and each number of it can be changed."""

from gradviz.evidence.controls import (
    ChosenRows,
    ConditionSpread,
    Drift,
    PathsFound,
    PathsOptimizer,
    RandomPairs,
    RoughPairs,
)
from gradviz.evidence.measurements import (
    Ablation,
    Agreement,
    Checkpoint,
    Evidence,
    Null,
    Panel,
    Roughness,
    RoundOff,
    Scene,
    ScopedAgreement,
)
from gradviz.evidence.values import Estimate
from gradviz.experiment.run_record import RunRecord
from gradviz.landscape.paths.request import Condition
from gradviz.landscape.request import LandscapeRequest


def agreement(resultant: float = 0.5, opposite: float = 0.5, cosine_high: float = 0.5) -> Agreement:
    nothing = Estimate(value=0.0)
    return Agreement(
        num_parameters=2,
        num_minibatches=50,
        minibatch_size=64,
        num_zero=0,
        share_below=0.5,
        resultant=Estimate(value=resultant),
        cosine=Estimate(value=0.0, low=-0.1, high=cosine_high),
        opposite=Estimate(value=opposite, low=opposite, high=opposite),
        beyond_150=nothing,
        norm_variation=nothing,
        sign_agreement=nothing,
    )


def roughness(angle: float) -> Roughness:
    one = Estimate(value=1.0)
    grid = {"num_minibatches": 8, "points": 11, "half_width": 0.05}
    return Roughness(**grid, angle=Estimate(value=angle), difference=one, distinct=one, curl=one)


def scene(key: str, variant: str, *, resultant: float = 0.5, opposite: float = 0.5, angle: float = 5.0) -> Scene:
    view = LandscapeRequest(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", run=variant, epoch=3)
    panel = Panel(view=view, agreement=agreement(resultant, opposite), roughness=roughness(angle))
    return Scene(key=key, run=variant, epoch=3, mode="eval", masks="fresh", panels=(panel, panel))


def checkpoint(epoch: int, *, opposite: float = 0.5, cosine_high: float = 0.5, r2: float = 0.98) -> Checkpoint:
    found = agreement(opposite=opposite, cosine_high=cosine_high)
    scopes = tuple(ScopedAgreement(scope=scope, agreement=found) for scope in ("pair 1", "pair 2", "model"))
    return Checkpoint(
        run="none",
        epoch=epoch,
        mode="eval",
        train_loss=1.0,
        test_loss=1.0,
        test_r2=r2,
        balance=0.1,
        agreements=scopes,
        roughness=roughness(5.0),
    )


def null(measured: float, low: float) -> Null:
    estimate = Estimate(value=measured)
    predicted = Estimate(value=low + 0.1, low=low, high=low + 0.2)
    return Null(
        scope="biases 1",
        run="none",
        epoch=3,
        minibatch_size=64,
        num_minibatches=50,
        measured_resultant=estimate,
        random_resultant=predicted,
        formula_resultant=None,
        sensitivity=estimate,
    )


def chosen(by: str, resultant: float | None, times: float | None) -> ChosenRows:
    """Of the whole model at the least balanced epoch; `times` is the lower end of the ratio to random rows."""
    return ChosenRows(
        scope="model",
        run="none",
        epoch=2,
        by=by,
        minibatch_size=64,
        num_minibatches=50,
        resultant=Estimate(value=resultant),
        opposite=Estimate(value=0.0),
        random_resultant=Estimate(value=0.97, low=0.96, high=0.98),
        sensitivity=Estimate(value=None if times is None else times + 1, low=times, high=9.0),
    )


def random_pairs(
    key: str, variant: str, *, resultant: float = 0.95, opposite: float = 0.5, epoch: int = 3
) -> tuple[RandomPairs, ...]:
    found = RandomPairs(
        scene=key,
        run=variant,
        epoch=epoch,
        tensor="hidden.1.linear.bias",
        num_units=100,
        num_live=60,
        num_pairs=50,
        resultant=Estimate(value=resultant),
        opposite=Estimate(value=opposite),
    )
    return found, found


def rough_pairs(key: str, variant: str, *angles: float | None, num_live: int = 60) -> tuple[RoughPairs, ...]:
    """Two panels with these angles, pair by pair."""
    found = RoughPairs(
        scene=key,
        run=variant,
        epoch=3,
        tensor="hidden.1.linear.bias",
        num_units=100,
        num_live=num_live,
        num_minibatches=4,
        angles=angles,
    )
    return found, found


def drift(run: str, *, beta: float | None = None, gamma: float | None = None) -> Drift:
    return Drift(
        run=run,
        epoch=3,
        layer=1,
        optimizer="Adam",
        bias_has_gradient=beta is None,
        bias_rms=0.004,
        bias_largest=0.01,
        beta_rms=beta,
        gamma_rms=gamma,
    )


def paths(
    by: PathsOptimizer, end: float | None = 0.5, middle: float | None = 0.6, *, same: float = 0.0, rows: float = 0.001
) -> PathsFound:
    """`end`, `middle`: lower ends of the spread over the way, the same of each condition. That of `order` is 1."""

    def spread(condition: Condition, largest: float) -> ConditionSpread:
        ratios = tuple(
            Estimate(value=None if low is None else low + 0.1, low=low, high=2.0) for low in (middle, middle, end)
        )
        return ConditionSpread(condition=condition, num_replicas=8, ratios=ratios, largest_spread=largest)

    largest: dict[Condition, float] = {"same": same, "order": 1.0, "composition": 1.0, "resampled": 2.0, "rows": rows}
    return PathsFound(
        run="none",
        epoch=3,
        by=by,
        optimizer="Adam",
        learning_rate=1e-3,
        steps=(1, 2, 3),
        conditions=tuple(spread(condition, size) for condition, size in largest.items()),
    )


def round_off(largest: float) -> RoundOff:
    view = LandscapeRequest(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", run="batchnorm", epoch=10)
    return RoundOff(
        view=view,
        largest_float32=1e-8,
        largest_float64=largest,
        threshold_float32=1e-6,
        threshold_float64=1e-14,
        angle_float32=80.0,
        angle_float64=80.0,
        cosine=0.0,
        zero_share=1.0,
    )


def ablation(permuted: float) -> Ablation:
    return Ablation(
        field="Total Deliverers", epoch=3, num_rows=200, loss=10.0, permuted_loss=permuted, blank_loss=50.0, r2=0.98,
        permuted_r2=0.1,
    )  # fmt: skip


def record(run: str, **changes: object) -> RunRecord:
    """Of a run with this regularizer."""
    counts = {"num_parameters": 10, "rows_used": 10, "rows_left_out": 0, "rows_train": 8, "rows_test": 2}
    return RunRecord.model_validate({"regularizer": run, "torch_version": "2", **counts, **changes})


RUNS = ("none", "dropout", "batchnorm")


def evidence(**changes: object) -> Evidence:
    """Evidence by which every claim but those of artefacts holds, with some of it changed."""
    values: dict[str, object] = {
        "seed": 0,
        "mid_epochs": tuple((run, 3) for run in RUNS),
        "mid_training": (2, 3),
        "runs": tuple(map(record, RUNS)),
        "checkpoints": (checkpoint(2), *(checkpoint(3).model_copy(update={"run": run}) for run in RUNS)),
        "scenes": SCENES,
        "sign_balance": (),
        "interventions": (),
        "nulls": (null(0.2, 0.5),),
        "round_off": round_off(1e-16),
        "mask_splits": (),
        "ablation": ablation(20.0),
        "chosen": (chosen("d", 0.9, 3.0), chosen("store", 0.96, 1.0)),
        "least_balanced": 2,
        "falling": (2, 3),
        "paths": (paths("own"), paths("sgd")),
        "drifts": (drift("none"), drift("batchnorm", beta=0.6, gamma=0.7)),
        "random_pairs": PAIRS,
        "rough_pairs": ROUGH,
    }
    return Evidence.model_validate(values | changes)


SCENES = (
    scene("start-none", "none", resultant=0.95),
    scene("mid-none", "none", angle=5),
    scene("start-dropout", "dropout", resultant=0.9, angle=10),
    scene("mid-dropout", "dropout", resultant=0.3, angle=50),
    scene("dropout-frozen", "dropout", angle=6),
    scene("batchnorm-beta", "batchnorm", angle=20),
)


PAIRS = (
    *random_pairs("start-none", "none"),
    *random_pairs("mid-none", "none", epoch=2),
    *random_pairs("mid-none", "none"),
    *random_pairs("start-dropout", "dropout", resultant=0.9),
    *random_pairs("mid-dropout", "dropout", resultant=0.3),
    *random_pairs("dropout-frozen", "dropout"),
    *random_pairs("batchnorm-beta", "batchnorm"),
)


ROUGH = (
    *rough_pairs("mid-none", "none", 4, 5, 6),
    *rough_pairs("start-dropout", "dropout", 9, 10, 11),
    *rough_pairs("mid-dropout", "dropout", 49, 50, 51),
    *rough_pairs("dropout-frozen", "dropout", 5, 6, 7),
    *rough_pairs("batchnorm-linear", "batchnorm", num_live=0),
    *rough_pairs("batchnorm-beta", "batchnorm", 19, 20, 21),
)


def scenes(*replaced: Scene) -> tuple[Scene, ...]:
    """All, with some replaced."""
    new = {each.key: each for each in replaced}
    return tuple(new.get(each.key, each) for each in SCENES)
