"""`gradviz measures` prints what the API tells."""

import json
from collections.abc import Callable
from pathlib import Path


def test_each_measure_is_printed_with_its_paper(gradviz: Callable, tiny_runs: Path):
    asked = ("measures", "--runs", tiny_runs, "--run", "none", "--epoch", 1, "--minibatch-size", 16)
    answer = gradviz(*asked)
    assert (answer.status, answer.err) == (0, "")
    assert "m-coherence (Chatterjee & Zielinski 2020)" in answer.out
    assert answer.out.count("95 % interval") >= 4
    assert "These parameters have no norm." in answer.out
    told = json.loads(gradviz(*asked, "--which", "gradients", "--json").out)
    assert [measure["name"] for measure in told["measures"] if measure["name"] not in answer.out] == []
    assert "batch sharpness" not in json.dumps(told["measures"])


def test_a_part_that_is_not_there_is_told_in_a_line(gradviz: Callable, tiny_runs: Path):
    answer = gradviz("measures", "--runs", tiny_runs, "--run", "none", "--epoch", 1, "--part", "hidden.9")
    assert answer.status == 2
    assert "`hidden.9` is no part of this model" in answer.err
