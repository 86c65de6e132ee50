"""Recognises other formats than text tables by their first bytes, with the remedy, without loading them."""

from gradviz.errors import UserError

_EXPORT = "export the table as CSV"
_UNPACK = "unpack it and give the table itself"

# (position of the bytes, the bytes, the format, the remedy)
_BINARY: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PAR1", "a Parquet file", _EXPORT),
    (0, b"ARROW1", "an Arrow file", _EXPORT),
    (0, b"\xff\xff\xff\xff", "an Arrow stream", _EXPORT),
    (0, b"FEA1", "a Feather file", _EXPORT),
    (0, b"ORC", "an ORC file", _EXPORT),
    (0, b"Obj\x01", "an Avro file", _EXPORT),
    (0, b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (8, b"DUCK", "a DuckDB database", _EXPORT),
    (4, b"Standard Jet DB", "an Access database", _EXPORT),
    (4, b"Standard ACE DB", "an Access database", _EXPORT),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    (0, b"CDF\x01", "a NetCDF file", _EXPORT),
    (0, b"CDF\x02", "a NetCDF file", _EXPORT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document, such as an .xls workbook", _EXPORT),
    (0, b"<stata_dta>", "a Stata file", _EXPORT),
    (0, b"$FL2", "an SPSS file", _EXPORT),
    (0, b"$FL3", "an SPSS file", _EXPORT),
    (84, b"SAS FILE", "a SAS file", _EXPORT),
    (0, b"RDX2\n", "an R workspace", _EXPORT),
    (0, b"RDX3\n", "an R workspace", _EXPORT),
    (0, b"X\n\x00\x00\x00", "an R object", _EXPORT),
    (0, b"\x93NUMPY", "a NumPy array", _EXPORT),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"\x04\x22\x4d\x18", "lz4 data", _UNPACK),
    (0, b"LZIP", "lzip data", _UNPACK),
    (0, b"\x5d\x00\x00", "LZMA data", _UNPACK),
    (0, b"\x1f\x9d", "data packed by `compress` (.Z)", _UNPACK),
    (0, b"\xff\x06\x00\x00sNaPpY", "snappy data", _UNPACK),
    (0, b"!<arch>\n", "an ar archive", _UNPACK),
    (0, b"070701", "a cpio archive", _UNPACK),
    (0, b"Salted__", "an encrypted file", "decrypt it first"),
    (0, b"-----BEGIN PGP", "an encrypted or signed file", "decrypt it first"),
    (0, b"age-encryption.org/", "an encrypted file", "decrypt it first"),
    (0, b"%PDF", "a PDF document", _EXPORT),
    (0, b"{\\rtf", "an RTF document", _EXPORT),
    (0, b"\x89PNG\r\n", "a picture", "give the table itself"),
    (0, b"\xff\xd8\xff", "a picture", "give the table itself"),
    (0, b"GIF8", "a picture", "give the table itself"),
    (0, b"\x7fELF", "a program", "give the table itself"),
)
_PICKLES = tuple(bytes((0x80, protocol)) for protocol in (2, 3, 4, 5))


class NotATable(UserError):
    """Why a content is not a readable table: the text after the file's name in a sentence."""


def refuse_binary(content: bytes) -> None:
    """Raises NotATable if the first bytes are those of another format."""
    for place, magic, what, remedy in _BINARY:
        if content.startswith(magic, place):
            raise NotATable(f" is {what}, not a table of text: {remedy}.")
    if content.startswith(_PICKLES):
        raise NotATable(f" is a Python pickle, which gradviz does not open, because it can run any program: {_EXPORT}.")
    # The header of safetensors is JSON after its length.
    if content[8:10] == b'{"' and int.from_bytes(content[:8], "little") < len(content):
        raise NotATable(f" is a safetensors file, not a table of text: {_EXPORT}.")


def refuse_text(head: str) -> None:
    """Raises NotATable if the text begins like another text format, as no table of ours does."""
    start = head.lstrip("\ufeff \t\r\n").casefold()
    if start.startswith("version https://git-lfs.github.com/"):
        raise NotATable(" is a Git LFS pointer, not the table itself: fetch that with `git lfs pull`.")
    if start.startswith("outs:") and "md5:" in start:
        raise NotATable(" is a DVC pointer, not the table itself: fetch that with `dvc pull`.")
    if "/annex/objects/" in start[:200]:
        raise NotATable(" is a git-annex pointer, not the table itself: fetch that with `git annex get`.")
    if start.startswith(("<!doctype html", "<html", "<head", "<body", "<table", "<script")):
        raise NotATable(" is an HTML page, not a table: download the file itself, not the page about it.")
    if start.startswith("<<<<<<<"):
        raise NotATable(" contains the markers of a merge conflict: resolve it first.")
    if start.startswith("<"):
        raise NotATable(f" is XML, not a table of separated values: {_EXPORT}.")
    if start.startswith(("{", "[{", "[[", '["', "[\n", "[\r", "[ ")):
        raise NotATable(f" is JSON, not a table of separated values: {_EXPORT}.")
    if start.startswith(("create table", "insert into", "-- mysql dump", "-- postgresql")):
        raise NotATable(f" is a dump of a database, not a table of separated values: {_EXPORT}.")
    if start.startswith("@relation"):
        raise NotATable(f" is an ARFF file, not a table of separated values: {_EXPORT}.")
