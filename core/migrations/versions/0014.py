"""Opportunities that were deleted with their customer, and days of roles in opportunities

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
    op.add_column("opportunity_contact", sa.Column("since", sa.Date(), nullable=True))


def downgrade() -> None:
    """Takes them back."""
    op.drop_column("opportunity_contact", "since")
    op.drop_column("opportunity", "deleted_with")
