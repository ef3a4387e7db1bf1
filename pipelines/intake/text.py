"""Bytes of text files, in whatever encoding, as text in UTF-8, which its readers take without another copy."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from pipelines.intake.frames import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Opening = Callable[[], BinaryIO]

UTF8 = "utf-8-sig"  # with or without a mark
LOST = "\ufffd"
# What a file begins with that is no text, whatever its name says.
BINARY = {
    b"PK\x03\x04": "an .xlsx workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old .xls workbook, or one with a password",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
}
# A file with fewer bad bytes than this, for each good character outside ASCII, is in that encoding and damaged.
DAMAGE = 0.1
PIECE = 256 << 10  # bytes that are read at a time: few, since memory that is taken anew costs more than reading
PART = 12 << 20  # bytes that a text is cut into
LONGEST_RECORD = 32 << 20  # bytes


@dataclass(frozen=True)
class Coding:
    """How bytes are text: the encoding, why some characters are lost (empty where none are), how lines end."""

    encoding: str
    damage: str = ""
    returns_only: bool = False

    def texts(self, opened: Opening, /) -> Iterator[bytes]:
        """The text in UTF-8, piece by piece, with newlines where lines end in a carriage return alone."""
        is_utf8 = self.encoding == UTF8 and not self.damage
        pieces = _pieces(opened) if is_utf8 else map(str.encode, _decoded(opened, self.encoding, "replace"))
        mark = codecs.BOM_UTF8
        for piece in filter(None, pieces):
            marked = piece.removeprefix(mark)
            yield marked.replace(b"\r", b"\n") if self.returns_only else marked
            mark = b""


def coding_of(opened: Opening, stated: str | None, /) -> Coding:
    """How the bytes of a stream are text, found by reading them once.

    Without a stated encoding: UTF-16 by its mark, else UTF-8, else GBK (as GB 18030). Lost characters stand as U+FFFD.

    Raises:
        UnreadableFileError: it is no text, or in none of these encodings.
    """
    with opened() as stream:
        start = stream.read(8)
    for beginning, kind in BINARY.items():
        if start.startswith(beginning):
            raise UnreadableFileError(f"its content is {kind}, which its name does not say; rename it, or export text")
    encodings = _encodings(start, stated)
    damaged = []
    for name in encodings:
        try:
            return _coding(name, _survey(opened, name, "strict"))
        except UnicodeDecodeError:
            found = _survey(opened, name, "replace")
            if found.bad <= DAMAGE * found.good:  # GBK would read the few bad bytes, and make nonsense of the rest
                return _coding(name, found)
            damaged.append((name, found))
    for name, found in damaged:
        if found.bad == 1:
            return _coding(name, found)
    raise UnreadableFileError(
        f"byte {_first_bad(opened, encodings[0]):,} is not {' or '.join(map(_named, encodings))} text; "
        "save the file as UTF-8 or GBK, or state its encoding in a mapping file"
    )


def decoded(content: bytes, encoding: str | None, /) -> tuple[str, str]:
    """The text of some bytes, and why some of its characters are lost (empty where none are), as by `coding_of`."""
    opened = partial(io.BytesIO, content)
    coding = coding_of(opened, encoding)
    return b"".join(coding.texts(opened)).decode(), coding.damage


def end_of_line(text: bytearray, /) -> int:
    """Where the last whole line ends; 0 where none does."""
    return text.rfind(b"\n") + 1


def blocks(texts: Iterable[bytes], end: Callable[[bytearray], int] = end_of_line, /) -> Iterator[bytearray]:
    """The texts in parts of about `PART` bytes, each to where `end` says that it may end (0 where it may not yet).

    The last one ends as the texts do.
    """
    waiting: list[bytes | bytearray] = []
    length, due = 0, PART
    for text in texts:
        waiting.append(text)
        length += len(text)
        if length < due:
            continue
        whole = bytearray().join(waiting)
        if at := end(whole):
            rest = whole[at:]
            del whole[at:]
            yield whole
            whole, due = rest, PART
        elif length > LONGEST_RECORD:
            raise UnreadableFileError(
                f"it has a line of more than {LONGEST_RECORD:,} bytes, which no export has; export it again"
            )
        else:
            due += PART
        waiting, length = [whole], len(whole)
    if rest := bytearray().join(waiting):
        yield rest


def lines(texts: Iterable[bytearray], /) -> Iterator[str]:
    """The lines of texts of whole lines, without their ends."""
    for text in texts:
        yield from text.decode(errors="replace").removesuffix("\n").split("\n")


@dataclass
class _Survey:
    """What decoding found: characters that are lost, good ones outside ASCII, and which control characters occur."""

    bad: int = 0
    good: int = 0
    zeros: bool = False
    returns: bool = False
    newlines: bool = False


def _survey(opened: Opening, encoding: str, errors: str) -> _Survey:
    found = _Survey()
    for text in _decoded(opened, encoding, errors):
        found.zeros |= "\x00" in text
        found.returns |= "\r" in text
        found.newlines |= "\n" in text
        if errors == "replace":
            bad = text.count(LOST)
            found.bad += bad
            found.good += len(text) - len(text.encode("ascii", errors="ignore")) - bad
    return found


def _coding(encoding: str, found: _Survey) -> Coding:
    if found.zeros:
        raise UnreadableFileError("the file holds binary zeros, so it is no text; export it again as CSV in UTF-8")
    damage = f"holds bytes that are not {_named(encoding)} text" if found.bad else ""
    return Coding(encoding, damage, found.returns and not found.newlines)


def _decoded(opened: Opening, encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for piece in _pieces(opened):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _pieces(opened: Opening) -> Iterator[bytes]:
    with opened() as stream:
        while piece := stream.read(PIECE):
            yield piece


def _encodings(start: bytes, stated: str | None) -> list[str]:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    return [stated] if stated else [UTF8, "gb18030"]


def _first_bad(opened: Opening, encoding: str) -> int:
    """The number of the first byte that is not of the encoding, counted from 1."""
    decoder, before = codecs.getincrementaldecoder(encoding)(), 0
    with opened() as stream:
        for piece in chain(iter(partial(stream.read, PIECE), b""), [b""]):
            waiting = len(decoder.getstate()[0])
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return before - waiting + error.start + 1
            before += len(piece)
    return 0


def _named(encoding: str) -> str:
    return {UTF8: "UTF-8", "gb18030": "GBK"}.get(encoding, encoding.upper())
