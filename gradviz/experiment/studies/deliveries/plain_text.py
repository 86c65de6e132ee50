"""The lines of a text table in any common encoding, and the name of that encoding."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gradviz.experiment.studies.deliveries.foreign import NotATable

# Longer marks first: UTF-32's begins like UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The zero bytes of an ASCII character.
_ZEROS = {"utf-32-le": (1, 2, 3), "utf-32-be": (0, 1, 2), "utf-16-le": (1,), "utf-16-be": (0,)}
_HEAD = 4096
_CHUNK = 1 << 20
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")


@dataclass(frozen=True)
class PlainText:
    """Text in UTF-8, or in Latin-1 if it is not UTF-8; `said` names any encoding but UTF-8."""

    content: bytes
    encoding: str
    said: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The lines with their ends, of any system."""
        return io.TextIOWrapper(io.BytesIO(self.content), self.encoding, newline="")

    def head(self) -> str:
        return self.content[:_HEAD].decode(self.encoding, "replace")


def read_text(content: bytes) -> PlainText:
    """Recognises the encoding; raises NotATable if the content is not text.

    Without a mark (BOM) it is UTF-8, or UTF-16 or UTF-32 by the zeros in its first characters. Invalid UTF-8 is read as
    Latin-1, in which every byte is a character: our names and values are ASCII, the same in both.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", ""))
    encoding, said = encoding or _by_zeros(content[:_HEAD]), ()
    if mark:
        content = content[len(mark) :]
    if encoding in _ZEROS:
        name = encoding.upper()
        said = (name,)
        try:
            content = content.decode(encoding).encode()
        except UnicodeError as error:
            place = error.start + len(mark) if isinstance(error, UnicodeDecodeError) else 0
            raise NotATable(
                f" looks like text in {name}, but byte {place} is unreadable: it is damaged or cut short; "
                "save the table as UTF-8."
            ) from error
    _refuse_control(content, len(mark) if not said else None)
    wrong = _first_wrong_byte(content)
    if wrong is None:
        return PlainText(content, "utf-8", said)
    where = f"byte {wrong + len(mark)}, line {_line(content, wrong)}, is 0x{content[wrong]:02X}"
    if mark:
        raise NotATable(f" is marked as UTF-8, but is not all UTF-8 ({where}): save the table as UTF-8.")
    return PlainText(content, "latin-1", (f"Latin-1, because it is not UTF-8 ({where})",))


def _by_zeros(head: bytes) -> str:
    """An encoding without a mark, by the zero bytes of mostly ASCII text; `utf-8` if there are none."""
    for encoding, zeros in _ZEROS.items():
        width = 4 if "32" in encoding else 2
        whole = head[: len(head) // width * width]
        shares = [whole[place::width].count(0) * width / max(len(whole), 1) for place in range(width)]
        if whole and all(share > 0.8 if place in zeros else share < 0.05 for place, share in enumerate(shares)):
            return encoding
    return "utf-8"


def _refuse_control(content: bytes, shift: int | None) -> None:
    found = _CONTROL.search(content)
    if found is None:
        return
    what = "a NUL byte" if found[0] == b"\x00" else f"the control character 0x{found[0][0]:02X}"
    if not content.strip(b"\x00"):
        raise NotATable(" has only NUL bytes: its content was never written; copy or download it again.")
    where = f"line {_line(content, found.start())}"
    where += "" if shift is None else f", byte {found.start() + shift}"
    raise NotATable(f" is not text ({where} has {what}): it is damaged, or not a readable table.")


def _first_wrong_byte(content: bytes) -> int | None:
    """The place of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content) + 1, _CHUNK):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(content[start : start + _CHUNK], final=start + _CHUNK > len(content))
        except UnicodeDecodeError as error:
            return start - kept + error.start
    return None


def _line(content: bytes, place: int) -> int:
    """The line of a byte, with line ends of any system."""
    before = content[:place]
    return 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
