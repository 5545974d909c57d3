"""Addresses of contacts

Revision of core: 0021
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_COLUMNS = (
    *("street", "postal_code", "city", "region", "country"),
    *("city_folded", "region_folded", "country_folded"),
)


def upgrade() -> None:
    """Brings the tables to this revision."""
    for name in _COLUMNS:
        op.add_column("contact", sa.Column(name, types.Text(), nullable=True))


def downgrade() -> None:
    """Takes them back."""
    for name in _COLUMNS:
        op.drop_column("contact", name)
