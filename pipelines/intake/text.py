"""Bytes of text files, in whatever encoding, as text."""

from __future__ import annotations

import codecs

from pipelines.intake.frames import UnreadableFileError

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


def decoded(content: bytes, encoding: str | None, /) -> tuple[str, str]:
    """The text, and why some of its characters are lost (empty where none are).

    Without a stated encoding: UTF-16 by its mark, else UTF-8, else GBK (as GB 18030). Lost characters stand as U+FFFD.

    Raises:
        UnreadableFileError: it is no text, or in none of these encodings.
    """
    for start, kind in BINARY.items():
        if content.startswith(start):
            raise UnreadableFileError(f"its content is {kind}, which its name does not say; rename it, or export text")
    encodings = _encodings(content, encoding)
    for name in encodings:
        try:
            return _text(content.decode(name)), ""
        except UnicodeDecodeError:
            if _damage(content, name) <= DAMAGE:  # GBK would read the few bad bytes, and make nonsense of the rest
                return _lossy(content, name)
    for name in encodings:
        if content.decode(name, errors="replace").count(LOST) == 1:
            return _lossy(content, name)
    raise UnreadableFileError(
        f"byte {_first_bad(content, encodings[0]):,} is not {' or '.join(map(_named, encodings))} text; "
        "save the file as UTF-8 or GBK, or state its encoding in a mapping file"
    )


def _encodings(content: bytes, stated: str | None) -> list[str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    return [stated] if stated else ["utf-8-sig", "gb18030"]


def _damage(content: bytes, encoding: str) -> float:
    """Bad bytes for each good character outside ASCII."""
    text = content.decode(encoding, errors="replace")
    bad = text.count(LOST)
    good = len(text) - len(text.encode("ascii", errors="ignore")) - bad
    return bad / good if good else float("inf")


def _lossy(content: bytes, encoding: str) -> tuple[str, str]:
    return _text(content.decode(encoding, errors="replace")), f"holds bytes that are not {_named(encoding)} text"


def _first_bad(content: bytes, encoding: str) -> int:
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start + 1
    return 0


def _named(encoding: str) -> str:
    return {"utf-8-sig": "UTF-8", "gb18030": "GBK"}.get(encoding, encoding.upper())


def _text(text: str) -> str:
    if "\x00" in text:
        raise UnreadableFileError("the file holds binary zeros, so it is no text; export it again as CSV in UTF-8")
    text = text.removeprefix("\ufeff")
    return text.replace("\r", "\n") if "\r" in text and "\n" not in text else text
