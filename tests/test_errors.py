"""Errors for users: one sentence, made of what is the matter and what to do."""

import pytest

from gradviz.compute.celery.reply import Kind, Reply
from gradviz.compute.interface import ComputationFailed, Unavailable
from gradviz.errors import NotHere, UserError

ERRORS = [
    NotHere("`step`: no step leads to epoch 0: it is the first", "choose a later one"),
    UserError("`layer` must be one of 0..3, got 7", "choose: 1, or 2"),
    UserError("`towards:a/1`: there is no run a."),
]


def test_cause_and_remedy_are_told_apart_whatever_marks_are_in_them():
    first, second, whole = ERRORS
    assert str(first) == "`step`: no step leads to epoch 0: it is the first: choose a later one."
    assert (first.cause, first.remedy) == ("`step`: no step leads to epoch 0: it is the first", "choose a later one")
    assert (second.cause, second.remedy) == ("`layer` must be one of 0..3, got 7", "choose: 1, or 2")
    assert (str(whole), whole.cause, whole.remedy) == (
        "`towards:a/1`: there is no run a.",
        "`towards:a/1`: there is no run a",
        "",
    )


@pytest.mark.parametrize("error", ERRORS)
def test_a_worker_tells_a_users_error_as_it_was_raised(error: UserError):
    reply = Reply.from_bytes("key", Reply.refusing(error).to_bytes("key"))
    assert reply is not None
    with pytest.raises(UserError) as told:
        reply.answer()
    assert type(told.value) is type(error)
    assert (str(told.value), told.value.cause, told.value.remedy) == (str(error), error.cause, error.remedy)


@pytest.mark.parametrize(("kind", "expected"), [(Kind.FAILURE, ComputationFailed), (Kind.NOT_NOW, Unavailable)])
def test_what_else_a_worker_says_stays_one_sentence(kind: Kind, expected: type[UserError]):
    with pytest.raises(expected, match=r"^it: broke\.$"):
        Reply.saying(kind, "it: broke.").answer()
