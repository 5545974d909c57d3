"""Tables as first declared.

Revision of forecasting: baseline
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
        "forecasting_forecast_run",
        sa.Column("method", types.Text(), nullable=False),
        sa.Column("grain", types.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("wins", sa.BigInteger(), nullable=True),
        sa.Column("factors", types.Json(), nullable=False),
        sa.Column("policy_version", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=True),
        sa.Column("revenue_currency", types.Text(), nullable=True),
        sa.Column("revenue_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_forecast_run"),
    )
    op.create_index("ix_forecasting_forecast_run_as_of", "forecasting_forecast_run", ["as_of", "id"], unique=False)
    op.create_index(
        "ix_forecasting_forecast_run_created_at", "forecasting_forecast_run", ["created_at", "id"], unique=False
    )
    op.create_index("ix_forecasting_forecast_run_grain", "forecasting_forecast_run", ["grain", "id"], unique=False)
    op.create_index("ix_forecasting_forecast_run_method", "forecasting_forecast_run", ["method", "id"], unique=False)
    op.create_index(
        "ix_forecasting_forecast_run_period_end", "forecasting_forecast_run", ["period_end", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_forecast_run_period_start", "forecasting_forecast_run", ["period_start", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_forecast_run_revenue_reporting",
        "forecasting_forecast_run",
        ["revenue_reporting", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_run_updated_at", "forecasting_forecast_run", ["updated_at", "id"], unique=False
    )
    op.create_table(
        "forecasting_forecast_submission",
        sa.Column("user_id", types.Text(), nullable=False),
        sa.Column("grain", types.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("submitted_at", types.Timestamp(), nullable=False),
        sa.Column("submitted_by", types.Text(), nullable=False),
        sa.Column("note", types.Text(), nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("policy_version", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_forecasting_forecast_submission_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_forecast_submission"),
    )
    op.create_index(
        "ix_forecasting_forecast_submission_created_at",
        "forecasting_forecast_submission",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_submission_grain", "forecasting_forecast_submission", ["grain", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_forecast_submission_is_current",
        "forecasting_forecast_submission",
        ["is_current", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_submission_period_end",
        "forecasting_forecast_submission",
        ["period_end", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_submission_period_start",
        "forecasting_forecast_submission",
        ["period_start", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_submission_submitted_at",
        "forecasting_forecast_submission",
        ["submitted_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_submission_updated_at",
        "forecasting_forecast_submission",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_submission_user_id", "forecasting_forecast_submission", ["user_id", "id"], unique=False
    )
    op.create_table(
        "forecasting_opportunity_forecast",
        sa.Column("category", types.Text(), nullable=True),
        sa.Column("push_count", sa.BigInteger(), nullable=False),
        sa.Column("first_expected_close_date", sa.Date(), nullable=True),
        sa.Column("last_pushed_at", types.Timestamp(), nullable=True),
        sa.Column("model_probability", sa.BigInteger(), nullable=True),
        sa.Column("model_reasons", types.Json(), nullable=False),
        sa.Column("model_id", types.Text(), nullable=True),
        sa.Column("scored_at", types.Timestamp(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["opportunity.id"], name="fk_forecasting_opportunity_forecast_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_forecasting_opportunity_forecast"),
    )
    op.create_index(
        "ix_forecasting_opportunity_forecast_last_pushed_at",
        "forecasting_opportunity_forecast",
        ["last_pushed_at", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_opportunity_forecast_model_probability",
        "forecasting_opportunity_forecast",
        ["model_probability", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_opportunity_forecast_push_count",
        "forecasting_opportunity_forecast",
        ["push_count", "record_id"],
        unique=False,
    )
    op.create_table(
        "forecasting_pipeline_snapshot",
        sa.Column("name", types.Text(), nullable=True),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("as_of", types.Timestamp(), nullable=False),
        sa.Column("taken_at", types.Timestamp(), nullable=False),
        sa.Column("open_count", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=True),
        sa.Column("open_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("open_amount_currency", types.Text(), nullable=False),
        sa.Column("open_amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("weighted_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("weighted_amount_currency", types.Text(), nullable=False),
        sa.Column("weighted_amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_pipeline_snapshot"),
    )
    op.create_index(
        "ix_forecasting_pipeline_snapshot_as_of", "forecasting_pipeline_snapshot", ["as_of", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_snapshot_created_at",
        "forecasting_pipeline_snapshot",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_pipeline_snapshot_kind", "forecasting_pipeline_snapshot", ["kind", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_snapshot_taken_at", "forecasting_pipeline_snapshot", ["taken_at", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_snapshot_updated_at",
        "forecasting_pipeline_snapshot",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "forecasting_pipeline_state",
        sa.Column("opportunity_id", types.Text(), nullable=False),
        sa.Column("valid_from", types.Timestamp(), nullable=False),
        sa.Column("valid_until", types.Timestamp(), nullable=True),
        sa.Column("recorded_at", types.Timestamp(), nullable=False),
        sa.Column("superseded_at", types.Timestamp(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("outcome", types.Text(), nullable=False),
        sa.Column("stage_id", types.Text(), nullable=True),
        sa.Column("owner_id", types.Text(), nullable=True),
        sa.Column("expected_close_date", sa.Date(), nullable=True),
        sa.Column("win_probability", sa.BigInteger(), nullable=True),
        sa.Column("forecast_category", types.Text(), nullable=False),
        sa.Column("is_valid", sa.Boolean(), nullable=False),
        sa.Column("is_inferred", sa.Boolean(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("expected_amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("expected_amount_currency", types.Text(), nullable=True),
        sa.Column("expected_amount_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name="fk_forecasting_pipeline_state_opportunity_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user.id"], name="fk_forecasting_pipeline_state_owner_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["stage_id"], ["stage.id"], name="fk_forecasting_pipeline_state_stage_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_pipeline_state"),
    )
    op.create_index(
        "ix_forecasting_pipeline_state_created_at", "forecasting_pipeline_state", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_expected_amount_reporting",
        "forecasting_pipeline_state",
        ["expected_amount_reporting", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_pipeline_state_expected_close_date",
        "forecasting_pipeline_state",
        ["expected_close_date", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_pipeline_state_forecast_category",
        "forecasting_pipeline_state",
        ["forecast_category", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_pipeline_state_is_valid", "forecasting_pipeline_state", ["is_valid", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_opportunity_id",
        "forecasting_pipeline_state",
        ["opportunity_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_pipeline_state_outcome", "forecasting_pipeline_state", ["outcome", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_owner_id", "forecasting_pipeline_state", ["owner_id", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_stage_id", "forecasting_pipeline_state", ["stage_id", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_status", "forecasting_pipeline_state", ["status", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_superseded_at",
        "forecasting_pipeline_state",
        ["superseded_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_pipeline_state_updated_at", "forecasting_pipeline_state", ["updated_at", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_valid_from", "forecasting_pipeline_state", ["valid_from", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_pipeline_state_valid_until", "forecasting_pipeline_state", ["valid_until", "id"], unique=False
    )
    op.create_table(
        "forecasting_sales_target",
        sa.Column("metric", types.Text(), nullable=False),
        sa.Column("grain", types.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("user_id", types.Text(), nullable=True),
        sa.Column("team_id", types.Text(), nullable=True),
        sa.Column("region", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("region_folded", types.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name="fk_forecasting_sales_target_team_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_forecasting_sales_target_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_sales_target"),
    )
    op.create_index(
        "ix_forecasting_sales_target_created_at", "forecasting_sales_target", ["created_at", "id"], unique=False
    )
    op.create_index("ix_forecasting_sales_target_grain", "forecasting_sales_target", ["grain", "id"], unique=False)
    op.create_index("ix_forecasting_sales_target_metric", "forecasting_sales_target", ["metric", "id"], unique=False)
    op.create_index(
        "ix_forecasting_sales_target_period_end", "forecasting_sales_target", ["period_end", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_sales_target_period_start", "forecasting_sales_target", ["period_start", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_sales_target_region_folded", "forecasting_sales_target", ["region_folded", "id"], unique=False
    )
    op.create_index("ix_forecasting_sales_target_team_id", "forecasting_sales_target", ["team_id", "id"], unique=False)
    op.create_index(
        "ix_forecasting_sales_target_updated_at", "forecasting_sales_target", ["updated_at", "id"], unique=False
    )
    op.create_index("ix_forecasting_sales_target_user_id", "forecasting_sales_target", ["user_id", "id"], unique=False)
    op.create_table(
        "forecasting_win_model",
        sa.Column("trained_at", types.Timestamp(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=True),
        sa.Column("algorithm", types.Text(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("judged_on", sa.BigInteger(), nullable=False),
        sa.Column("auc", sa.BigInteger(), nullable=True),
        sa.Column("brier", sa.BigInteger(), nullable=True),
        sa.Column("baseline_brier", sa.BigInteger(), nullable=True),
        sa.Column("stage_brier", sa.BigInteger(), nullable=True),
        sa.Column("definition", types.Json(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("algorithm_folded", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_win_model"),
    )
    op.create_index("ix_forecasting_win_model_auc", "forecasting_win_model", ["auc", "id"], unique=False)
    op.create_index("ix_forecasting_win_model_created_at", "forecasting_win_model", ["created_at", "id"], unique=False)
    op.create_index("ix_forecasting_win_model_status", "forecasting_win_model", ["status", "id"], unique=False)
    op.create_index("ix_forecasting_win_model_trained_at", "forecasting_win_model", ["trained_at", "id"], unique=False)
    op.create_index("ix_forecasting_win_model_updated_at", "forecasting_win_model", ["updated_at", "id"], unique=False)
    op.create_table(
        "forecasting_forecast_line",
        sa.Column("submission_id", types.Text(), nullable=False),
        sa.Column("category", types.Text(), nullable=False),
        sa.Column("own_count", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("own_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("own_amount_currency", types.Text(), nullable=False),
        sa.Column("own_amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("team_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("team_amount_currency", types.Text(), nullable=False),
        sa.Column("team_amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("adjusted_amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("adjusted_amount_currency", types.Text(), nullable=True),
        sa.Column("adjusted_amount_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["forecasting_forecast_submission.id"],
            name="fk_forecasting_forecast_line_submission_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_forecast_line"),
    )
    op.create_index(
        "ix_forecasting_forecast_line_adjusted_amount_reporting",
        "forecasting_forecast_line",
        ["adjusted_amount_reporting", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_line_category", "forecasting_forecast_line", ["category", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_forecast_line_created_at", "forecasting_forecast_line", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_forecast_line_submission_id", "forecasting_forecast_line", ["submission_id", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_forecast_line_updated_at", "forecasting_forecast_line", ["updated_at", "id"], unique=False
    )
    op.create_table(
        "forecasting_win_model_band",
        sa.Column("model_id", types.Text(), nullable=False),
        sa.Column("lower", sa.BigInteger(), nullable=False),
        sa.Column("upper", sa.BigInteger(), nullable=False),
        sa.Column("opportunities", sa.BigInteger(), nullable=False),
        sa.Column("predicted", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["forecasting_win_model.id"],
            name="fk_forecasting_win_model_band_model_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_win_model_band"),
    )
    op.create_index(
        "ix_forecasting_win_model_band_created_at", "forecasting_win_model_band", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_win_model_band_model_id", "forecasting_win_model_band", ["model_id", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_win_model_band_updated_at", "forecasting_win_model_band", ["updated_at", "id"], unique=False
    )
    op.create_table(
        "forecasting_win_model_weight",
        sa.Column("model_id", types.Text(), nullable=False),
        sa.Column("property", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=True),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("value_folded", types.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["forecasting_win_model.id"],
            name="fk_forecasting_win_model_weight_model_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_win_model_weight"),
    )
    op.create_index(
        "ix_forecasting_win_model_weight_created_at", "forecasting_win_model_weight", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_win_model_weight_model_id", "forecasting_win_model_weight", ["model_id", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_win_model_weight_updated_at", "forecasting_win_model_weight", ["updated_at", "id"], unique=False
    )
    op.create_table(
        "forecasting_forecast_adjustment",
        sa.Column("line_id", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("adjusted_at", types.Timestamp(), nullable=False),
        sa.Column("adjusted_by", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("previous_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("previous_amount_currency", types.Text(), nullable=False),
        sa.Column("previous_amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", types.Text(), nullable=False),
        sa.Column("amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["forecasting_forecast_line.id"],
            name="fk_forecasting_forecast_adjustment_line_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forecasting_forecast_adjustment"),
    )
    op.create_index(
        "ix_forecasting_forecast_adjustment_adjusted_at",
        "forecasting_forecast_adjustment",
        ["adjusted_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_adjustment_created_at",
        "forecasting_forecast_adjustment",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_forecasting_forecast_adjustment_line_id", "forecasting_forecast_adjustment", ["line_id", "id"], unique=False
    )
    op.create_index(
        "ix_forecasting_forecast_adjustment_updated_at",
        "forecasting_forecast_adjustment",
        ["updated_at", "id"],
        unique=False,
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("forecasting_forecast_adjustment")
    op.drop_table("forecasting_win_model_weight")
    op.drop_table("forecasting_win_model_band")
    op.drop_table("forecasting_forecast_line")
    op.drop_table("forecasting_win_model")
    op.drop_table("forecasting_sales_target")
    op.drop_table("forecasting_pipeline_state")
    op.drop_table("forecasting_pipeline_snapshot")
    op.drop_table("forecasting_opportunity_forecast")
    op.drop_table("forecasting_forecast_submission")
    op.drop_table("forecasting_forecast_run")
