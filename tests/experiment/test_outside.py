"""Files from outside: what is no regular file of bounded size and depth is refused in one sentence, without a wait."""

import errno
import json
import math
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from gradviz.errors import UserError
from gradviz.experiment.outside import UnusableFile, open_outside, parse_json, read_json, read_outside

LIMIT = 1000


def loop(path: Path) -> None:
    path.symlink_to(path)


def two_links(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(path.parent)  # the name of a socket has at most 108 bytes
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "it is a FIFO, not a file"),
    "socket": (listening, "it is a socket, not a file"),
    "directory": (Path.mkdir, "it is a directory, not a file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
    "link to a FIFO": (lambda path: (os.mkfifo(f"{path}~"), path.symlink_to(f"{path}~")), "it is a FIFO, not a file"),
    "link to itself": (loop, "its symbolic links lead in a circle"),
    "two links": (two_links, "its symbolic links lead in a circle"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "it is a symbolic link to nothing"),
    "nothing": (lambda _: None, "there is no such file"),
    "large": (lambda path: path.write_bytes(bytes(LIMIT + 1)), "it has 1,001 bytes; the limit is 1,000"),
    "sparse": (sparse, "it has 1,099,511,627,776 bytes; the limit is 1,000"),
    "more than it says": (lambda path: path.symlink_to("/proc/self/maps"), "it has more than 1,000 bytes"),
}


@pytest.mark.parametrize(("make", "reason"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_usable_file_is_refused_in_one_sentence(make: Callable[[Path], object], reason: str, tmp_path: Path):
    path = tmp_path / "file"
    make(path)
    with pytest.raises(UnusableFile, match=re.escape(reason)) as caught:
        read_outside(path, LIMIT)
    assert isinstance(caught.value, UserError)
    assert str(caught.value).startswith(f"{path} cannot be used: ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("n" * 5000, "its name is too long"),
        ("a/" * 3000, "its name is too long"),
        ("nul\0byte", "a file cannot have this name"),
        ("half\ud800", "a file cannot have this name"),
        ("byte\udcff", "there is no such file"),
        ("file/under/a/file", "part of its path is not a directory"),
        ("line\nbreak", "there is no such file"),
    ],
    ids=["long", "long path", "nul", "surrogate", "not UTF-8", "under a file", "line break"],
)
def test_odd_names_are_refused_in_one_printable_line(name: str, reason: str, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UnusableFile, match=reason) as caught:
        read_outside(tmp_path / name, LIMIT)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENXIO])
def test_a_refusal_of_the_system_is_told(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnusableFile, match="reading it is not permitted" if number == errno.EACCES else None):
        read_outside(tmp_path / "file", LIMIT)


def test_a_file_that_becomes_a_fifo_before_it_is_opened_does_not_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    ordinary = os.stat(tmp_path / "file")
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(os, "stat", lambda _: ordinary)
    with pytest.raises(UnusableFile, match="FIFO"):
        open_outside(tmp_path / "fifo", LIMIT)


def test_a_file_that_grows_past_the_limit_is_refused_while_it_is_read(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(bytes(LIMIT))
    with open_outside(path, LIMIT) as stream, path.open("ab") as writer:
        writer.write(bytes(100_000))
        writer.flush()
        with pytest.raises(UnusableFile, match="more than"):
            stream.read()


def test_an_ordinary_file_and_a_link_to_it_are_read_whole_and_in_parts(tmp_path: Path):
    content = bytes(range(250)) * 4
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_outside(tmp_path / "link", LIMIT) == content
    with open_outside(str(tmp_path / "file"), LIMIT) as stream:
        assert stream.read(10) == content[:10]
        stream.seek(500)
        memory = bytearray(300)
        assert stream.readinto(memory) == 300  # pyright: ignore[reportAttributeAccessIssue]
        assert memory == content[500:800]
        assert stream.read() == content[800:]
        descriptor = stream.fileno()
        assert not os.get_inheritable(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


BAD_JSON = {
    "half": (b'{"a": ', "it is not JSON .line 1, column 7."),
    "empty": (b"", "it is not JSON"),
    "latin-1": (b'{"a": "\xe9"}', "byte 7 is not UTF-8"),
    "NUL": (b'"\x00"', "it is not JSON"),
    "surrogate bytes": (b'"\xed\xa0\x80"', "byte 1 is not UTF-8"),
    "deep lists": (b"[" * 1_000_000, "nested deeper than 64 levels"),
    "deep objects": (b'{"":' * 100_000, "nested deeper than 64 levels"),
    "deep after strings": (b'["]]]\\"]]]", ' + b"[" * 64, "nested deeper than 64 levels"),
    "1e999": (b'{"pid": 1e999}', "the number 1e999"),
    "-1e999": (b"[-1e999]", "the number -1e999"),
    "long number": (b"0." + b"1" * 5000, "does not fit into a float64"),
    "Infinity": (b"Infinity", "Infinity is not a number of JSON"),
    "-Infinity": (b"[-Infinity]", "-Infinity is not a number of JSON"),
    "NaN": (b'{"a": NaN}', "NaN is not a number of JSON"),
    "10,000 digits": (b"9" * 10_000, "does not fit into 64 bits"),
    "65 bits": (b"9223372036854775808", "does not fit into 64 bits"),
    "twice": (b'{"a": {"b": 1, "c": 2, "b": 3}}', "it has the key `b` twice"),
    "lone surrogate": (b'["\\ud800"]', "half a character"),
    "lone surrogate as key": (b'{"\\udfff": 1}', "half a character"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_a_reader_may_stumble_over_is_refused(content: bytes, reason: str):
    with pytest.raises(UnusableFile, match=reason) as caught:
        parse_json(content, "The body")
    assert str(caught.value).startswith("The body cannot be used: ")
    assert len(str(caught.value)) < 300


def test_other_json_means_what_it_says(tmp_path: Path):
    value = {"list": [1, -2.5, 1e-300, None, True, 'é 😀 \\ " []{}'], "deep": [[[{}]]], "large": 2**63 - 1}
    (tmp_path / "file").write_text(json.dumps(value))
    assert read_json(tmp_path / "file", LIMIT) == value
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(value).encode(), "it") == value
    assert parse_json(b"[" * 64 + b"]" * 64, "it")
    assert math.isclose(parse_json(b"1.7976931348623157e308", "it"), 1.7976931348623157e308)  # pyright: ignore[reportArgumentType]
    assert parse_json(b'["' + b"[" * 1000 + b'"]', "it") == ["[" * 1000]
