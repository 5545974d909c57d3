"""Index what counts of the past of one opportunity.

Revision of forecasting: 0002
"""

from alembic import op

revision = "0002"
down_revision = "baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    with op.batch_alter_table("forecasting_pipeline_state", schema=None) as batch_op:
        batch_op.create_index("ix_forecasting_pipeline_state_counts", ["opportunity_id", "superseded_at"], unique=False)


def downgrade() -> None:
    """Takes them back."""
    with op.batch_alter_table("forecasting_pipeline_state", schema=None) as batch_op:
        batch_op.drop_index("ix_forecasting_pipeline_state_counts")
