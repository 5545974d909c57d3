"""Opportunities that were deleted with their customer

Revision of core: 0014
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.add_column("opportunity", sa.Column("deleted_with", types.Text(), nullable=True))


def downgrade() -> None:
    """Takes it back."""
    op.drop_column("opportunity", "deleted_with")
