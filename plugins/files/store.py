"""The store: a folder or a bucket, in which each upload has a folder of its own."""

import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, GenericError
from obstore.store import LocalStore, S3Store

from guanxi.sql import unordered_id
from plugins.files.faults import StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_CHUNK = 262_144
#: A bucket that says nothing for so long is not reached.
_SILENCE_SECONDS = 20
#: Of parts of an upload to a bucket, so many are under way at once.
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Bytes of one object, or a range of them.

    Attributes:
        size: of the whole object.
        chunks: the bytes that were asked for.
    """

    size: int
    chunks: AsyncIterator[bytes]


class Store:
    """Where bytes are kept."""

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        """Opens it; nothing is sent yet.

        Args:
            url: of a folder or of a bucket, with a prefix.
            options: of a bucket: `endpoint`, `region`, `access_key_id`, `secret_access_key`.

        Raises:
            StoreError: it cannot be opened.
        """
        self._url = url
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        try:
            self._store = self._opened(parts.netloc, unquote(parts.path).strip("/"), options)
        except (BaseError, OSError, ValueError) as error:
            raise self._problem(error) from error

    def _opened(self, bucket: str, prefix: str, options: Mapping[str, Any]) -> Any:
        if self._folder is not None:
            return LocalStore(self._folder, automatic_cleanup=True, mkdir=True)
        is_plain = options.get("endpoint", "").startswith("http://")
        client: ClientConfig = {
            "allow_http": is_plain,
            "connect_timeout": timedelta(seconds=5),
            "read_timeout": timedelta(seconds=_SILENCE_SECONDS),
            # A large file may take as long as who gets it needs.
            "timeout": timedelta(days=1),
        }
        retries: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=_SILENCE_SECONDS)}
        return S3Store(bucket, prefix=prefix or None, client_options=client, retry_config=retries, **options)

    def _problem(self, error: Exception) -> StoreError:
        """What is said of a fault, without the library's own account of it, which is many lines long."""
        first = str(error).partition("\n")[0].partition(": <?xml")[0]
        return StoreError(f"store: {self._url} cannot be used: {first}")

    async def check(self) -> str | None:
        """Writes and removes a few bytes; returns why a bucket cannot be reached, which may pass.

        Raises:
            StoreError: it is not there, or nothing may be written.
        """
        path = f"check/{unordered_id('chk')}"
        try:
            await obstore.put_async(self._store, path, b"check")
            await obstore.delete_async(self._store, path)
        except (BaseError, OSError) as error:
            problem = self._problem(error)
            if isinstance(error, GenericError) and self._folder is None:
                return problem.message
            raise problem from error
        return None

    async def put(self, path: str, chunks: AsyncIterator[bytes]) -> None:
        """Stores what arrives, and nothing where that breaks off.

        Raises:
            StoreError: the store failed; what the chunks raise is raised as it is.
        """
        try:
            await obstore.put_async(self._store, path, chunks, max_concurrency=_AT_ONCE)
        except (BaseError, FileNotFoundError) as error:
            raise self._problem(error) from error

    async def get(self, path: str, start: int, end: int) -> StoredBytes | None:
        """Bytes from `start` on and before `end`; None where there is no such object.

        Raises:
            StoreError: the store failed.
        """
        try:
            found = await obstore.get_async(self._store, path, options={"range": (start, end)})
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise self._problem(error) from error

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in found.stream(min_chunk_size=_CHUNK):
                yield bytes(chunk)

        return StoredBytes(found.meta["size"], chunks())

    async def remove(self, upload_id: str) -> None:
        """Removes everything of an upload, also what was written in part.

        Raises:
            StoreError: the store failed; some of it may be gone.
        """
        try:
            async for found in obstore.list(self._store, f"{upload_id}/"):
                for one in found:
                    await self.remove_object(one["path"])
        except BaseError as error:
            raise self._problem(error) from error
        if self._folder is not None:
            # A process that died has left behind what it had not finished.
            shutil.rmtree(self._folder / upload_id, ignore_errors=True)

    async def remove_object(self, path: str) -> None:
        """Removes one object, if it is there.

        Raises:
            StoreError: the store failed.
        """
        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            pass
        except BaseError as error:
            raise self._problem(error) from error
