"""The operation of files: preparing an upload."""

from datetime import datetime

import strawberry

from guanxi import Context, Input, Payload, mutation
from plugins.files.links import UPLOADS, link
from plugins.files.uploads import prepare

#: The permission to send files.
UPLOAD = "files.upload"


@strawberry.input
class PrepareUploadInput(Input):
    """A file that is about to be sent."""

    media_type: str = strawberry.field(description="What it is, such as application/pdf.")
    size: int = strawberry.field(description="How many bytes it has.")
    sha256: str | None = strawberry.field(
        default=None, description="Its SHA-256 in hexadecimal, if what arrives is to be compared with it."
    )


@strawberry.type
class PrepareUploadPayload(Payload):
    """Where to send it."""

    upload_id: strawberry.ID | None = strawberry.field(
        default=None, description="What createFile takes as uploadId once it was sent."
    )
    url: str | None = strawberry.field(
        default=None,
        description="Send the bytes here by PUT, without a key: the link is signed, and for this upload alone.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="Until when it can be sent, and a file be created of it."
    )


@mutation(permission=UPLOAD, locks=lambda input: ())
def prepare_upload(ctx: Context, input: PrepareUploadInput) -> PrepareUploadPayload:
    """Prepares an upload: PUT the bytes to the url that it returns, then call createFile with its uploadId."""
    made = prepare(ctx, input.media_type, input.size, input.sha256)
    url = link(ctx, UPLOADS, made["id"], made["expires_at"])
    return PrepareUploadPayload(upload_id=made["id"], url=url, expires_at=made["expires_at"])
