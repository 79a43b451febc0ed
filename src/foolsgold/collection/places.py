"""Where files lie: on this machine, or in a store that a URI names, such as s3://bucket/folder."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from foolsgold.errors import CollectionError, MissingExtraError, OutputError, SettingsError

_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")  # two letters at least: one is a drive of Windows
_BUFFER_BYTES = 4 * 2**20  # of a file far away: each request takes tens of milliseconds, whatever it asks for
_WITHOUT_FOLDERS = ("s3", "gcs")


class Stat(NamedTuple):
    """Size and time of a file: what changes when its content does."""

    n_bytes: int
    changed_ns: int


@dataclass(frozen=True)
class RemotePath:
    """A file or folder that a URI names, with what is used here of `pathlib.Path`.

    Read through Arrow's own file systems (S3, GCS, HDFS, …), any other through fsspec. What follows a `?` says how the
    store is reached: `s3://bucket/folder?endpoint_override=localhost:9000&scheme=http`.

    Raises:
        SettingsError: the URI holds a password, or names a kind of store that is not known.
        MissingExtraError: fsspec has no package for the store.
    """

    uri: str

    def __post_init__(self) -> None:
        if urlsplit(self.uri).password:
            place = urlsplit(self.uri).scheme
            raise SettingsError(
                f"the URI {place}://… holds a key or password, which would be kept in settings.json. Leave it out, and "
                "set the environment variables of the store, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )

    def __str__(self) -> str:
        return self.uri

    def __truediv__(self, name: str) -> RemotePath:
        place, mark, options = self.uri.partition("?")
        return RemotePath(f"{place.rstrip('/')}/{name}{mark}{options}")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.uri.partition("?")[0].rstrip("/").rpartition("/")[2]

    def with_name(self, name: str) -> RemotePath:
        """Another file in the same folder."""
        place, mark, options = self.uri.partition("?")
        return RemotePath(f"{place.rstrip('/').rpartition('/')[0]}/{name}{mark}{options}")

    @property
    def suffix(self) -> str:
        """The name's last ending, with its dot."""
        return Path(self.name).suffix

    def exists(self) -> bool:
        """Whether anything has this name."""
        return bool(self._info().type.name != "NotFound")

    def is_file(self) -> bool:
        """Whether it is a file."""
        return bool(self._info().type.name == "File")

    def is_dir(self) -> bool:
        """Whether it is a folder: in an object store, whether any name begins so."""
        return bool(self._info().type.name == "Directory")

    def iterdir(self) -> Iterator[RemotePath]:
        """What lies in the folder."""
        from pyarrow.fs import FileSelector

        system, path = self._opened()
        with self._answering():
            found = system.get_file_info(FileSelector(path))
        for info in found:
            yield self / info.base_name

    def resolve(self) -> RemotePath:
        """Itself: a URI is absolute."""
        return self

    def stat_of_file(self) -> Stat:
        """Size and time, as the store has them."""
        info = self._info()
        return Stat(int(info.size or 0), int(info.mtime_ns or 0))

    def open(self) -> IO[bytes]:
        """Open it to be read as Python reads files."""
        return cast("IO[bytes]", io.BufferedReader(self.open_for_arrow(), _BUFFER_BYTES))

    def open_for_arrow(self) -> Any:
        """Open it to be read by Arrow, which asks for what it needs."""
        system, path = self._opened()
        return system.open_input_file(path)

    def write(self, content: Any) -> None:
        """Write it whole: stores show an object once all of it is there.

        Raises:
            OutputError: the store does not take it.
        """
        system, path = self._opened()
        try:
            if system.type_name not in _WITHOUT_FOLDERS:
                system.create_dir(path.rpartition("/")[0], recursive=True)
            with system.open_output_stream(path) as file:
                file.write(content)
        except OSError as error:
            raise OutputError(
                f"cache: writing {self} failed ({error}). Check that the keys that the environment gives allow it, or "
                "give another folder (--cache DIR)."
            ) from error

    def _info(self) -> Any:
        system, path = self._opened()
        with self._answering():
            return system.get_file_info(path)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CollectionError(
                f"{self}: the store does not answer as it should ({error}). Check the name, and the region and keys "
                "that the environment gives, such as AWS_DEFAULT_REGION and AWS_ACCESS_KEY_ID."
            ) from error

    def _opened(self) -> tuple[Any, str]:
        """The file system, and the path in it."""
        place, _, options = self.uri.partition("?")
        scheme, _, rest = place.partition("://")
        root, _, path = rest.partition("/")
        system, start = _file_system(f"{scheme}://{root}", options)
        return system, f"{start.rstrip('/')}/{path}".rstrip("/")


FilePath = Path | RemotePath


def located(place: str | Path | RemotePath) -> FilePath:
    """A path on this machine, or what a URI names; file:// is this machine.

    Raises:
        SettingsError: the URI holds a password, or is a file:// without an absolute path.
    """
    if isinstance(place, str) and _URI.match(place):
        if not place.lower().startswith("file://"):
            return RemotePath(place)
        parts = urlsplit(place)
        if parts.netloc not in ("", "localhost"):
            raise SettingsError(f"{place} has no absolute path; write file:///… with three slashes.")
        return Path(unquote(parts.path))
    return place if isinstance(place, RemotePath) else Path(place)


def stat_of(path: FilePath) -> Stat:
    """Size and time of a file."""
    if isinstance(path, RemotePath):
        return path.stat_of_file()
    found = path.stat()
    return Stat(found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=16)
def _file_system(root: str, options: str) -> tuple[Any, str]:
    """Kept, since to find out where a bucket lies takes a request."""
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    try:
        system, start = FileSystem.from_uri(f"{root}?{options}" if options else root)
        return system, str(start)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        refused = error  # most often: not one of Arrow's own
    try:
        import fsspec  # type: ignore[import-untyped]

        own, start = fsspec.core.url_to_fs(root)
    except ImportError as error:
        raise MissingExtraError(f"{root}: {error}. It is installed by pip.") from error
    except ValueError as error:
        raise SettingsError(f"{root}: no store that is known ({refused}; {error}).") from error
    return PyFileSystem(FSSpecHandler(own)), str(start)
