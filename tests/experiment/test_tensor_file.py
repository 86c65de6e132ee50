"""Files are whole or not there, and no tensor file is believed before it is checked."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradviz.errors import UserError
from gradviz.experiment import tensor_file
from gradviz.experiment.files import remove_partial_files, write_whole
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.tensor_file import TensorShape, read_header, read_tensors, write_tensors

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7), "c": torch.tensor([1, 2], dtype=torch.uint8)}
SHAPES = {name: TensorShape(tensor.dtype, tuple(tensor.shape)) for name, tensor in TENSORS.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tensors.safetensors"
    write_tensors(path, TENSORS)
    return path


def test_tensors_survive_and_the_same_tensors_give_the_same_bytes(path: Path, tmp_path: Path):
    read = read_tensors(path, SHAPES)
    assert all(torch.equal(read[name], tensor) for name, tensor in TENSORS.items())
    assert read_header(path) == SHAPES
    write_tensors(tmp_path / "again", dict(reversed(TENSORS.items())))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_tensors_lie_where_an_allocator_puts_them_and_nobody_else_does(path: Path):
    one, other = read_tensors(path), read_tensors(path)
    for name, tensor in one.items():
        # 16 at least; how sums are grouped, and so their last bits, may depend on it
        assert tensor.data_ptr() % 16 == 0
        tensor.zero_()
        assert torch.equal(other[name], TENSORS[name])


def test_a_file_that_is_cut_while_it_is_read_is_broken(path: Path, monkeypatch: pytest.MonkeyPatch):
    def cut(path: Path, *_: object) -> None:
        os.truncate(path, path.stat().st_size - 1)

    write_tensors(path, {"large": torch.zeros(10_000)})  # more than is read ahead
    monkeypatch.setattr(tensor_file, "check_header", cut)
    with pytest.raises(UnusableFile, match="was truncated during reading"):
        read_tensors(path)


def test_others_read_what_is_written(path: Path):
    theirs = safetensors.torch.load_file(path)
    assert all(torch.equal(theirs[name], tensor) for name, tensor in TENSORS.items())


def test_a_file_with_metadata_of_others_is_read(tmp_path: Path):
    safetensors.torch.save_file(TENSORS, tmp_path / "theirs", metadata={"format": "pt"})
    assert read_header(tmp_path / "theirs") == SHAPES


def test_every_cut_of_a_file_is_found_by_its_header(path: Path):
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(UnusableFile):
            read_header(path)
        with pytest.raises(UnusableFile):
            read_tensors(path)


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_random_bytes_are_never_believed(start: bytes, header: bytes):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "random"
        for content in (start, len(header).to_bytes(8, "little") + header):
            path.write_bytes(content)
            with pytest.raises(UnusableFile):
                read_header(path)
            with pytest.raises(UnusableFile):
                read_tensors(path)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"[]", "header"),
        (b'{"a": 1}', "header"),
        (b'{"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}', "header"),
        (b'{"a": {"dtype": "F4", "shape": [1], "data_offsets": [0, 2]}}', "a has the dtype F4"),
        (b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', r"header.*a\.shape\.0"),
        (b'{"a": {"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 4]}}', "header.*Infinity"),
        (b'{"a": {"dtype": "F32", "shape": [1e999], "data_offsets": [0, 4]}}', "header.*1e999"),
        (b'{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 4]}}', "header.*NaN"),
        (b'{"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}', r"header.*a\.shape\.0"),
        (b'{"a": {"dtype": "F32", "shape": [true], "data_offsets": [0, 4]}}', r"header.*a\.shape\.0"),
        (b'{"a": {"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}}', r"header.*a\.shape\.0"),
        (b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 1e999]}}', "header.*1e999"),
        (b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}', r"header.*a\.data_offsets\.0"),
        (b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}}', r"header.*a\.data_offsets"),
        (b'{"a": {"dtype": "F32", "shape": [' + b"9" * 10_000 + b'], "data_offsets": [0, 4]}}', "header.*64 bits"),
        (b'{"a": {"dtype": "F32", "shape": [' + b"9999999999," * 9 + b'9], "data_offsets": [0, 4]}}', "header"),
        (b'{"a": {"dtype": "F32", "shape": [' + b"9999999999," * 80_000 + b'9], "data_offsets": [0, 4]}}', "header"),
        (b'{"a": {"dtype": "F32", "shape": [1099511627775, 1099511627775], "data_offsets": [0, 4]}}', "offsets of a"),
        (b'{"a": {"dtype": "U8", "shape": [0, 1099511627775], "data_offsets": [0, 8]}}', "offsets of a"),
        (
            b'{"a": {"dtype": "U8", "shape": [6], "data_offsets": [0, 6]},'
            b' "b": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}',
            "offsets of b",
        ),
        (
            b'{"a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]},'
            b' "a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}}',
            "header.*twice",
        ),
        (b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}', "offsets of a"),
        (b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}', "offsets of a"),
        (b"[" * 5000, "header"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: bytes, reason: str):
    path = tmp_path / "lies"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    with pytest.raises(UnusableFile, match=reason):
        read_header(path)


def test_a_header_longer_than_the_limit_is_not_read(tmp_path: Path):
    path = tmp_path / "long"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    with pytest.raises(UnusableFile, match="not a complete safetensors file"):
        read_header(path)


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        (SHAPES | {"d": SHAPES["a"]}, "it has no d"),
        ({"a": SHAPES["a"], "b": SHAPES["b"]}, "it has c, which this run does not have"),
        (SHAPES | {"a": TensorShape(torch.float32, (3, 2))}, r"a is torch.float32 of shape \(2, 3\).*\(3, 2\)"),
        (SHAPES | {"a": TensorShape(torch.float64, (2, 3))}, "this run has torch.float64"),
    ],
)
def test_a_file_of_another_network_is_refused_with_the_difference(path: Path, expected, reason: str):
    with pytest.raises(UnusableFile, match=reason):
        read_tensors(path, expected)


def test_a_missing_file_and_a_directory_are_broken_files(tmp_path: Path):
    for path, reason in [(tmp_path / "none", "no such file"), (tmp_path, "is a directory")]:
        with pytest.raises(UnusableFile, match=reason):
            read_header(path)
        with pytest.raises(UnusableFile, match=reason):
            read_tensors(path)


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch, operation: str):
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, operation, full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\): make room"):
        write_whole(path, b"new")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_leftovers_of_a_killed_writer_are_removed_and_nothing_else(path: Path):
    (path.parent / "x.partial").write_text("half")
    (path.parent / "notes.txt").write_text("mine")
    remove_partial_files(path.parent)
    assert sorted(file.name for file in path.parent.iterdir()) == ["notes.txt", "tensors.safetensors"]
