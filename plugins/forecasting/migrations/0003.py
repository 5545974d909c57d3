"""Keep the call of a submission.

Revision of forecasting: 0003
"""

import sqlalchemy as sa
from alembic import op

from guanxi import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    with op.batch_alter_table("forecasting_forecast_submission", schema=None) as batch_op:
        batch_op.add_column(sa.Column("called_at", types.Timestamp(), nullable=True))
        batch_op.add_column(sa.Column("called_by", types.Text(), nullable=True))
        batch_op.add_column(sa.Column("call_minor", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("call_currency", types.Text(), nullable=True))
        batch_op.add_column(sa.Column("call_reporting", sa.BigInteger(), nullable=True))
        batch_op.create_index(
            "ix_forecasting_forecast_submission_call_reporting", ["call_reporting", "id"], unique=False
        )


def downgrade() -> None:
    """Takes them back."""
    with op.batch_alter_table("forecasting_forecast_submission", schema=None) as batch_op:
        batch_op.drop_index("ix_forecasting_forecast_submission_call_reporting")
        batch_op.drop_column("call_reporting")
        batch_op.drop_column("call_currency")
        batch_op.drop_column("call_minor")
        batch_op.drop_column("called_by")
        batch_op.drop_column("called_at")
