"""A site's scripts read addresses as Python does: both are held to the same files."""

import pytest

from tests.publish.shared import FIXTURES, SHARED, text_of


@pytest.mark.parametrize("name", SHARED)
def test_the_shared_file_says_what_python_says(name: str) -> None:
    assert (FIXTURES / name).read_text() == text_of(name), (
        "run `python -m tests.publish.shared`, then the JavaScript's tests"
    )
