"""Batches of events ordered by a position and numbered by a counter; events are written before their batch

Revision of core: 0005
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INDEXED = ("batch_id", "entity_id", "type")


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "event_counter",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_counter")),
    )
    op.add_column("event_batch", sa.Column("position", sa.BigInteger(), nullable=True))
    _number_what_is_left()
    op.execute("INSERT INTO event_counter (id, last) SELECT 1, coalesce(max(sequence), 0) FROM event_batch")
    if op.get_bind().dialect.name == "sqlite":
        _copy_events()
        return
    op.drop_constraint("fk_event_batch_id", "event", type_="foreignkey")
    # The default is set after the column is added: rows there are have their numbers and need no position.
    op.execute("CREATE SEQUENCE event_batch_position CACHE 1")
    op.execute("ALTER TABLE event_batch ALTER COLUMN position SET DEFAULT nextval('event_batch_position')")


def downgrade() -> None:
    """Takes them back."""
    if op.get_bind().dialect.name == "sqlite":
        _copy_events(sa.ForeignKeyConstraint(["batch_id"], ["event_batch.id"], name=op.f("fk_event_batch_id")))
    else:
        op.create_foreign_key(op.f("fk_event_batch_id"), "event", "event_batch", ["batch_id"], ["id"])
    op.drop_column("event_batch", "position")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE event_batch_position")
    op.drop_table("event_counter")


def _number_what_is_left() -> None:
    """Numbers the batches whose process died before it had numbered them, in the order that was used so far."""
    op.execute(
        """
        UPDATE event_batch SET sequence = (SELECT coalesce(max(sequence), 0) FROM event_batch) + waiting.place
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM event_batch WHERE sequence IS NULL) AS waiting
        WHERE event_batch.id = waiting.id
        """
    )


def _copy_events(*keys: sa.ForeignKeyConstraint) -> None:
    """SQLite drops and adds no key, so the table is copied into one with these."""
    for column in _INDEXED:
        op.drop_index(f"ix_event_{column}", "event")
    op.create_table(
        "event_copy",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("batch_id", types.Text(), nullable=False),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("entity_type", types.Text(), nullable=False),
        sa.Column("entity_id", types.Text(), nullable=False),
        sa.Column("action", types.Text(), nullable=False),
        sa.Column("occurred_at", types.Timestamp(), nullable=False),
        sa.Column("changes", types.Json(), nullable=False),
        sa.Column("data", types.Json(), nullable=False),
        *keys,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    names = [column["name"] for column in sa.inspect(op.get_bind()).get_columns("event")]
    target, source = (sa.table(name, *map(sa.column, names)) for name in ("event_copy", "event"))
    op.execute(sa.insert(target).from_select(names, sa.select(source)))
    op.drop_table("event")
    op.rename_table("event_copy", "event")
    for column in _INDEXED:
        op.create_index(f"ix_event_{column}", "event", [column, "id"])
