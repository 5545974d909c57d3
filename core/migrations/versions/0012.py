"""One membership per person, one role and one primary contact, one user per e-mail address, kept so by the database

Revision of core: 0012
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


@dataclass(frozen=True)
class _Unique:
    """What only one living record of a table has, and how a report calls the records."""

    table: str
    index: str
    columns: Sequence[str]
    name: str
    flag: str | None = None

    @property
    def where(self) -> Any:
        """The records that count."""
        flag = f" AND {self.flag} IS TRUE" if self.flag else ""
        return sa.text(f"deleted_at IS NULL AND is_old_twin IS NULL{flag}")


_UNIQUE = (
    _Unique(
        "account_team_member",
        "live",
        ("customer_id", "user_id"),
        "memberships of {user_id} in the team of {customer_id}",
    ),
    _Unique(
        "opportunity_member",
        "live",
        ("opportunity_id", "user_id"),
        "memberships of {user_id} in the team of {opportunity_id}",
    ),
    _Unique(
        "opportunity_contact", "live", ("opportunity_id", "contact_id"), "roles of {contact_id} in {opportunity_id}"
    ),
    _Unique(
        "opportunity_contact", "primary", ("opportunity_id",), "primary contacts of {opportunity_id}", "is_primary"
    ),
    _Unique("user", "live", ("email_folded",), "users with the address {email_folded}"),
)


def upgrade() -> None:
    """Brings the tables to this revision. Of records that share a key the oldest keeps it; the others are marked."""
    for table in dict.fromkeys(unique.table for unique in _UNIQUE):
        op.add_column(table, sa.Column("is_old_twin", sa.Boolean(), nullable=True))
    for unique in _UNIQUE:
        for values, kept, twins in _twins(unique):
            marked = sa.table(unique.table, sa.column("id", sa.Text()), sa.column("is_old_twin", sa.Boolean()))
            op.execute(sa.update(marked).where(marked.c.id.in_(twins)).values(is_old_twin=True))
            op.get_context().opts["note"](
                f"{unique.name.format_map(values)}: {kept} is the oldest and counts; "
                f"change or delete {', '.join(twins)}"
            )
        op.create_index(
            f"uq_{unique.table}_{unique.index}",
            unique.table,
            list(unique.columns),
            unique=True,
            sqlite_where=unique.where,
            postgresql_where=unique.where,
        )


def downgrade() -> None:
    """Takes them back."""
    for unique in _UNIQUE:
        op.drop_index(f"uq_{unique.table}_{unique.index}", unique.table)
    for table in dict.fromkeys(unique.table for unique in _UNIQUE):
        op.drop_column(table, "is_old_twin")


def _twins(unique: _Unique) -> Iterator[tuple[dict[str, Any], str, list[str]]]:
    """The keys that several living records share: the key, the oldest record, and the others in order of age."""
    kinds: dict[str, Any] = {"created_at": types.Timestamp(), "is_old_twin": sa.Boolean(), "is_primary": sa.Boolean()}
    names = ("id", "created_at", "deleted_at", "is_old_twin", *unique.columns, *([unique.flag] if unique.flag else ()))
    of = sa.table(unique.table, *(sa.column(name, kinds.get(name, sa.Text())) for name in names))
    keys = [of.c[name] for name in unique.columns]
    living = (
        sa.select(*keys, of.c.id)
        .where(of.c.deleted_at.is_(None), of.c.is_old_twin.is_(None), *(key.is_not(None) for key in keys))
        .order_by(*keys, of.c.created_at, of.c.id)
    )
    if unique.flag:
        living = living.where(of.c[unique.flag])
    found: list[Any] = [*op.get_bind().execute(living)]
    for values, rows in groupby(found, lambda row: row[:-1]):
        kept, *twins = [row.id for row in rows]
        if twins:
            yield dict(zip(unique.columns, values, strict=True)), kept, twins
