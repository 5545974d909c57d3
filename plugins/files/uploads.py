"""Uploads: prepared, and received in pieces of which none stays in memory."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import bindparam, func, select
from starlette.requests import Request
from starlette.responses import JSONResponse

from guanxi import BadRequest, Context, Reject, UserError, sentence
from guanxi.sql import Prepared, is_listed, unordered_id
from guanxi.types import Text, Timestamp
from plugins.files.faults import StoreError, unavailable
from plugins.files.links import UPLOADS, id_in
from plugins.files.models import FileUpload

_table = FileUpload.__table__
_row = _table.c
_KNOWN = Prepared(select(_table).where(is_listed(_row.id, "ids"), _row.is_going.is_(False)))
_UNFINISHED = Prepared(
    select(func.count().label("count"))
    .select_from(_table)
    .where(_row.owner == bindparam("owner", type_=Text()), _row.expires_at > bindparam("now", type_=Timestamp()))
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def known(ctx: Context, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The uploads with some ids that are not being removed."""
    return {row["id"]: row for row in ctx.rows(_KNOWN, ids=list(ids))} if ids else {}


# Preparing


def prepare(ctx: Context, media_type: str, size: int, sha256: str | None) -> Mapping[str, Any]:
    """A new upload, with its row.

    Raises:
        Reject: there is no store, or files may not be like that, or there are too many uploads of the caller.
    """
    settings, media_type = ctx.settings, media_type.strip().lower()
    if settings.store is None:
        message = sentence("files are switched off; set GUANXI_PLUGINS__FILES__STORE to a folder or a bucket")
        raise Reject(UserError("NOT_POSSIBLE", message))
    problems = []
    if not settings.allows(media_type):
        message = sentence(
            "mediaType: {given!r} is not allowed; use one of {known}", given=media_type[:80], known=settings.media_types
        )
        problems.append(UserError("INVALID", message, ("mediaType",)))
    if not 1 <= size <= settings.maximum_bytes:
        message = sentence("size: {size:,} bytes are not from 1 to {most:,}", size=size, most=settings.maximum_bytes)
        problems.append(UserError("INVALID", message, ("size",)))
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        message = sentence("sha256: it is not one; give 64 hexadecimal digits in lower case, or leave it out")
        problems.append(UserError("INVALID", message, ("sha256",)))
    if problems:
        raise Reject(*problems)
    owner, now = ctx.actor.id, ctx.clock.now()
    ctx.lock("owner", owner)
    if ctx.rows(_UNFINISHED, owner=owner, now=now)[0]["count"] >= settings.unfinished_uploads:
        message = sentence(
            "you have {most} uploads that no file is made of; create the files, or wait until they expire",
            most=settings.unfinished_uploads,
        )
        raise Reject(UserError("NOT_POSSIBLE", message))
    row = {
        "id": unordered_id("upl"),
        "owner": owner,
        "size": size,
        "media_type": media_type,
        "sha256": sha256,
        "stored_as": None,
        "expires_at": now + timedelta(seconds=settings.upload_seconds),
        "is_going": False,
    }
    ctx.insert_rows(FileUpload, [row])
    return row


# Receiving


async def receive(ctx: Context, request: Request) -> JSONResponse:
    """Takes the bytes of an upload by PUT."""
    id = id_in(ctx, UPLOADS, request.path_params["link"])
    upload = (await ctx.transact(partial(known, ids=[id]))).get(id)
    _check_begun(upload, request.headers.get("content-length"))
    arriving = _Arriving(ctx, request, upload)
    path = f"{id}/{unordered_id('obj')}"
    try:
        await ctx.settings.opened.put(path, arriving.chunks())
    except StoreError as error:
        raise unavailable(ctx, error) from error
    except TimeoutError:
        message = sentence("nothing has arrived for {seconds} s; send it again", seconds=ctx.settings.idle_seconds)
        raise BadRequest(408, message, "TIMEOUT") from None
    if not await ctx.transact(partial(_note_received, id=id, path=path, sha256=arriving.sha256)):
        await ctx.settings.opened.remove_object(path)
        raise _taken()
    return JSONResponse({"uploadId": id, "size": arriving.size, "sha256": arriving.sha256}, 201)


def _expired() -> BadRequest:
    return BadRequest(410, sentence("the upload has expired; prepare another"), "LINK_EXPIRED")


def _taken() -> BadRequest:
    message = sentence("the bytes of this upload are there already; create the file, or prepare another upload")
    return BadRequest(409, message, "CONFLICT")


def _check_begun(upload: Mapping[str, Any] | None, length: str | None) -> None:
    if upload is None:
        raise _expired()
    if upload["stored_as"] is not None:
        raise _taken()
    if length is not None and length != str(upload["size"]):
        raise _wrong_size(upload["size"])


def _wrong_size(size: int) -> BadRequest:
    message = sentence("send exactly the {size:,} bytes that were announced, or prepare another upload", size=size)
    return BadRequest(400, message, "WRONG_SIZE")


class _Arriving:
    """The bytes of a request as they arrive, counted and hashed.

    Attributes:
        size: how many so far.
    """

    def __init__(self, ctx: Context, request: Request, upload: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._stream = request.stream()
        self._upload = upload
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 so far."""
        return self._hash.hexdigest()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields them.

        Raises:
            BadRequest: they are not those that were announced, or the time of the upload is over.
            TimeoutError: nothing arrives.
        """
        while True:
            async with asyncio.timeout(self._ctx.settings.idle_seconds):
                chunk = await anext(self._stream, None)
            if chunk is None:
                break
            self.size += len(chunk)
            if self._ctx.clock.now() >= self._upload["expires_at"]:
                raise _expired()
            if self.size > self._upload["size"]:
                raise _wrong_size(self._upload["size"])
            self._hash.update(chunk)
            if chunk:
                yield chunk
        if self.size != self._upload["size"]:
            raise _wrong_size(self._upload["size"])
        if self._upload["sha256"] not in (None, self.sha256):
            raise BadRequest(400, sentence("the bytes have another SHA-256; send them again"), "WRONG_CHECKSUM")


def _note_received(ctx: Context, id: str, path: str, sha256: str) -> bool:
    """Notes that all bytes are there; False where another attempt was first, or it has gone meanwhile."""
    ctx.lock("upload", id)
    upload = known(ctx, [id]).get(id)
    if upload is None or upload["stored_as"] is not None:
        return False
    ctx.change_rows(FileUpload, [{"id": id, "stored_as": path, "sha256": sha256}])
    return True
