"""The field's own terms: account team, seniority, buying committee, lead source, transactions counted by their name

Revision of core: 0004
"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from core.base.text import snake
from core.db import types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: Columns by table: the old name, the new one, and whether it has an index.
_COLUMNS: Mapping[str, list[tuple[str, str, bool]]] = {
    "customer": [("competitors", "industry_competitors", False)],
    "customer_activity": [
        ("first_order_on", "first_transaction_on", True),
        ("last_order_on", "last_transaction_on", True),
        ("order_count", "transaction_count", True),
    ],
    "contact": [("rank", "seniority", True), ("in_purchasing_group", "is_on_buying_committee", False)],
    "opportunity": [("source", "lead_source", True)],
}


def upgrade() -> None:
    """Brings the tables to this revision."""
    for table, columns in _COLUMNS.items():
        for old, new, indexed in columns:
            _rename_column(table, old, new, indexed=indexed)
    _move_members("customer_member", "account_team_member")
    _rename_entity("CustomerMember", "AccountTeamMember")


def downgrade() -> None:
    """Takes them back."""
    _rename_entity("AccountTeamMember", "CustomerMember")
    _move_members("account_team_member", "customer_member")
    for table, columns in _COLUMNS.items():
        for old, new, indexed in columns:
            _rename_column(table, new, old, indexed=indexed)


def _rename_column(table: str, old: str, new: str, *, indexed: bool) -> None:
    if indexed:
        op.drop_index(f"ix_{table}_{old}", table)
    # In place on both engines: no table is copied, so nothing that refers to it is touched.
    op.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}"')
    if indexed:
        key = "record_id" if table == "customer_activity" else "id"
        op.create_index(f"ix_{table}_{new}", table, [new, key])


def _move_members(old: str, new: str) -> None:
    """Renames the table of members of account teams, with its keys and indexes; what refers to it follows."""
    indexed = ("created_at", "customer_id", "updated_at", "user_id")
    for column in indexed:
        op.drop_index(f"ix_{old}_{column}", old)
    op.rename_table(old, new)
    if op.get_bind().dialect.name == "sqlite":
        _rename_constraints_by_copy(new)
    else:
        _rename_constraints(old, new)
    for column in indexed:
        op.create_index(f"ix_{new}_{column}", new, [column, "id"])


def _rename_constraints(old: str, new: str) -> None:
    """Makes them anew: Citus renames no constraint of a distributed table."""
    for column, target in (("customer_id", "customer"), ("user_id", "user")):
        op.drop_constraint(f"fk_{old}_{column}", new)
        op.create_foreign_key(f"fk_{new}_{column}", new, target, [column], ["id"], ondelete="CASCADE")
    op.drop_constraint(f"pk_{old}", new)
    op.create_primary_key(f"pk_{new}", new, ["id"])


def _rename_constraints_by_copy(table: str) -> None:
    """SQLite renames no constraint, so the table is copied into one of the same name; keys are unchecked meanwhile."""
    copy = f"{table}_copy"
    _create_members(copy, named_for=table)
    names = [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]
    target, source = (sa.table(name, *map(sa.column, names)) for name in (copy, table))
    op.execute(sa.insert(target).from_select(names, sa.select(source)))
    op.drop_table(table)
    op.rename_table(copy, table)


def _create_members(table: str, named_for: str) -> None:
    op.create_table(
        table,
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("user_id", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=True),
        sa.Column("region", types.Text(), nullable=True),
        sa.Column("category", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("role_folded", types.Text(), nullable=True),
        sa.Column("region_folded", types.Text(), nullable=True),
        sa.Column("category_folded", types.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f(f"fk_{named_for}_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f(f"fk_{named_for}_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{named_for}")),
    )


def _rename_entity(old: str, new: str) -> None:
    """Calls a type of record by its new name in what is kept about its records."""
    for table in ("external_id", "tag", "event"):
        entity = sa.table(table, sa.column("entity_type", sa.Text()))
        op.execute(sa.update(entity).where(entity.c.entity_type == old).values(entity_type=new))
    event = sa.table("event", sa.column("type", sa.Text()))
    before, after = (snake(name).upper() + "_" for name in (old, new))
    renamed = sa.literal(after).concat(sa.func.substr(event.c.type, len(before) + 1))
    op.execute(sa.update(event).where(sa.func.substr(event.c.type, 1, len(before)) == before).values(type=renamed))
