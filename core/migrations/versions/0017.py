"""Records that were merged into others

Revision of core: 0017
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "merge",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("entity_type", types.Text(), nullable=False),
        sa.Column("into_id", types.Text(), nullable=False),
        sa.Column("merged_at", types.Timestamp(), nullable=False),
        sa.Column("merged_by", types.Text(), nullable=False),
        sa.Column("undone_at", types.Timestamp(), nullable=True),
        sa.Column("undo", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge")),
    )
    op.create_index("ix_merge_into_id", "merge", ["into_id", "id"])
    op.create_table(
        "merged_record",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("into_id", types.Text(), nullable=False),
        sa.Column("merge_id", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_record")),
    )
    op.create_index("ix_merged_record_into_id", "merged_record", ["into_id", "id"])
    op.create_index("ix_merged_record_merge_id", "merged_record", ["merge_id", "id"])


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("merged_record")
    op.drop_table("merge")
