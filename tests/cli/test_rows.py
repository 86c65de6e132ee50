"""`gradviz rows` prints what the API tells."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

PAIR = ("--x", "hidden.1.linear.bias[0]", "--y", "hidden.2.linear.weight[1,2]")


@pytest.fixture
def asked(tiny_runs: Path) -> tuple[object, ...]:
    return ("rows", "--runs", tiny_runs, "--run", "batchnorm", "--epoch", 1, "--minibatch-size", 16)


def lines_of_rows(text: str) -> list[list[str]]:
    _, _, table = text.partition("if the row is left out:\n")
    return [line.split() for line in table.split("\n\n")[0].splitlines()[1:]]


def test_rows_are_printed_with_the_strongest_first(gradviz: Callable, asked: tuple[object, ...]):
    answer = gradviz(*asked, "--part", "hidden.0", "--minibatch", 1)
    assert (answer.status, answer.err) == (0, "")
    told = json.loads(gradviz(*asked, "--part", "hidden.0", "--minibatch", 1, "--json").out)
    wanted = sorted(told["rows"], key=lambda row: -abs(row["resultant_change"]))
    assert [int(line[0]) for line in lines_of_rows(answer.out)] == [row["row"] for row in wanted]
    by_row = gradviz(*asked, "--part", "hidden.0", "--minibatch", 1, "--sort", "row").out
    assert [int(line[0]) for line in lines_of_rows(by_row)] == sorted(row["row"] for row in told["rows"])
    pairs = answer.out.partition("oppose each other most:\n")[2].splitlines()[1:]
    assert [line.split()[:2] for line in pairs] == [[str(p["row"]), str(p["other"])] for p in told["opposing"]]
    assert told["opposing"]


def test_a_pair_and_chosen_rows_are_named(gradviz: Callable, asked: tuple[object, ...]):
    answer = gradviz(*asked, *PAIR, "--rows", "3,5-9")
    assert (answer.status, answer.err) == (0, "")
    assert "hidden.1.linear.bias[0] & hidden.2.linear.weight[1,2]: 6 chosen rows" in answer.out
    assert sorted(int(line[0]) for line in lines_of_rows(answer.out)) == [3, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "`x` must name a parameter"),
        ((*PAIR, "--sort", "size"), "`--sort` must be one of row, share"),
        (("--part", "hidden.9"), "`hidden.9` is no part"),
        (("--part", "model", "--rows", "3,3"), "row once"),
        (("--part", "model", "--rows", "3"), "A minibatch of one row"),
    ],
)
def test_a_mistake_is_told_in_a_line(gradviz: Callable, asked: tuple[object, ...], more: tuple[str, ...], words: str):
    answer = gradviz(*asked, *more)
    assert answer.status == 2
    assert words in answer.err
    assert answer.err.count("\n") == 1
