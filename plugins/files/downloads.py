"""Downloads: the bytes of a file, never shown by a browser, only saved."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from guanxi import BadRequest, Context, sentence
from plugins.files.faults import StoreError, unavailable
from plugins.files.links import DOWNLOADS, id_in
from plugins.files.names import disposition

_FILE = "query ($id: ID!) { file(id: $id) { name size sha256 storedAs } }"
#: No file has a byte with a number of more digits; Python refuses to read numbers of very many.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
#: Whatever a file says it is, a browser runs nothing of it.
_POLICY = "default-src 'none'; sandbox"


async def download(ctx: Context, request: Request) -> Response:
    """Sends the bytes of a file, or a range of them."""
    file = (await ctx.query(_FILE, {"id": id_in(ctx, DOWNLOADS, request.path_params["link"])}))["file"]
    if file is None or file["storedAs"] is None:
        raise _gone()
    size, tag = file["size"], f'"{file["sha256"]}"'
    headers = {
        "content-disposition": disposition(file["name"]),
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        "etag": tag,
    }
    part = _range_of(request.headers, size, tag)
    start, end = part or (0, size)
    headers["content-length"] = str(end - start)
    if part is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    status, media_type = 200 if part is None else 206, "application/octet-stream"
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    try:
        found = await ctx.settings.opened.get(file["storedAs"], start, end)
    except StoreError as error:
        raise unavailable(ctx, error) from error
    if found is None or found.size != size:
        ctx.log.error("%s is not in the store as it was", file["storedAs"])
        raise _gone()
    return StreamingResponse(found.chunks, status, headers, media_type)


def _gone() -> BadRequest:
    return BadRequest(410, sentence("the file is no longer there; it was deleted, or its data erased"), "FILE_GONE")


def _range_of(headers: Mapping[str, Any], size: int, tag: str) -> tuple[int, int] | None:
    """The first byte that is asked for and the one after the last; None where all are, or several ranges.

    Raises:
        BadRequest: there are no such bytes.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or not any(found.groups()) or headers.get("if-range", tag) != tag:
        return None
    first, last = found.groups()
    if first:
        start, end = int(first), min(size, int(last) + 1) if last else size
    else:
        start, end = max(0, size - int(last)), size
    if first and last and int(last) < int(first):
        return None
    if start >= end:
        message = sentence("range: the file has {size:,} bytes", size=size)
        raise BadRequest(416, message, "BAD_REQUEST", {"content-range": f"bytes */{size}"})
    return start, end
