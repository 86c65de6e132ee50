"""Packed tables: whole they give their table, damaged or foreign they are named, and none takes more than its limit."""

import bz2
import gzip
import io
import lzma
import pickle
import random
import re
import sqlite3
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from gradviz.experiment.studies.deliveries.foreign import NotATable
from gradviz.experiment.studies.deliveries.packed import unpack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TABLE = b"store_id,market_id\n" + b"".join(b"%d,%d\n" % (n, n % 6) for n in range(5000))
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda content: zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1}),
}


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as archive:
        for name, member in members:
            archive.writestr(name, member)
    return content.getvalue()


def tarred(*members: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, member in members:
            info = tarfile.TarInfo(name)
            info.size = len(member)
            archive.addfile(info, io.BytesIO(member))
    return content.getvalue()


def refusal(content: bytes, name: str = "table.csv", limit: int = 1 << 20) -> str:
    with pytest.raises(NotATable) as refused:
        unpack(content, name, limit)
    assert "\n" not in str(refused.value)
    return str(refused.value)


WHOLE = {
    "plain": (TABLE, "t.csv", ()),
    "plain named zip": (TABLE, "t.csv.zip", ("plain text, not a zip archive as its name says",)),
    "plain named xz": (TABLE, "t.xz", ("plain text, not xz as its name says",)),
    "plain named tar": (TABLE, "t.tar", ("plain text, not a tar archive as its name says",)),
    "gzip named csv": (gzip.compress(TABLE), "t.csv", ("gzip",)),
    "gzip in two members": (gzip.compress(TABLE[:100]) + gzip.compress(TABLE[100:]), "t.csv.gz", ("gzip",)),
    "gzip in 2000 members": (
        b"".join(gzip.compress(TABLE[n : n + 20]) for n in range(0, len(TABLE), 20)),
        "",
        ("gzip",),
    ),
    "gzip and padding": (gzip.compress(TABLE) + bytes(512), "t.csv.gz", ("gzip",)),
    "bzip2 in two streams": (bz2.compress(TABLE[:9]) + bz2.compress(TABLE[9:]), "t.csv.bz2", ("bzip2",)),
    "zstd in two frames": (zstd.compress(TABLE[:9]) + zstd.compress(TABLE[9:]), "t.csv.zst", ("zstd",)),
    "xz named gz": (lzma.compress(TABLE), "t.csv.gz", ("xz",)),
    "zip": (zipped(("a.csv", TABLE)), "t.zip", ("'a.csv' in a zip archive",)),
    "zip, stored": (zipped(("d/a.txt", TABLE), how=zipfile.ZIP_STORED), "t.csv", ("'d/a.txt' in a zip archive",)),
    "zip, bzip2": (zipped(("a.csv", TABLE), how=zipfile.ZIP_BZIP2), "t.zip", ("'a.csv' in a zip archive",)),
    "zip of a mac": (
        zipped(("a.csv", TABLE), ("__MACOSX/._a.csv", b"x"), (".DS_Store", b"x"), ("d/", b"")),
        "t.zip",
        ("'a.csv' (left out: __MACOSX/._a.csv, …) in a zip archive",),
    ),
    "zip with a note": (
        zipped(("README.md", b"x"), ("a.CSV", TABLE)),
        "t.zip",
        ("'a.CSV' (left out: README.md) in a zip archive",),
    ),
    "tar": (tarred(("a.csv", TABLE)), "t.csv.tar", ("'a.csv' in a tar archive",)),
    "tar.gz": (gzip.compress(tarred(("a.csv", TABLE))), "t.tar.gz", ("gzip", "'a.csv' in a tar archive")),
    "tar.zst": (
        zstd.compress(tarred(("._a", b"x"), ("a", TABLE))),
        "t",
        ("zstd", "'a' (left out: ._a) in a tar archive"),
    ),
    "gzip in zip": (zipped(("a.csv.gz", gzip.compress(TABLE))), "t.zip", ("'a.csv.gz' in a zip archive", "gzip")),
} | {name: (pack(TABLE), f"t.csv.{name}", (name,)) for name, pack in PACK.items()}


@pytest.mark.parametrize(("content", "name", "said"), WHOLE.values(), ids=WHOLE)
def test_a_packed_table_is_its_table(content: bytes, name: str, said: tuple[str, ...]):
    unpacked = unpack(content, name)
    assert unpacked.content == TABLE
    assert unpacked.said == said


@pytest.mark.parametrize("name", PACK)
def test_data_cut_short_at_any_place_is_named(name: str):
    whole = PACK[name](TABLE)
    for length in (len(whole) - 1, len(whole) - 9, len(whole) // 2, 20):
        assert f"has {name} data that is cut short" in refusal(whole[:length])


@pytest.mark.parametrize("name", PACK)
def test_damaged_data_is_named_and_never_taken_for_a_table(name: str):
    whole = PACK[name](TABLE)
    named = 0
    for place in range(16, len(whole), max(1, len(whole) // 40)):
        damaged = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        try:
            content = unpack(damaged, "t").content
        except NotATable as error:
            named += f"{name} data" in str(error)
        else:
            assert content == TABLE  # a bit that nothing depends on
    assert named > 20


@pytest.mark.parametrize("name", PACK)
def test_what_follows_the_end_of_packed_data_is_named(name: str):
    whole = PACK[name](TABLE)
    assert f"has other data after the end of its {name} data, at byte {len(whole)}" in refusal(whole + b"garbage")


@pytest.mark.parametrize("name", PACK)
def test_data_that_unpacks_to_more_than_the_limit_is_refused_early(name: str):
    bomb = PACK[name](bytes(8 << 20))
    assert "has more than 1,048,576 bytes when unpacked" in refusal(bomb)


def test_an_archive_of_more_than_the_limit_is_refused():
    zeros = bytes(2 << 20)
    for content in (zipped(("a.csv", zeros)), tarred(("a.csv", zeros)), gzip.compress(tarred(("a.csv", zeros)))):
        assert "has more than 1,048,576 bytes when unpacked" in refusal(content)
    lying = zipped(("a.csv", zeros)).replace((2 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert "damaged zip archive" in refusal(lying)


def encrypted() -> bytes:
    content = bytearray(zipped(("a.csv", TABLE)))
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + flags] |= 1
    return bytes(content)


def with_byte_changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


ZIP = zipped(("a.csv", TABLE))
DAMAGED = {
    "empty": (b"", "is empty"),
    "empty packed": (gzip.compress(b""), "is empty"),
    "zip of two": (zipped(("a.csv", TABLE), ("b.csv", TABLE)), "a zip archive of 2 files, 'a.csv', 'b.csv': unpack"),
    "zip of one twice": (
        ZIP[:0] + zipped(("a.csv", TABLE), ("d/a.csv", TABLE), ("x", b"")),
        "a zip archive of 2 files",
    ),
    "zip of two others": (
        zipped(("a", TABLE), ("b", TABLE), ("c", b"")),
        "a zip archive of 3 files, 'a', 'b', …: unpack",
    ),
    "zip of nothing": (zipped(), "is a zip archive without a table"),
    "zip of a mac alone": (zipped(("__MACOSX/._a.csv", b"x")), "is a zip archive without a table"),
    "zip cut": (ZIP[: len(ZIP) // 2], "is a damaged zip archive .it is cut short."),
    "zip, wrong sum": (with_byte_changed(ZIP, 40), "is a damaged zip archive"),
    "zip, encrypted": (encrypted(), "is an encrypted zip archive"),
    "zip, lzma": (zipped(("a.csv", TABLE), how=zipfile.ZIP_LZMA), "with an unusual compression"),
    "zip of very many": (zipped(*((f"{n}" + "x" * 200, b"") for n in range(5000))), "a zip archive of too many files"),
    "tar of two": (tarred(("a.csv", TABLE), ("b.csv", TABLE)), "a tar archive of 2 files"),
    "tar of nothing": (tarred(), "is a tar archive without a table"),
    "tar cut": (tarred(("a.csv", TABLE))[:3000], "tar archive"),
    "tar of very many": (tarred(*((f"{n}", b"") for n in range(1001))), "a tar archive of too many files"),
    "three layers": (gzip.compress(bz2.compress(lzma.compress(TABLE))), "packed more than twice .gzip, then bzip2."),
    "zip in zip in zip": (zipped(("a", zipped(("b", ZIP)))), "packed more than twice"),
    "workbook": (zipped(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")), "is an Excel workbook, not a table"),
    "ods": (zipped(("mimetype", b"x"), ("content.xml", b"x")), "is an OpenDocument file"),
    "torch": (zipped(("archive/data.pkl", b"x"), ("archive/version", b"3")), "is a PyTorch file with a pickle"),
    "npz": (zipped(("x.npy", b"x"), ("y.npy", b"x")), "is an archive of NumPy arrays"),
    "parquet": (b"PAR1\x15\x04PAR1", "is a Parquet file, not a table of text: export the table as CSV"),
    "parquet in gzip": (gzip.compress(b"PAR1\x15\x04PAR1"), "is a Parquet file"),
    "feather": (b"ARROW1\x00\x00", "is an Arrow file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Office document"),
    "rar": (b"Rar!\x1a\x07\x01", "is a RAR archive.*unpack it"),
    "7z": (b"7z\xbc\xaf\x27\x1c", "is a 7z archive.*unpack it"),
    "lz4": (b"\x04\x22\x4d\x18", "is lz4 data"),
    "Z": (b"\x1f\x9d\x90", "is data packed by `compress`"),
    "pdf": (b"%PDF-1.7", "is a PDF document"),
    "png": (b"\x89PNG\r\n\x1a\n", "is a picture"),
    "npy": (b"\x93NUMPY\x01", "is a NumPy array"),
    "openssl": (b"Salted__12345678", "is an encrypted file"),
    "safetensors": (save({"a": np.zeros(3)}), "is a safetensors file"),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_what_holds_no_one_table_is_named(content: bytes, reason: str):
    name = "table.csv.tar" if content == tarred() else "table.csv"
    text = refusal(content, name)
    assert re.search(reason, text), text


@pytest.mark.parametrize("whole", [ZIP, tarred(("a.csv", TABLE[:900])), zipped(("d/", b""), ("b", TABLE[:900]))])
def test_an_archive_damaged_anywhere_is_its_table_or_gets_one_sentence(whole: bytes):
    choose = random.Random(0)
    refusals = []
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(choose.randint(1, 4)):
            place = choose.randrange(len(content))
            content[place : place + choose.randint(0, 9)] = choose.randbytes(choose.randint(0, 9))
        try:
            unpack(bytes(content), "table.zip", 1 << 20)
        except NotATable as error:
            refusals.append(str(error))
    assert len(refusals) > 20
    assert not any("\n" in text for text in refusals)


def test_a_database_is_named(tmp_path: Path):
    with sqlite3.connect(tmp_path / "table.csv") as database:
        database.execute("CREATE TABLE t (market_id INTEGER)")
    database.close()
    assert "is an SQLite database" in refusal((tmp_path / "table.csv").read_bytes())


class _Trap:
    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pickle_is_named_and_not_loaded(protocol: int, pack: Callable[[bytes], bytes]):
    text = refusal(pack(pickle.dumps(_Trap(), protocol)), "table.pkl.gz")
    assert "is a Python pickle, which gradviz does not open, because it can run any program" in text
