"""Duplicates: customers and contacts that are likely to be entered twice, found by what they have in common."""

from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import timedelta

from guanxi import Action, Changes, Context, Field, Job, Plugin, PluginOperation, Record, UserError, hookimpl
from plugins.duplicates.candidates import ALLOWED, duplicate_problems, lock_keys
from plugins.duplicates.index import fill_index, forget, keep_index
from plugins.duplicates.operations import duplicates
from plugins.duplicates.profiles import KINDS, is_about
from plugins.duplicates.settings import DuplicatesSettings

_ALLOWED_TEXT = "Create it even if it is likely there already."


class Duplicates(Plugin):
    """Finds likely duplicates, and warns of them or refuses them."""

    name = "duplicates"
    version = "1.0"
    api = ">=1,<2"
    settings = DuplicatesSettings
    reacts_to = tuple(KINDS)
    blocks = False

    def reacts(self, entity: str, action: Action, names: Set[str]) -> bool:
        """Updates count that change who a record is about."""
        return action is not Action.UPDATED or is_about(KINDS[entity], names)

    @hookimpl
    def register_fields(self) -> Iterable[Field]:
        """What is said with a record that is to be created in any case."""
        return [Field(f"{name}.{ALLOWED}", type=bool, description=_ALLOWED_TEXT, writable=True) for name in KINDS]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """The query `duplicates`."""
        return [duplicates]

    @hookimpl
    def register_jobs(self) -> Iterable[Job]:
        """The index of records that were there before."""
        return [
            Job(
                "index_duplicates",
                timedelta(minutes=5),
                fill_index,
                "Indexes records that were there before the plugin.",
            )
        ]

    @hookimpl
    def lock_keys(self, settings: DuplicatesSettings, changes: Changes) -> Iterator[tuple[str, ...]]:
        """What new records may have in common with others."""
        return lock_keys(settings.policy, changes)

    @hookimpl
    def validate(self, ctx: Context, changes: Changes) -> Iterator[UserError]:
        """Warns of likely duplicates, or refuses them."""
        return duplicate_problems(ctx, changes)

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> None:
        """Keeps the index."""
        keep_index(ctx, changes)

    @hookimpl
    def erase(self, ctx: Context, records: Sequence[Record]) -> None:
        """Forgets by what erased people were found."""
        forget(ctx, [record.id for record in records])
