"""Roles as data, and idempotency keys that belong to an actor

Revision of core: 0007
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LIVING = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    """Brings the tables to this revision. Until now everybody was `local`, so the keys there are belong to it."""
    op.create_table(
        "role",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("role", types.Text(), nullable=False),
        sa.Column("permissions", types.Json(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
    )
    for column in ("role", "created_at", "updated_at"):
        op.create_index(f"ix_role_{column}", "role", [column, "id"], unique=False)
    op.create_index("uq_role_live", "role", ["role"], unique=True, sqlite_where=_LIVING, postgresql_where=_LIVING)
    _keyed_by("actor", "key")
    op.execute(
        "INSERT INTO idempotency_key (actor, key, operation, fingerprint, result, created_at) "
        "SELECT 'local', key, operation, fingerprint, result, created_at FROM idempotency_copy"
    )
    op.execute("DROP TABLE idempotency_copy")


def downgrade() -> None:
    """Takes them back; of several answers to one key that of the first actor stays."""
    _keyed_by("key")
    op.execute(
        "INSERT INTO idempotency_key (key, operation, fingerprint, result, created_at) "
        "SELECT key, operation, fingerprint, result, created_at FROM idempotency_copy WHERE actor = "
        "(SELECT min(other.actor) FROM idempotency_copy other WHERE other.key = idempotency_copy.key)"
    )
    op.execute("DROP TABLE idempotency_copy")
    op.drop_table("role")


def _keyed_by(*names: str) -> None:
    """Makes the table of idempotency keys anew, empty, and leaves what it held in a copy."""
    op.execute("CREATE TABLE idempotency_copy AS SELECT * FROM idempotency_key")
    op.drop_table("idempotency_key")
    op.create_table(
        "idempotency_key",
        *(sa.Column(name, types.Text(), nullable=False) for name in names),
        sa.Column("operation", types.Text(), nullable=False),
        sa.Column("fingerprint", types.Text(), nullable=False),
        sa.Column("result", types.Json(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint(*names, name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at", *names], unique=False)
