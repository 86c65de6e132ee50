"""The rows of a composed minibatch as text and in requests: one text for one list, and old requests as ever."""

import json
import random
from pathlib import Path

import pytest

from gradviz.errors import UserError
from gradviz.landscape.composed import MAX_ROWS, rows_of, rows_text
from gradviz.landscape.request import MAX_MINIBATCH_SIZE, LandscapeRequest, WhyRequest

SHARED = json.loads((Path(__file__).parents[1] / "fixtures/rows.json").read_text())
PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
AT = {"run": "none", "epoch": 3}


def asked(**values: object) -> LandscapeRequest:
    return LandscapeRequest.of(**{**AT, **PAIR, **values})


@pytest.mark.parametrize("case", SHARED["written"], ids=lambda case: case["text"])
def test_a_list_has_one_text_which_is_read_as_that_list(case: dict):
    assert rows_text(case["rows"]) == case["text"]
    assert rows_of(case["text"]) == tuple(case["rows"])


@pytest.mark.parametrize("case", SHARED["read"], ids=lambda case: case["text"])
def test_what_people_type_is_read(case: dict):
    assert rows_of(case["text"]) == tuple(case["rows"])


@pytest.mark.parametrize("text", SHARED["refused"])
def test_what_is_no_list_of_rows_is_refused_in_one_sentence(text: str):
    with pytest.raises(UserError, match=r"^`rows` must .*\.$"):
        rows_of(text)
    with pytest.raises(UserError, match=r"^`rows` must .*\.$"):
        asked(rows=text)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "`rows` must name 1 to 1024 rows, got none."),
        (list(range(MAX_ROWS + 1)), "`rows` must name 1 to 1024 rows, got 1025."),
        ("0-1024", "`rows` must name 1 to 1024 rows, got more: 0-1024."),
        ([4, 17, 4], "`rows` must name each row once, got 4 more than once."),
        ([3, -1], "`rows` must be whole numbers, counted from 0, got -1."),
        ([3, 1.5], "`rows` must be whole numbers, counted from 0, got 1.5."),
        ([True], "`rows` must be whole numbers, counted from 0, got True."),
        ("3" + " " * 10_240, "`rows` must be a text of at most 10240 letters, got 10241."),
        (7, "`rows` must be row numbers such as 3,17,20-24, got 7."),
        ("3;4", "`rows` must be row numbers such as 3,17,20-24, got '3;4'."),
    ],
)
def test_a_list_that_cannot_be_says_what_is_allowed(rows: object, says: str):
    with pytest.raises(UserError) as refused:
        asked(rows=rows)
    assert str(refused.value) == says


def test_a_minibatch_of_any_size_may_be_composed():
    assert MAX_ROWS == MAX_MINIBATCH_SIZE
    assert asked(rows=range(MAX_ROWS)).rows == tuple(range(MAX_ROWS))


def test_random_lists_survive_every_text():
    chance = random.Random(7)
    for _ in range(200):
        rows = chance.sample(range(chance.choice([30, 5000])), chance.randint(1, 30))
        assert rows_of(rows_text(rows)) == tuple(rows)
        request = asked(rows=rows)
        assert LandscapeRequest.from_json(request.canonical()) == request
        assert json.loads(request.canonical())["rows"] == rows_text(rows)


def test_chosen_rows_stand_instead_of_a_number():
    chosen = asked(rows="3,17", minibatch=5)
    assert chosen.minibatch == 0
    assert chosen.key("digest") == asked(rows=(3, 17), minibatch=2, minibatch_size=2).key("digest")
    different = [asked(rows="17,3"), asked(rows="3,18"), asked(rows="3"), asked(), asked(minibatch=5)]
    keys = [request.key("digest") for request in [chosen, *different]]
    assert len(set(keys)) == len(keys)  # in another order other masks meet a row
    assert asked(rows="3").of_minibatch(4) == asked(minibatch=4)


def test_directions_that_the_other_minibatches_make_keep_their_size_in_the_key():
    of_64, of_32 = (asked(rows="3,17", x="gradient:0", minibatch_size=size).key("digest") for size in (64, 32))
    assert of_64 != of_32


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({}, "04aff04bf56f974e332fac666923b3953e3c80b7"),
        (
            {"minibatch": 7, "minibatch_size": 32, "points": 11, "half_width": 0.5},
            "c574c97e91ee985249ecbde713779288c4a73b9d",
        ),
        ({"mode": "train", "masks": "averaged", "seed": 5}, "526761e1551c7e43e7583df6f15854b952389e12"),
        ({"x": "gradient:0", "y": "random:7", "minibatch": 2}, "25781b00ad781db5cc25b342c4b4734d1e72559a"),
    ],
)
def test_requests_without_chosen_rows_have_the_keys_that_they_had_before_there_were_any(values: dict, key: str):
    request = asked(**values)
    assert request.key("digest") == key
    assert "rows" not in request.model_dump()
    assert request == asked(**values, rows=None)


def test_a_question_about_a_parameter_without_chosen_rows_is_written_as_before_there_were_any():
    assert "rows" not in WhyRequest.of(**AT, parameter=PAIR["x"]).model_dump(mode="json")
