"""Objects in storage (`s3://bucket/prefix`) as a landing place: what intake asks of a path, asked of a listing.

An object is there whole or not at all, and its entity tag changes with its content, so a listing says what a folder of
files says: names, sizes, when each was last written, and whether it is another than before.
"""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pipelines.settings import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    # What intake reads: files in a folder, or objects below a prefix.
    LandingPath = Path | "ObjectPath"

SCHEME = "s3://"
BLOCK = 4 << 20  # bytes of a request when an object is read piece by piece
# Seconds, and tries: a storage that does not answer is said to be away rather than waited for.
PATIENCE = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 2}}


class StorageAwayError(OSError):
    """The storage does not answer."""


class ObjectStat(NamedTuple):
    """What a listing says of an object, by the names that a file's state has; its tag stands for its content."""

    st_size: int
    st_mtime: float
    st_ctime: float
    tag: str


@dataclass(frozen=True)
class ObjectPath:
    """An object, or all objects below a prefix, as a path.

    `listed` are the objects of the listing that the path comes from, by their keys: what is not in it is not there.
    """

    bucket: str
    key: str
    listed: Mapping[str, ObjectStat] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, address: str, /) -> ObjectPath:
        """The prefix of an address; raises SettingError for one that is none, or that holds more than a place."""
        try:
            parts = urlsplit(address)
            plain = (parts.scheme, parts.query, parts.fragment, parts.port) == ("s3", "", "", None)
        except ValueError:
            plain = False
        if not plain or not parts.netloc or "@" in parts.netloc:
            raise SettingError(
                f"{address.split('@')[-1]!r} is no landing place; name a folder, or objects as s3://bucket/prefix, "
                "with credentials in the environment alone"
            )
        return cls(parts.netloc, parts.path.strip("/"))

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}".rstrip("/")

    def __lt__(self, other: ObjectPath) -> bool:
        return self.parts < other.parts

    @property
    def parts(self) -> tuple[str, ...]:
        """The steps of the key."""
        return tuple(self.key.split("/"))

    @property
    def name(self) -> str:
        """The last step of the key."""
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> ObjectPath:
        """The prefix that the object lies in."""
        return self._at("/".join(self.parts[:-1]))

    def __truediv__(self, name: str) -> ObjectPath:
        return self._at(f"{self.key}/{name}".lstrip("/"))

    def with_name(self, name: str, /) -> ObjectPath:
        """The object of another name beside this one."""
        return self.parent / name

    def relative_to(self, other: ObjectPath, /) -> PurePosixPath:
        """The steps from a prefix to the object."""
        return PurePosixPath(self.key).relative_to(other.key)

    def resolve(self) -> ObjectPath:
        """Itself: there are no links."""
        return self

    def is_symlink(self) -> bool:
        """Never."""
        return False

    def is_relative_to(self, other: ObjectPath, /) -> bool:
        """Whether it lies below a prefix."""
        return self.bucket == other.bucket and PurePosixPath(self.key).is_relative_to(other.key)

    def is_dir(self) -> bool:
        """Whether objects can land here: the bucket is there and may be listed. Raises OSError where it may not."""
        self._listing()
        return True

    def rglob(self, _pattern: str, /) -> Iterator[ObjectPath]:
        """Every object below, of one listing."""
        listed = self._listing()
        return (ObjectPath(self.bucket, key, listed) for key in listed)

    def exists(self) -> bool:
        """Whether the listing holds it."""
        return self.key in self.listed

    is_file = exists

    def stat(self) -> ObjectStat:
        """What the listing says of it."""
        if not self.exists():
            raise FileNotFoundError(errno.ENOENT, "no such object", str(self))
        return self.listed[self.key]

    def anew(self) -> ObjectPath:
        """The object as it is now; raises FileNotFoundError when it has been deleted."""
        with _explained(self):
            found = storage().info(f"{self.bucket}/{self.key}")
        return self._at(self.key, {self.key: _stat(found)})

    def open(self, _mode: str = "rb", /) -> _Reading:
        """Its content as it was listed or as it is now, but never a part of each."""
        with _explained(self):
            return _Reading(self, storage().open(f"{self.bucket}/{self.key}", "rb", block_size=BLOCK))

    def _at(self, key: str, listed: Mapping[str, ObjectStat] | None = None) -> ObjectPath:
        return ObjectPath(self.bucket, key, self.listed if listed is None else listed)

    def _listing(self) -> dict[str, ObjectStat]:
        with _explained(self):
            found = storage().find(f"{self.bucket}/{self.key}".rstrip("/"), detail=True)
        keys = {name.removeprefix(f"{self.bucket}/"): info for name, info in found.items()}
        return {key: _stat(info) for key, info in keys.items() if not key.endswith("/")}  # which marks a folder


class _Reading:
    """An open object whose failures are told like those of a file."""

    def __init__(self, path: ObjectPath, file: Any, /) -> None:
        self.path, self.file = path, file

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        with _explained(self.path):
            return self.file.read(size)

    def readinto(self, into: Any, /) -> int:
        """The next bytes, into memory that is there."""
        with _explained(self.path):
            return self.file.readinto(into)


def _stat(info: Mapping[str, Any]) -> ObjectStat:
    modified: datetime = info["LastModified"]
    return ObjectStat(int(info["size"]), modified.timestamp(), modified.timestamp(), str(info["ETag"]))


def storage() -> Any:
    """The client of the storage that the environment names.

    Raises SettingError when the client is not installed, or the environment holds no credentials.
    """
    try:
        import s3fs  # noqa: F401
    except ImportError:
        raise SettingError(
            "landing from object storage needs s3fs, which is not installed; "
            "install it: pip install -c constraints.txt '.[s3]'"
        ) from None
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    key, secret, token = map(os.environ.get, names)
    if not key or not secret:
        raise SettingError(f"landing from object storage needs {names[0]} and {names[1]} in the environment")
    return _client(key, secret, token, os.environ.get("AWS_ENDPOINT_URL"))


@cache
def _client(key: str, secret: str, token: str | None, endpoint: str | None) -> Any:
    import s3fs

    return s3fs.S3FileSystem(
        key=key,
        secret=secret,
        token=token,
        endpoint_url=endpoint or None,
        config_kwargs=PATIENCE,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


@contextlib.contextmanager
def _explained(path: ObjectPath) -> Iterator[None]:
    """Whatever the client raises as the OSError that says what to do; no message repeats a credential."""
    try:
        yield
    except SettingError:
        raise
    except FileNotFoundError as error:
        told = "there is no such bucket; create it, or name another" if "bucket" in str(error) else "no such object"
        raise FileNotFoundError(errno.ENOENT, told, str(path)) from error
    except PermissionError as error:
        told = (
            "access is refused; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be those of somebody who may list the "
            "bucket and read its objects"
        )
        raise PermissionError(errno.EACCES, told, str(path)) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        if isinstance(error, OSError) and error.errno == errno.EBUSY:
            raise OSError(errno.EBUSY, "it was replaced while it was read", str(path)) from error
        if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
            raise OSError(error.errno or errno.EIO, reason, str(path)) from error
        told = f"the storage does not answer ({reason}); check AWS_ENDPOINT_URL and the network"
        raise StorageAwayError(errno.EIO, told, str(path)) from error
