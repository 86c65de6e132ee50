"""Log lines: each is whole, carries its request, and is JSON where that is asked for."""

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from gradviz.logs import begin_request, request_facts, set_up_logging, tell_log
from gradviz.settings import Settings

_log = logging.getLogger("gradviz.test")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.root
    level, handlers = root.level, root.handlers[:]
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_json_lines_carry_the_request_and_its_key(capsys: pytest.CaptureFixture[str]):
    set_up_logging(Settings(log_format="json", log_level="info"))
    begin_request(request="abc")
    tell_log(key="f00")
    _log.warning("The answer %s\nis not kept", "é", extra={"facts": {"seconds": 0.25}})
    begin_request(request="def")
    _log.info("answered")
    first, second = lines(capsys)
    assert first["message"] == "The answer é\nis not kept"
    assert (first["level"], first["logger"], first["seconds"]) == ("WARNING", "gradviz.test", 0.25)
    assert (first["request"], first["key"]) == ("abc", "f00")
    assert (second["request"], "key" in second) == ("def", False)


def test_an_exception_is_one_json_line(capsys: pytest.CaptureFixture[str]):
    set_up_logging(Settings(log_format="json"))
    try:
        raise ValueError("no")
    except ValueError:
        _log.exception("failed")
    [line] = lines(capsys)
    assert "ValueError: no" in line["traceback"]


def test_text_lines_carry_the_same(capsys: pytest.CaptureFixture[str]):
    set_up_logging(Settings())
    begin_request(request="abc")
    _log.info("not at this level")
    _log.warning("damaged")
    assert capsys.readouterr().err.endswith("WARNING gradviz.test: damaged request=abc\n")


def test_threads_do_not_see_each_other_s_request():
    begin_request(request="abc")
    seen: list[dict] = []
    thread = threading.Thread(target=lambda: (tell_log(key="x"), seen.append(request_facts())))
    thread.start()
    thread.join()
    assert seen == [{}]
    assert request_facts() == {"request": "abc"}
