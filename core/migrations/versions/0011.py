"""Counts of requests

Revision of core: 0011
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "request_count",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("until", types.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_request_count")),
    )
    op.create_index("ix_request_count_until", "request_count", ["until", "name"], unique=False)


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("request_count")
