"""Tables as first declared.

Revision of duplicates: baseline
"""

import sqlalchemy as sa
from alembic import op

from guanxi import types

revision = "baseline"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "duplicates_duplicate_key",
        sa.Column("hash", types.Text(), nullable=False),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", "record_id", name="pk_duplicates_duplicate_key"),
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("duplicates_duplicate_key")
