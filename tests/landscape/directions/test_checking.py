"""What a run has at none of its checkpoints is refused from the names and shapes alone."""

import pytest

from gradviz.errors import NotHere, UserError
from gradviz.landscape.directions.axis import parse_axis
from gradviz.landscape.directions.checking import Known

SHAPES = {"hidden.weight": (3, 2), "hidden.bias": (3,), "scale": ()}
OTHERS = {"wider": SHAPES | {"hidden.weight": (4, 2)}, "less": {"hidden.weight": (3, 2)}, "more": SHAPES | {"b": (1,)}}
KNOWN = Known("mine", (0, 2, 5), 4, SHAPES, lambda axis: OTHERS[axis.run])

THERE = [
    *("hidden.bias[2]", "another.name.of.a.shared[0]", "random:1", "random:1@hidden", "random-all:1@scale"),
    *("gradient:3", "gradient:mean@scale", "step", "step@hidden.bias", "towards:more/1", "pca:2", "hessian:8"),
]
LACKING = {
    "hidden.bias[3]": "is out of range",
    "scale[0]": "has no axes",
    "random:1@output": "no parameter's name begins with output: they begin with hidden, scale.",
    "random-all:1@output": "begins with output",
    "random:1@scale": "only biases and norms within scale: write random-all:1",
    "gradient:4": "minibatches of this run are 0 to 3",
    "gradient:mean@output": "begins with output",
    "step@hid": "begins with hid",
    "towards:wider/1": "a difference in hidden.weight: choose",
    "towards:less/1": "a difference in hidden.bias",
    "pca:3": "the 3 checkpoints of mine have 2 principal components",
    "hessian:9": "10 parameters, and eigenvectors up to 8",
}


@pytest.mark.parametrize("axis", THERE)
def test_what_a_run_has_at_some_checkpoint_is_none_of_its_faults(axis: str):
    KNOWN.check(parse_axis(axis))


@pytest.mark.parametrize(("axis", "words"), LACKING.items())
def test_what_it_has_at_none_is_refused(axis: str, words: str):
    with pytest.raises(UserError) as told:
        KNOWN.check(parse_axis(axis))
    assert words in str(told.value)
    assert not isinstance(told.value, NotHere)


@pytest.mark.parametrize("axis", ["step", "gradient:0", "hessian:1", "pca:1"])
def test_a_run_of_one_checkpoint_has_no_steps(axis: str):
    with pytest.raises(UserError, match=r"has one checkpoint, and a (step|path) .*: wait for the next epoch"):
        Known("mine", (0,), 4, SHAPES, lambda axis: SHAPES).check(parse_axis(axis))
