"""API keys, identities and the audit list

Revision of core: 0008
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "audit_entry",
        sa.Column("action", types.Text(), nullable=False),
        sa.Column("subject_id", types.Text(), nullable=True),
        sa.Column("detail", types.Text(), nullable=True),
        sa.Column("request_id", types.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_action", "audit_entry", ["action", "id"], unique=False)
    op.create_index("ix_audit_entry_created_at", "audit_entry", ["created_at", "id"], unique=False)
    op.create_index("ix_audit_entry_subject_id", "audit_entry", ["subject_id", "id"], unique=False)
    op.create_index("ix_audit_entry_updated_at", "audit_entry", ["updated_at", "id"], unique=False)

    op.create_table(
        "api_key",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("start", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=False),
        sa.Column("scopes", types.Json(), nullable=False),
        sa.Column("user_id", types.Text(), nullable=True),
        sa.Column("expires_at", types.Timestamp(), nullable=True),
        sa.Column("last_used_at", types.Timestamp(), nullable=True),
        sa.Column("rotated_at", types.Timestamp(), nullable=True),
        sa.Column("overlap_until", types.Timestamp(), nullable=True),
        sa.Column("revoked_at", types.Timestamp(), nullable=True),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("previous_digest", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_api_key_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("start", name=op.f("uq_api_key_start")),
    )
    op.create_index("ix_api_key_created_at", "api_key", ["created_at", "id"], unique=False)
    op.create_index("ix_api_key_updated_at", "api_key", ["updated_at", "id"], unique=False)
    op.create_index("ix_api_key_user_id", "api_key", ["user_id", "id"], unique=False)

    op.create_table(
        "user_identity",
        sa.Column("issuer", types.Text(), nullable=False),
        sa.Column("subject", types.Text(), nullable=False),
        sa.Column("user_id", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_identity_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_user_identity_issuer_subject")),
    )
    op.create_index("ix_user_identity_created_at", "user_identity", ["created_at", "id"], unique=False)
    op.create_index("ix_user_identity_updated_at", "user_identity", ["updated_at", "id"], unique=False)
    op.create_index("ix_user_identity_user_id", "user_identity", ["user_id", "id"], unique=False)


def downgrade() -> None:
    """Takes them back."""
    for table in ("user_identity", "api_key", "audit_entry"):
        op.drop_table(table)
