"""One rate of a currency from a day, and one stage of a key, kept so by the database

Revision of core: 0006
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: What only one living record has: the key's columns by table, and how a report calls the records.
_UNIQUE: Mapping[str, tuple[Sequence[str], str]] = {
    "exchange_rate": (("currency", "valid_from"), "exchange rates of {currency} from {valid_from}"),
    "stage": (("key",), "stages with the key {key}"),
}
_WHERE = sa.text("deleted_at IS NULL AND is_old_twin IS NULL")


def upgrade() -> None:
    """Brings the tables to this revision. Of records that share a key the oldest keeps it; the others are marked."""
    for table, (columns, name) in _UNIQUE.items():
        op.add_column(table, sa.Column("is_old_twin", sa.Boolean(), nullable=True))
        for values, kept, twins in _twins(table, columns):
            marked = sa.table(table, sa.column("id", sa.Text()), sa.column("is_old_twin", sa.Boolean()))
            op.execute(sa.update(marked).where(marked.c.id.in_(twins)).values(is_old_twin=True))
            op.get_context().opts["note"](
                f"{name.format_map(values)}: {kept} is the oldest and counts; change or delete {', '.join(twins)}"
            )
        op.create_index(
            f"uq_{table}_live", table, list(columns), unique=True, sqlite_where=_WHERE, postgresql_where=_WHERE
        )


def downgrade() -> None:
    """Takes them back."""
    for table in _UNIQUE:
        op.drop_index(f"uq_{table}_live", table)
        op.drop_column(table, "is_old_twin")


def _twins(table: str, columns: Sequence[str]) -> Iterator[tuple[dict[str, Any], str, list[str]]]:
    """The keys that several living records share: the key, the oldest record, and the others in order of age."""
    kinds: Mapping[str, Any] = {"valid_from": sa.Date(), "created_at": types.Timestamp()}
    names = ("id", "created_at", "deleted_at", *columns)
    of = sa.table(table, *(sa.column(name, kinds.get(name, sa.Text())) for name in names))
    keys = [of.c[name] for name in columns]
    living = sa.select(*keys, of.c.id).where(of.c.deleted_at.is_(None)).order_by(*keys, of.c.created_at, of.c.id)
    found: list[Any] = [*op.get_bind().execute(living)]
    for values, rows in groupby(found, lambda row: row[:-1]):
        kept, *twins = [row.id for row in rows]
        if twins:
            yield dict(zip(columns, values, strict=True)), kept, twins
