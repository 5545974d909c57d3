"""Files made of uploads: what they are attached to, and the bytes they get."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from guanxi import Action, Change, Changes, Context, UserError, sentence
from guanxi.sql import Prepared, is_listed
from plugins.files.models import ATTACHED_BY, FileContent, FileUpload
from plugins.files.uploads import known

#: Said with a file that is created: the upload with its bytes.
UPLOAD_ID = "uploadId"

_stored_as = FileContent.__table__.c.stored_as
_USED = Prepared(select(_stored_as).where(is_listed(_stored_as, "paths")))


def lock_keys(changes: Changes) -> Iterator[tuple[str, ...]]:
    """The uploads that new files are made of."""
    return (("upload", str(change.said[UPLOAD_ID])) for change in _new(changes) if change.said.get(UPLOAD_ID))


def _new(changes: Changes) -> list[Change]:
    return list(changes.of("File", Action.CREATED))


def file_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Yields what is wrong with files: what they are attached to, and the uploads they are made of."""
    for change in changes.of("File", Action.CREATED, Action.UPDATED):
        attached = [name for name in ATTACHED_BY if getattr(change.record, name) is not None]
        if len(attached) != 1:
            message = sentence(
                "customerId: a file is attached to one record; give one of customerId, contactId, opportunityId, "
                "interactionId, taskId and transactionId, and null for the others"
            )
            yield UserError("INVALID", message, ("customerId",), change.record)
        if change.action is Action.UPDATED and change.said.get(UPLOAD_ID) is not None:
            message = sentence("uploadId: the bytes of a file stay as they are; create another file")
            yield UserError("IMMUTABLE", message, (UPLOAD_ID,), change.record)
    new = _new(changes)
    uploads = known(ctx, [id for change in new if (id := change.said.get(UPLOAD_ID))])
    used = _used(ctx, [upload["stored_as"] for upload in uploads.values() if upload["stored_as"]])
    for change in new:
        id = change.said.get(UPLOAD_ID) or ""
        problem = _upload_problem(ctx, id, uploads.get(id), used)
        if problem is None:
            used.add(uploads[id]["stored_as"])
        else:
            yield UserError(*problem, (UPLOAD_ID,), change.record)


def _used(ctx: Context, paths: Sequence[str]) -> set[str]:
    return {row["stored_as"] for row in ctx.rows(_USED, paths=list(paths))} if paths else set()


def _upload_problem(ctx: Context, id: str, upload: Mapping[str, Any] | None, used: set[str]) -> tuple[str, str] | None:
    """Why a file cannot be made of an upload: code and message; None where it can."""
    if not id:
        return "REQUIRED", sentence("uploadId: give that of an upload; prepareUpload makes one")
    if upload is None or upload["owner"] != ctx.actor.id:
        return "NOT_FOUND", sentence("uploadId: you have no upload {id!r}; prepare one", id=id)
    if upload["stored_as"] in used:
        return "TAKEN", sentence("uploadId: the upload {id!r} is that of another file; prepare one", id=id)
    if upload["expires_at"] <= ctx.clock.now():
        return "NOT_POSSIBLE", sentence("uploadId: the upload {id!r} has expired; prepare another", id=id)
    if upload["stored_as"] is None:
        return "NOT_POSSIBLE", sentence("uploadId: the bytes of {id!r} are not there yet; PUT them to its url", id=id)
    return None


def take_uploads(ctx: Context, changes: Changes) -> None:
    """Gives new files the bytes of their uploads."""
    new = {str(change.said[UPLOAD_ID]): change.record.id for change in _new(changes)}
    uploads = known(ctx, list(new))
    columns = ("size", "media_type", "sha256", "stored_as")
    ctx.insert_rows(
        FileContent,
        [{"record_id": new[id], **{name: row[name] for name in columns}} for id, row in uploads.items()],
    )
    now = ctx.clock.now()
    ctx.change_rows(FileUpload, [{"id": id, "expires_at": now} for id in uploads])
