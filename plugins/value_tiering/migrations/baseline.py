"""Tables as first declared.

Revision of value_tiering: baseline
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
        "value_tiering_customer_value",
        sa.Column("revenue", sa.BigInteger(), nullable=True),
        sa.Column("profit", sa.BigInteger(), nullable=True),
        sa.Column("usage", sa.BigInteger(), nullable=True),
        sa.Column("rank", sa.BigInteger(), nullable=True),
        sa.Column("ranked_tier", types.Text(), nullable=True),
        sa.Column("tier", types.Text(), nullable=True),
        sa.Column("tier_since", sa.Date(), nullable=True),
        sa.Column("override_tier", types.Text(), nullable=True),
        sa.Column("override_reason", types.Text(), nullable=True),
        sa.Column("override_by", types.Text(), nullable=True),
        sa.Column("override_at", types.Timestamp(), nullable=True),
        sa.Column("override_until", sa.Date(), nullable=True),
        sa.Column("quadrant", types.Text(), nullable=True),
        sa.Column("account_class", types.Text(), nullable=True),
        sa.Column("abc_class", types.Text(), nullable=True),
        sa.Column("is_key", sa.Boolean(), nullable=True),
        sa.Column("negative_influence", sa.Boolean(), nullable=True),
        sa.Column("abandoned_reason", types.Text(), nullable=True),
        sa.Column("abandoned_by", types.Text(), nullable=True),
        sa.Column("abandoned_at", types.Timestamp(), nullable=True),
        sa.Column("current_score", sa.BigInteger(), nullable=True),
        sa.Column("future_score", sa.BigInteger(), nullable=True),
        sa.Column("creditworthiness", sa.BigInteger(), nullable=True),
        sa.Column("relationship", sa.BigInteger(), nullable=True),
        sa.Column("publicity", sa.BigInteger(), nullable=True),
        sa.Column("brand", sa.BigInteger(), nullable=True),
        sa.Column("network", sa.BigInteger(), nullable=True),
        sa.Column("information", sa.BigInteger(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.Column("potential_minor", sa.BigInteger(), nullable=True),
        sa.Column("potential_currency", types.Text(), nullable=True),
        sa.Column("potential_reporting", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["record_id"], ["customer.id"], name="fk_value_tiering_customer_value_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_value_tiering_customer_value"),
    )
    op.create_index(
        "ix_value_tiering_customer_value_abandoned_at",
        "value_tiering_customer_value",
        ["abandoned_at", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_value_tiering_customer_value_abc_class",
        "value_tiering_customer_value",
        ["abc_class", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_value_tiering_customer_value_account_class",
        "value_tiering_customer_value",
        ["account_class", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_value_tiering_customer_value_is_key", "value_tiering_customer_value", ["is_key", "record_id"], unique=False
    )
    op.create_index(
        "ix_value_tiering_customer_value_potential_reporting",
        "value_tiering_customer_value",
        ["potential_reporting", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_value_tiering_customer_value_profit", "value_tiering_customer_value", ["profit", "record_id"], unique=False
    )
    op.create_index(
        "ix_value_tiering_customer_value_quadrant",
        "value_tiering_customer_value",
        ["quadrant", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_value_tiering_customer_value_rank", "value_tiering_customer_value", ["rank", "record_id"], unique=False
    )
    op.create_index(
        "ix_value_tiering_customer_value_revenue",
        "value_tiering_customer_value",
        ["revenue", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_value_tiering_customer_value_tier", "value_tiering_customer_value", ["tier", "record_id"], unique=False
    )
    op.create_index(
        "ix_value_tiering_customer_value_tier_since",
        "value_tiering_customer_value",
        ["tier_since", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_value_tiering_customer_value_usage", "value_tiering_customer_value", ["usage", "record_id"], unique=False
    )
    op.create_table(
        "value_tiering_policy",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", types.Timestamp(), nullable=False),
        sa.Column("measure", types.Text(), nullable=False),
        sa.Column("ranked", sa.BigInteger(), nullable=False),
        sa.Column("current_threshold", sa.BigInteger(), nullable=True),
        sa.Column("potential_threshold", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_value_tiering_policy"),
    )
    op.create_table(
        "value_tiering_tier_change",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("previous_tier", types.Text(), nullable=True),
        sa.Column("tier", types.Text(), nullable=True),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("note", types.Text(), nullable=True),
        sa.Column("rank", sa.BigInteger(), nullable=True),
        sa.Column("measure", types.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", types.Timestamp(), nullable=False),
        sa.Column("changed_by", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name="fk_value_tiering_tier_change_customer_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_value_tiering_tier_change"),
    )
    op.create_index(
        "ix_value_tiering_tier_change_changed_at", "value_tiering_tier_change", ["changed_at", "id"], unique=False
    )
    op.create_index(
        "ix_value_tiering_tier_change_created_at", "value_tiering_tier_change", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_value_tiering_tier_change_customer_id", "value_tiering_tier_change", ["customer_id", "id"], unique=False
    )
    op.create_index("ix_value_tiering_tier_change_reason", "value_tiering_tier_change", ["reason", "id"], unique=False)
    op.create_index("ix_value_tiering_tier_change_tier", "value_tiering_tier_change", ["tier", "id"], unique=False)
    op.create_index(
        "ix_value_tiering_tier_change_updated_at", "value_tiering_tier_change", ["updated_at", "id"], unique=False
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("value_tiering_tier_change")
    op.drop_table("value_tiering_policy")
    op.drop_table("value_tiering_customer_value")
