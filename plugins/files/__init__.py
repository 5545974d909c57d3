"""Files: attached to records, kept in a folder or a bucket, sent and got by links that expire."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from guanxi import (
    Changes,
    Context,
    Event,
    Field,
    Job,
    Permission,
    Plugin,
    PluginOperation,
    PluginRoute,
    Record,
    UserError,
    UserRole,
    hookimpl,
)
from plugins.files.content import UPLOAD_ID, file_problems, lock_keys, take_uploads
from plugins.files.downloads import download
from plugins.files.links import DOWNLOADS, UPLOADS, download_link
from plugins.files.models import File, FileContent
from plugins.files.operations import UPLOAD, prepare_upload
from plugins.files.removal import JOB, purge, remove_uploads
from plugins.files.settings import FileSettings
from plugins.files.uploads import receive

#: After these there may be bytes that nothing needs any longer.
_FREEING = frozenset({"FILE_DESTROYED", "CUSTOMER_ERASED", "CONTACT_ERASED"})
_READERS = (UserRole.SALES_OFFICE, UserRole.REGIONAL_SALES)


class Files(Plugin):
    """Keeps files of records in a folder or a bucket, and hands them out by links that expire."""

    name = "files"
    version = "1.0"
    api = ">=1,<2"
    settings = FileSettings
    reacts_to = ("File",)
    blocks = False

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """Files."""
        return [File]

    @hookimpl
    def register_fields(self) -> Iterator[Field]:
        """What is known of their bytes, and where to get them."""
        yield Field(f"File.{UPLOAD_ID}", type=str, description="The upload it is made of.", writable=True)
        yield Field("File.size", FileContent.size, "In bytes.")
        yield Field("File.mediaType", FileContent.media_type, "What it was said to be; nobody has checked it.")
        yield Field("File.sha256", FileContent.sha256, "SHA-256 in hexadecimal; null once it was erased.")
        yield Field(
            "File.storedAs",
            FileContent.stored_as,
            "Where it is in the store; null once it was erased.",
            permission="administer",
        )
        yield Field(
            "File.downloadUrl",
            python=_links,
            needs=["id", "sha256"],
            type=str,
            description="A link by which anybody who has it can save the file, for some minutes.",
        )

    @hookimpl
    def register_permissions(self) -> Iterable[Permission]:
        """Who sends files: everybody who writes records."""
        roles = [role for role in UserRole if role not in _READERS]
        return [Permission(UPLOAD, "Send files.", roles=roles)]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """Preparing an upload."""
        return [prepare_upload]

    @hookimpl
    def register_routes(self, settings: FileSettings) -> Iterator[PluginRoute]:
        """Where bytes are sent to and got from, by signed links."""
        if settings.store is not None:
            yield PluginRoute(f"/{UPLOADS}/{{link}}", receive, methods=["PUT"], public=True)
            yield PluginRoute(f"/{DOWNLOADS}/{{link}}", download, public=True)

    @hookimpl
    def register_jobs(self, settings: FileSettings) -> Iterator[Job]:
        """Removing bytes that no file has."""
        if settings.store is not None:
            yield Job(JOB, timedelta(hours=1), remove_uploads, "Removes bytes that no file has.")

    @hookimpl
    async def startup(self, ctx: Context) -> None:
        """Tries the store. The rest of the CRM goes on where a bucket is only not reached."""
        if ctx.settings.store is not None and (problem := await ctx.settings.opened.check()):
            ctx.log.warning("%s; until it is reached, no files can be sent or got", problem)

    @hookimpl
    def lock_keys(self, changes: Changes) -> Iterator[tuple[str, ...]]:
        """The uploads of new files."""
        return lock_keys(changes)

    @hookimpl
    def validate(self, ctx: Context, changes: Changes) -> Iterator[UserError]:
        """Refuses files of several records or of none, and of uploads that are not there."""
        return file_problems(ctx, changes)

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> None:
        """Gives new files their bytes."""
        take_uploads(ctx, changes)

    def listens(self, settings: FileSettings) -> bool:
        """Whether there are bytes to be removed."""
        return settings.store is not None

    @hookimpl
    async def after_commit(self, ctx: Context, events: Sequence[Event]) -> None:
        """Has bytes removed soon after nothing needs them."""
        if any(event.type in _FREEING for event in events):
            await ctx.hurry(JOB)

    @hookimpl
    async def purge(self, ctx: Context) -> None:
        """Removes all bytes."""
        await purge(ctx)


def _links(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    can_be_had = ctx.settings.store is not None
    return [download_link(ctx, row["id"]) if can_be_had and row["sha256"] else None for row in rows]
