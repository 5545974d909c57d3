"""Keep the period ranked by, and what people know of customers as buyers.

Revision of value_tiering: 0002
"""

import sqlalchemy as sa
from alembic import op

from guanxi import types

revision = "0002"
down_revision = "baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "value_tiering_buyer_profile",
        sa.Column("price_sensitive", sa.Boolean(), nullable=True),
        sa.Column("early_adopter", sa.Boolean(), nullable=True),
        sa.Column("refers_others", sa.Boolean(), nullable=True),
        sa.Column("usage_intensity", types.Text(), nullable=True),
        sa.Column("loyalty", types.Text(), nullable=True),
        sa.Column("relationship", types.Text(), nullable=True),
        sa.Column("strategic", sa.Boolean(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["customer.id"], name=op.f("fk_value_tiering_buyer_profile_record_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_value_tiering_buyer_profile")),
    )
    with op.batch_alter_table("value_tiering_customer_value", schema=None) as batch_op:
        batch_op.add_column(sa.Column("current", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("ranked_value", sa.BigInteger(), nullable=True))
        batch_op.create_index("ix_value_tiering_customer_value_current", ["current", "record_id"], unique=False)

    op.execute(
        "UPDATE value_tiering_customer_value SET current = CASE WHEN COALESCE("
        "(SELECT measure FROM value_tiering_policy WHERE id = 1), 'PROFIT') = 'PROFIT' THEN profit ELSE revenue END"
    )

    with op.batch_alter_table("value_tiering_policy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("period_start", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("period_end", sa.Date(), nullable=True))


def downgrade() -> None:
    """Takes them back."""
    with op.batch_alter_table("value_tiering_policy", schema=None) as batch_op:
        batch_op.drop_column("period_end")
        batch_op.drop_column("period_start")

    with op.batch_alter_table("value_tiering_customer_value", schema=None) as batch_op:
        batch_op.drop_index("ix_value_tiering_customer_value_current")
        batch_op.drop_column("ranked_value")
        batch_op.drop_column("current")

    op.drop_table("value_tiering_buyer_profile")
