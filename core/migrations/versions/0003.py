"""Jobs of plugins

Revision of core: 0003
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "plugin_job",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("due_at", types.Timestamp(), nullable=False),
        sa.Column("started_at", types.Timestamp(), nullable=True),
        sa.Column("outcome", types.Text(), nullable=True),
        sa.Column("report", types.Text(), nullable=True),
        sa.Column("holder", types.Text(), nullable=True),
        sa.Column("held_until", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_plugin_job")),
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("plugin_job")
