"""Keep when all customers were last compared.

Revision of value_tiering: 0004
"""

import sqlalchemy as sa
from alembic import op

from guanxi import types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "value_tiering_comparison",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", types.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_value_tiering_comparison"),
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("value_tiering_comparison")
