"""Sessions of browsers

Revision of core: 0018
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "browser_session",
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("key_start", types.Text(), nullable=True),
        sa.Column("key_digest", types.Text(), nullable=True),
        sa.Column("identity_id", types.Text(), nullable=True),
        sa.Column("expires_at", types.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_browser_session")),
    )
    op.create_index("ix_browser_session_expires_at", "browser_session", ["expires_at", "digest"], unique=False)


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("browser_session")
