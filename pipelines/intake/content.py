"""The bytes of a landed file, unpacked where it is packed, as a stream: no file has to be in memory as a whole."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from pipelines.intake.frames import LARGEST_UNPACKED, UnreadableFileError, most_unpacked

if TYPE_CHECKING:
    from pipelines.intake.objects import LandingPath

GZIP = b"\x1f\x8b"
BEGINNING = 1 << 20


@dataclass(frozen=True)
class Content:
    """What a file holds. Every method raises UnreadableFileError when it is empty, too large or a damaged gzip file."""

    path: LandingPath

    @property
    def packed(self) -> bool:
        """Whether it is a gzip file, whatever its name says."""
        with self.path.open("rb") as file:
            return file.read(len(GZIP)) == GZIP or self.path.name.lower().endswith(".gz")

    def open(self) -> BinaryIO:
        """A stream of the unpacked bytes from their beginning on."""
        size = self._size()
        return _Unpacked(self.path.open("rb"), size) if self.packed else self.path.open("rb")  # type: ignore[return-value]

    def read(self, *, at_most: int = LARGEST_UNPACKED, kind: str = "file") -> bytes:
        """All bytes, of a kind of file that can only be read as a whole."""
        with self.open() as stream:
            content = stream.read(at_most + 1)
        if len(content) > at_most:
            raise UnreadableFileError(
                f"it has more than {at_most:,} bytes, the most of a {kind} that is read; split it"
            )
        return content

    def beginning(self) -> bytes:
        """All of a short text, and of a long one whole lines of its beginning."""
        self._size()
        with self.path.open("rb") as file:
            content = file.read(BEGINNING)
        if self.packed:
            content = _unpacked_beginning(content)
        if len(content) >= BEGINNING:
            content = content[: content.rfind(b"\n") + 1] or content
        return content

    def _size(self) -> int:
        size = self.path.stat().st_size
        if not size:
            raise UnreadableFileError("the file is empty (0 bytes); export it again")
        if size > LARGEST_UNPACKED:
            raise UnreadableFileError(f"it has {size:,} bytes, and at most {LARGEST_UNPACKED:,} are read; split it")
        return size


class _Unpacked:
    """What a gzip file of `size` bytes unpacks to, as a stream."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._stream = file, gzip.GzipFile(fileobj=file)
        self._size, self._most, self._given = size, most_unpacked(size), 0

    def read(self, count: int = -1) -> bytes:
        left = self._most - self._given + 1
        try:
            data = self._stream.read(min(count, left) if count >= 0 else left)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFileError(
                f"the gzip file is truncated or damaged within its {self._size:,} bytes ({error}); copy it again"
            ) from error
        self._given += len(data)
        if not self._given:
            raise UnreadableFileError("the gzip file holds nothing; export it again")
        if self._given > self._most:
            raise UnreadableFileError(
                f"the gzip file unpacks from {self._size:,} bytes to more than {self._most:,}, so it is not read; "
                "split it"
            )
        return data

    def __enter__(self) -> _Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._file.close()


def _unpacked_beginning(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(content, BEGINNING)
    except zlib.error as error:
        raise UnreadableFileError(f"the gzip file is damaged ({error}); copy it again") from error
