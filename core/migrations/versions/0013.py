"""Time zones of users

Revision of core: 0013
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.add_column("user", sa.Column("time_zone", types.Text(), nullable=True))


def downgrade() -> None:
    """Takes it back."""
    op.drop_column("user", "time_zone")
