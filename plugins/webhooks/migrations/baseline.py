"""Tables as first declared.

Revision of webhooks: baseline
"""

import sqlalchemy as sa
from alembic import op

from guanxi import types

revision = "baseline"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "webhooks_webhook",
        sa.Column("url", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("owner_id", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("event_types", types.Json(), nullable=False),
        sa.Column("record_types", types.Json(), nullable=False),
        sa.Column("changed_fields", types.Json(), nullable=False),
        sa.Column("condition", types.Text(), nullable=True),
        sa.Column("query", types.Text(), nullable=True),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("failed_at", types.Timestamp(), nullable=True),
        sa.Column("paused_because", types.Text(), nullable=True),
        sa.Column("resumes_at", types.Timestamp(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name="fk_webhooks_webhook_owner_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks_webhook"),
    )
    op.create_index("ix_webhooks_webhook_created_at", "webhooks_webhook", ["created_at", "id"], unique=False)
    op.create_index("ix_webhooks_webhook_owner_id", "webhooks_webhook", ["owner_id", "id"], unique=False)
    op.create_index("ix_webhooks_webhook_status", "webhooks_webhook", ["status", "id"], unique=False)
    op.create_index("ix_webhooks_webhook_updated_at", "webhooks_webhook", ["updated_at", "id"], unique=False)
    op.create_table(
        "webhooks_webhook_delivery",
        sa.Column("webhook_id", types.Text(), nullable=False),
        sa.Column("event_id", types.Text(), nullable=True),
        sa.Column("event_type", types.Text(), nullable=False),
        sa.Column("record_type", types.Text(), nullable=False),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("attempted_at", types.Timestamp(), nullable=True),
        sa.Column("next_attempt_at", types.Timestamp(), nullable=True),
        sa.Column("response_status", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("problem", types.Text(), nullable=True),
        sa.Column("first_failed_at", types.Timestamp(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks_webhook.id"], name="fk_webhooks_webhook_delivery_webhook_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks_webhook_delivery"),
        sa.UniqueConstraint("webhook_id", "event_id", name="uq_webhooks_webhook_delivery_webhook_id_event_id"),
    )
    op.create_index(
        "ix_webhooks_webhook_delivery_created_at", "webhooks_webhook_delivery", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_webhooks_webhook_delivery_due",
        "webhooks_webhook_delivery",
        ["webhook_id", "status", "next_attempt_at", "sequence", "id"],
        unique=False,
    )
    op.create_index(
        "ix_webhooks_webhook_delivery_record_id", "webhooks_webhook_delivery", ["record_id", "id"], unique=False
    )
    op.create_index("ix_webhooks_webhook_delivery_status", "webhooks_webhook_delivery", ["status", "id"], unique=False)
    op.create_index(
        "ix_webhooks_webhook_delivery_turn",
        "webhooks_webhook_delivery",
        ["webhook_id", "record_id", "status", "sequence", "id"],
        unique=False,
    )
    op.create_index(
        "ix_webhooks_webhook_delivery_updated_at", "webhooks_webhook_delivery", ["updated_at", "id"], unique=False
    )
    op.create_index(
        "ix_webhooks_webhook_delivery_webhook_id", "webhooks_webhook_delivery", ["webhook_id", "id"], unique=False
    )
    op.create_table(
        "webhooks_webhook_secret",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("webhook_id", types.Text(), nullable=False),
        sa.Column("kept", types.Text(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("expires_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks_webhook.id"], name="fk_webhooks_webhook_secret_webhook_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks_webhook_secret"),
    )
    op.create_index(
        "ix_webhooks_webhook_secret_webhook_id", "webhooks_webhook_secret", ["webhook_id", "id"], unique=False
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("webhooks_webhook_secret")
    op.drop_table("webhooks_webhook_delivery")
    op.drop_table("webhooks_webhook")
