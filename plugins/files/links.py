"""Links that expire, signed with the secret of the installation: whoever has one may send or get one file."""

import re
from datetime import datetime, timedelta
from hmac import compare_digest

from guanxi import BadRequest, Context, sentence

DOWNLOADS, UPLOADS = "downloads", "uploads"

_LINK = re.compile(r"([a-z]+_[0-9a-z]+)\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


def link(ctx: Context, purpose: str, id: str, expires_at: datetime) -> str:
    """A link.

    Args:
        ctx: of any hook.
        purpose: what it is for, `DOWNLOADS` or `UPLOADS`.
        id: of the file or the upload.
        expires_at: from when on it is refused.
    """
    expires = int(expires_at.timestamp())
    signature = ctx.sign(f"{purpose} {id} {expires}")
    return f"{ctx.settings.base_url}/plugins/files/{purpose}/{id}.{expires}.{signature}"


def download_link(ctx: Context, file_id: str) -> str:
    """A link by which a file can be downloaded for some time."""
    return link(ctx, DOWNLOADS, file_id, ctx.clock.now() + timedelta(seconds=ctx.settings.link_seconds))


def id_in(ctx: Context, purpose: str, given: str) -> str:
    """The id of the file or the upload that a link leads to.

    Raises:
        BadRequest: the link is not one of ours, or has expired.
    """
    parts = _LINK.fullmatch(given)
    # The signature is checked first: nothing is revealed about a link that is not ours.
    if parts is None or not compare_digest(ctx.sign(f"{purpose} {parts[1]} {parts[2]}"), parts[3]):
        raise BadRequest(403, sentence("the link is not valid: it was changed, or is another server's"), "LINK_INVALID")
    if ctx.clock.now().timestamp() >= int(parts[2]):
        raise BadRequest(410, sentence("the link has expired; ask for a new one"), "LINK_EXPIRED")
    return parts[1]
