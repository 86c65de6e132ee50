"""Extracts the one table of a zip or tar archive, within limits, and names the other members."""

import io
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

from gradviz.experiment.outside import shown
from gradviz.experiment.studies.deliveries.foreign import NotATable

_MOST_MEMBERS = 1000
_DIRECTORY_BYTES = 1 << 20  # limit of a zip archive's list of members, which zipfile reads whole
_TABLES = (".csv", ".tsv", ".tab", ".psv", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zst")
# Errors of the readers on a damaged list of members.
_OF_WRONG_PLACES = (OSError, EOFError, ValueError, OverflowError, NotImplementedError, RuntimeError)
_COPY = "copy or download it again"


def from_zip(content: bytes, limit: int) -> tuple[str, bytes]:
    end = content.rfind(b"PK\x05\x06")
    if end >= 0 and int.from_bytes(content[end + 12 : end + 16], "little") > _DIRECTORY_BYTES:
        raise NotATable(" is a zip archive of too many files: give the table itself.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            _refuse_documents({info.filename for info in infos})
            info = infos[_the_table([info.filename for info in infos], "zip")]
            if info.flag_bits & 1:
                raise NotATable(" is an encrypted zip archive: unpack it with its password and give the table itself.")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
                raise NotATable(f" is a zip archive with an unusual compression ({info.compress_type}): unpack it.")
            if info.file_size > limit:
                raise too_large(limit)
            with archive.open(info) as stream:
                table = stream.read(limit + 1)
    except NotATable:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, *_OF_WRONG_PLACES) as error:
        reason = re.sub(r"^Error -?\d+ while decompressing data: ", "", str(error)).rstrip(".") or "it is cut short"
        reason = "it is cut short" if reason == "File is not a zip file" else shown(reason)
        raise NotATable(f" is a damaged zip archive ({reason}): {_COPY}.") from error
    if len(table) > limit:
        raise too_large(limit)
    return _named(info.filename, [other.filename for other in infos]), table


def from_tar(content: bytes, limit: int) -> tuple[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            members = list(_members(archive))
            member = members[_the_table([member.name for member in members], "tar")]
            if member.size > limit:
                raise too_large(limit)
            stream = archive.extractfile(member)
            assert stream is not None  # it is a regular file
            table = stream.read()
    except NotATable:
        raise
    except (tarfile.TarError, struct.error, *_OF_WRONG_PLACES) as error:
        raise NotATable(f" is a damaged tar archive ({str(error).rstrip('.')}): {_COPY}.") from error
    if len(table) < member.size:
        raise NotATable(f" is a tar archive that is cut short: {_COPY}.")
    return _named(member.name, [other.name for other in members]), table


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, member in enumerate(archive):
        if number == _MOST_MEMBERS:
            raise NotATable(" is a tar archive of too many files: give the table itself.")
        if member.isreg():
            yield member


def _the_table(names: Sequence[str], kind: str) -> int:
    """The index of the table: the only file, or the only one named like a table, ignoring files that systems add."""
    candidates = [place for place, name in enumerate(names) if not _is_by_the_way(name)]
    if len(candidates) > 1:
        candidates = [place for place in candidates if names[place].lower().endswith(_TABLES)] or candidates
    if not candidates:
        raise NotATable(f" is a {kind} archive without a table: give the table itself.")
    if len(candidates) > 1:
        listed = ", ".join(shown(repr(names[place])) for place in candidates[:2])
        more = ", …" if len(candidates) > 2 else ""
        raise NotATable(
            f" is a {kind} archive of {len(candidates)} files, {listed}{more}: unpack it and give the one table."
        )
    return candidates[0]


def _named(table: str, names: Sequence[str]) -> str:
    others = [name for name in names if name != table]
    if not others:
        return shown(repr(table))
    more = ", …" if len(others) > 1 else ""
    return f"{shown(repr(table))} (left out: {shown(others[0])}{more})"


def _is_by_the_way(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return "__MACOSX" in path.parts or path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini")


def _refuse_documents(names: Collection[str]) -> None:
    """Office documents and other formats are zip archives too."""
    documents = {
        "xl/workbook.xml": "an Excel workbook",
        "xl/workbook.bin": "an Excel workbook",
        "word/document.xml": "a Word document",
        "content.xml": "an OpenDocument file, such as an .ods table",
        "Index/Document.iwa": "an Apple Numbers or Pages document",
    }
    found = next((what for member, what in documents.items() if member in names), None)
    if found is not None:
        raise NotATable(f" is {found}, not a table of text: export the table as CSV.")
    if any(name.endswith("data.pkl") for name in names):
        raise NotATable(" is a PyTorch file with a pickle, which gradviz does not open: export the table as CSV.")
    if names and all(name.endswith(".npy") for name in names):
        raise NotATable(" is an archive of NumPy arrays, not a table of text: export the table as CSV.")


def too_large(limit: int) -> NotATable:
    return NotATable(f" has more than {limit:,} bytes when unpacked, the limit for a table: use fewer rows.")
