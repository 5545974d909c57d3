"""Removal of bytes that no file has: of uploads that were abandoned, and of files that were destroyed or erased.

Rows of uploads are in the database before their bytes are in the store, and go after them. So whatever breaks off is
found and done again, and nothing is removed before the commit that makes it needless.
"""

from collections.abc import Sequence

from sqlalchemy import Select, bindparam, delete, or_, select
from sqlmodel import col

from guanxi import Context, GuanxiError
from guanxi.sql import Prepared, is_listed
from guanxi.types import Timestamp
from plugins.files.models import FileContent, FileUpload

JOB = "remove_uploads"

_AT_ONCE = 100

_uploads = FileUpload.__table__
_contents = FileContent.__table__


def _needless() -> Select[tuple[str]]:
    """The uploads that are being removed already, or whose time is over and that no file is made of."""
    is_used = select(_contents.c.stored_as).where(_contents.c.stored_as == _uploads.c.stored_as).exists()
    is_over = _uploads.c.expires_at <= bindparam("now", type_=Timestamp())
    return select(_uploads.c.id).where(or_(_uploads.c.is_going, is_over & ~is_used)).order_by(_uploads.c.id)


_NEEDLESS = Prepared(_needless().limit(_AT_ONCE))
_STILL_NEEDLESS = Prepared(_needless().where(is_listed(_uploads.c.id, "ids")))
_ALL = Prepared(select(_uploads.c.id))


async def remove_uploads(ctx: Context) -> str | None:
    """Removes the bytes that no file has, and returns how many uploads they were of."""
    done = 0
    while ids := await ctx.transact(_claim):
        await _remove(ctx, ids)
        done += len(ids)
    return f"removed the bytes of {done} upload{'' if done == 1 else 's'}" if done else None


def _claim(ctx: Context) -> list[str]:
    """Marks uploads as being removed, so that no file is made of them."""
    now = ctx.clock.now()
    found = [row["id"] for row in ctx.rows(_NEEDLESS, now=now)]
    if found:
        # A file may be about to be made of one: what rests on that is read once it has been.
        ctx.lock("upload", *found)
        found = [row["id"] for row in ctx.rows(_STILL_NEEDLESS, now=now, ids=found)]
        ctx.change_rows(FileUpload, [{"id": id, "is_going": True} for id in found])
    return found


async def _remove(ctx: Context, ids: Sequence[str]) -> None:
    for id in ids:
        await ctx.settings.opened.remove(id)

    def forget(ctx: Context) -> None:
        ctx.session.execute(delete(FileUpload).where(col(FileUpload.id).in_(ids)))

    await ctx.transact(forget)


async def purge(ctx: Context) -> None:
    """Removes all bytes there are.

    Raises:
        GuanxiError: there are some, and it is not known where.
    """
    rows = await ctx.transact(lambda ctx: ctx.rows(_ALL))
    if rows and ctx.settings.store is None:
        raise GuanxiError("there are files; set GUANXI_PLUGINS__FILES__STORE to where they are kept, and purge again")
    if rows:
        await _remove(ctx, [row["id"] for row in rows])
