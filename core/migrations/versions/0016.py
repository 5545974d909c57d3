"""What records are found by

Revision of core: 0016
"""

import sqlalchemy as sa
from alembic import op

from core.db import types
from core.search.entries import INDEX, Terms

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "search_entry",
        sa.Column("record_id", types.Text(), nullable=False),
        sa.Column("entity_type", types.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("terms", Terms(), nullable=True),
        sa.Column("tag_terms", Terms(), nullable=True),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_search_entry")),
    )
    op.create_index("ix_search_entry_number", "search_entry", ["number", "record_id"])
    for sql in INDEX[op.get_bind().dialect.name]:
        op.execute(sql)


def downgrade() -> None:
    """Takes them back."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    op.drop_table("search_entry")
