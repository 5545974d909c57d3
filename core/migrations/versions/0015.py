"""Names by pinyin

Revision of core: 0015
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The keys of names that are there already are made before the next start, in Python.
_TABLES = ("contact", "customer", "opportunity", "product", "team", "user")


def upgrade() -> None:
    """Brings the tables to this revision."""
    for table in _TABLES:
        op.add_column(table, sa.Column("name_pinyin", types.Text(), nullable=False, server_default=""))
        op.create_index(f"ix_{table}_name_pinyin", table, ["name_pinyin", "id"])
    op.execute(sa.text("DELETE FROM installation WHERE name = 'phone_region'"))


def downgrade() -> None:
    """Takes them back."""
    for table in reversed(_TABLES):
        op.drop_index(f"ix_{table}_name_pinyin", table_name=table)
        op.drop_column(table, "name_pinyin")
