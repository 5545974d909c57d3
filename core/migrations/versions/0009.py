"""Batches that wait while later ones about other records are delivered

Revision of core: 0009
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "held_back",
        sa.Column("plugin", types.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("behind", sa.BigInteger(), nullable=True),
        sa.Column("try_at", types.Timestamp(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("failed_at", types.Timestamp(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("plugin", "sequence", name=op.f("pk_held_back")),
    )
    op.create_index("ix_held_back_behind", "held_back", ["behind", "plugin", "sequence"], unique=False)
    op.execute("ALTER TABLE plugin_cursor RENAME COLUMN attempts TO failures")
    op.add_column("plugin_cursor", sa.Column("failed_at", types.Timestamp(), nullable=True))


def downgrade() -> None:
    """Takes them back."""
    op.drop_column("plugin_cursor", "failed_at")
    op.execute("ALTER TABLE plugin_cursor RENAME COLUMN failures TO attempts")
    op.drop_index("ix_held_back_behind", "held_back")
    op.drop_table("held_back")
