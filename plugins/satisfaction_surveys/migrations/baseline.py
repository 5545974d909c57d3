"""Tables as first declared.

Revision of satisfaction_surveys: baseline
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
        "satisfaction_surveys_contact_surveys",
        sa.Column("invited_on", sa.Date(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["contact.id"], name="fk_satisfaction_surveys_contact_surveys_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_satisfaction_surveys_contact_surveys"),
    )
    op.create_index(
        "ix_satisfaction_surveys_contact_surveys_invited_on",
        "satisfaction_surveys_contact_surveys",
        ["invited_on", "record_id"],
        unique=False,
    )
    op.create_table(
        "satisfaction_surveys_customer_result",
        sa.Column("gap", sa.BigInteger(), nullable=True),
        sa.Column("gap_trend", sa.BigInteger(), nullable=True),
        sa.Column("rating", sa.BigInteger(), nullable=True),
        sa.Column("rating_trend", sa.BigInteger(), nullable=True),
        sa.Column("rate", sa.BigInteger(), nullable=True),
        sa.Column("rate_trend", sa.BigInteger(), nullable=True),
        sa.Column("nps", sa.BigInteger(), nullable=True),
        sa.Column("nps_trend", sa.BigInteger(), nullable=True),
        sa.Column("nps_score", sa.BigInteger(), nullable=True),
        sa.Column("nps_score_trend", sa.BigInteger(), nullable=True),
        sa.Column("csat", sa.BigInteger(), nullable=True),
        sa.Column("csat_trend", sa.BigInteger(), nullable=True),
        sa.Column("ces", sa.BigInteger(), nullable=True),
        sa.Column("ces_trend", sa.BigInteger(), nullable=True),
        sa.Column("perceived_value", sa.BigInteger(), nullable=True),
        sa.Column("perceived_value_trend", sa.BigInteger(), nullable=True),
        sa.Column("level", types.Text(), nullable=True),
        sa.Column("nps_category", types.Text(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("respondents", sa.BigInteger(), nullable=False),
        sa.Column("policy_version", types.Text(), nullable=True),
        sa.Column("invited_on", sa.Date(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["customer.id"], name="fk_satisfaction_surveys_customer_result_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_satisfaction_surveys_customer_result"),
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_answered_on",
        "satisfaction_surveys_customer_result",
        ["answered_on", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_ces",
        "satisfaction_surveys_customer_result",
        ["ces", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_ces_trend",
        "satisfaction_surveys_customer_result",
        ["ces_trend", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_csat",
        "satisfaction_surveys_customer_result",
        ["csat", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_csat_trend",
        "satisfaction_surveys_customer_result",
        ["csat_trend", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_gap",
        "satisfaction_surveys_customer_result",
        ["gap", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_gap_trend",
        "satisfaction_surveys_customer_result",
        ["gap_trend", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_invited_on",
        "satisfaction_surveys_customer_result",
        ["invited_on", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_level",
        "satisfaction_surveys_customer_result",
        ["level", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_nps",
        "satisfaction_surveys_customer_result",
        ["nps", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_nps_category",
        "satisfaction_surveys_customer_result",
        ["nps_category", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_nps_score",
        "satisfaction_surveys_customer_result",
        ["nps_score", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_nps_score_trend",
        "satisfaction_surveys_customer_result",
        ["nps_score_trend", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_nps_trend",
        "satisfaction_surveys_customer_result",
        ["nps_trend", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_perceived_value",
        "satisfaction_surveys_customer_result",
        ["perceived_value", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_perceived_value_trend",
        "satisfaction_surveys_customer_result",
        ["perceived_value_trend", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_policy_version",
        "satisfaction_surveys_customer_result",
        ["policy_version", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_rate",
        "satisfaction_surveys_customer_result",
        ["rate", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_rate_trend",
        "satisfaction_surveys_customer_result",
        ["rate_trend", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_rating",
        "satisfaction_surveys_customer_result",
        ["rating", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_customer_result_rating_trend",
        "satisfaction_surveys_customer_result",
        ["rating_trend", "record_id"],
        unique=False,
    )
    op.create_table(
        "satisfaction_surveys_survey",
        sa.Column("title", types.Text(), nullable=False),
        sa.Column("purpose", types.Text(), nullable=True),
        sa.Column("content", types.Text(), nullable=True),
        sa.Column("method", types.Text(), nullable=True),
        sa.Column("quality_monitoring", types.Text(), nullable=True),
        sa.Column("schedule", types.Text(), nullable=True),
        sa.Column("staffing", types.Text(), nullable=True),
        sa.Column("remarks", types.Text(), nullable=True),
        sa.Column("background_step", types.Text(), nullable=False),
        sa.Column("design_step", types.Text(), nullable=False),
        sa.Column("documents_step", types.Text(), nullable=False),
        sa.Column("fieldwork_step", types.Text(), nullable=False),
        sa.Column("processing_step", types.Text(), nullable=False),
        sa.Column("report_step", types.Text(), nullable=False),
        sa.Column("owner_id", types.Text(), nullable=True),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("channel", types.Text(), nullable=False),
        sa.Column("is_regular", sa.Boolean(), nullable=False),
        sa.Column("cadence_days", sa.BigInteger(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("opened_at", types.Timestamp(), nullable=True),
        sa.Column("closed_at", types.Timestamp(), nullable=True),
        sa.Column("respondents", types.Text(), nullable=True),
        sa.Column("audience", types.Text(), nullable=True),
        sa.Column("questions_version", sa.BigInteger(), nullable=False),
        sa.Column("rounds", sa.BigInteger(), nullable=False),
        sa.Column("last_round_on", sa.Date(), nullable=True),
        sa.Column("round_announced", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("title_folded", types.Text(), nullable=False),
        sa.Column("budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("budget_currency", types.Text(), nullable=True),
        sa.Column("budget_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user.id"], name="fk_satisfaction_surveys_survey_owner_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_satisfaction_surveys_survey"),
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_closes_on", "satisfaction_surveys_survey", ["closes_on", "id"], unique=False
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_created_at", "satisfaction_surveys_survey", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_last_round_on",
        "satisfaction_surveys_survey",
        ["last_round_on", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_opened_at", "satisfaction_surveys_survey", ["opened_at", "id"], unique=False
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_owner_id", "satisfaction_surveys_survey", ["owner_id", "id"], unique=False
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_status", "satisfaction_surveys_survey", ["status", "id"], unique=False
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_title_folded",
        "satisfaction_surveys_survey",
        ["title_folded", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_updated_at", "satisfaction_surveys_survey", ["updated_at", "id"], unique=False
    )
    op.create_table(
        "satisfaction_surveys_survey_invitation",
        sa.Column("survey_id", types.Text(), nullable=False),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("contact_id", types.Text(), nullable=True),
        sa.Column("interaction_id", types.Text(), nullable=True),
        sa.Column("questions_version", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("invited_at", types.Timestamp(), nullable=False),
        sa.Column("sent_at", types.Timestamp(), nullable=False),
        sa.Column("expires_at", types.Timestamp(), nullable=False),
        sa.Column("reminders", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", types.Timestamp(), nullable=True),
        sa.Column("reminder_announced", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name="fk_satisfaction_surveys_survey_invitation_contact_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name="fk_satisfaction_surveys_survey_invitation_customer_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name="fk_satisfaction_surveys_survey_invitation_interaction_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["satisfaction_surveys_survey.id"],
            name="fk_satisfaction_surveys_survey_invitation_survey_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_satisfaction_surveys_survey_invitation"),
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_answered_at",
        "satisfaction_surveys_survey_invitation",
        ["answered_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_contact_id",
        "satisfaction_surveys_survey_invitation",
        ["contact_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_created_at",
        "satisfaction_surveys_survey_invitation",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_customer_id",
        "satisfaction_surveys_survey_invitation",
        ["customer_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_expires_at",
        "satisfaction_surveys_survey_invitation",
        ["expires_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_interaction_id",
        "satisfaction_surveys_survey_invitation",
        ["interaction_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_invited_at",
        "satisfaction_surveys_survey_invitation",
        ["invited_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_round",
        "satisfaction_surveys_survey_invitation",
        ["round", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_sent_at",
        "satisfaction_surveys_survey_invitation",
        ["sent_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_survey_id",
        "satisfaction_surveys_survey_invitation",
        ["survey_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_invitation_updated_at",
        "satisfaction_surveys_survey_invitation",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "satisfaction_surveys_survey_question",
        sa.Column("survey_id", types.Text(), nullable=False),
        sa.Column("questions_version", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("text", types.Text(), nullable=False),
        sa.Column("options", types.Json(), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["satisfaction_surveys_survey.id"],
            name="fk_satisfaction_surveys_survey_question_survey_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_satisfaction_surveys_survey_question"),
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_question_created_at",
        "satisfaction_surveys_survey_question",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_question_kind",
        "satisfaction_surveys_survey_question",
        ["kind", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_question_questions_version",
        "satisfaction_surveys_survey_question",
        ["questions_version", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_question_survey_id",
        "satisfaction_surveys_survey_question",
        ["survey_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_question_updated_at",
        "satisfaction_surveys_survey_question",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "satisfaction_surveys_survey_response",
        sa.Column("survey_id", types.Text(), nullable=False),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("contact_id", types.Text(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("actual_rating", sa.BigInteger(), nullable=True),
        sa.Column("expected_rating", sa.BigInteger(), nullable=True),
        sa.Column("nps_score", sa.BigInteger(), nullable=True),
        sa.Column("csat_score", sa.BigInteger(), nullable=True),
        sa.Column("ces_score", sa.BigInteger(), nullable=True),
        sa.Column("perceived_benefit", sa.BigInteger(), nullable=True),
        sa.Column("perceived_cost", sa.BigInteger(), nullable=True),
        sa.Column("expectation_causes", types.Json(), nullable=False),
        sa.Column("comment", types.Text(), nullable=True),
        sa.Column("source", types.Text(), nullable=False),
        sa.Column("questions_version", sa.BigInteger(), nullable=True),
        sa.Column("invitation_id", types.Text(), nullable=True),
        sa.Column("follow_up_task_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name="fk_satisfaction_surveys_survey_response_contact_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name="fk_satisfaction_surveys_survey_response_customer_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["follow_up_task_id"],
            ["task.id"],
            name="fk_satisfaction_surveys_survey_response_follow_up_task_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["satisfaction_surveys_survey_invitation.id"],
            name="fk_satisfaction_surveys_survey_response_invitation_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["satisfaction_surveys_survey.id"], name="fk_satisfaction_surveys_survey_response_survey_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_satisfaction_surveys_survey_response"),
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_answered_on",
        "satisfaction_surveys_survey_response",
        ["answered_on", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_contact_id",
        "satisfaction_surveys_survey_response",
        ["contact_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_created_at",
        "satisfaction_surveys_survey_response",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_customer_id",
        "satisfaction_surveys_survey_response",
        ["customer_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_follow_up_task_id",
        "satisfaction_surveys_survey_response",
        ["follow_up_task_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_invitation_id",
        "satisfaction_surveys_survey_response",
        ["invitation_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_nps_score",
        "satisfaction_surveys_survey_response",
        ["nps_score", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_source",
        "satisfaction_surveys_survey_response",
        ["source", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_survey_id",
        "satisfaction_surveys_survey_response",
        ["survey_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_response_updated_at",
        "satisfaction_surveys_survey_response",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "satisfaction_surveys_survey_token",
        sa.Column("token_hash", types.Text(), nullable=False),
        sa.Column("survey_id", types.Text(), nullable=False),
        sa.Column("invitation_id", types.Text(), nullable=True),
        sa.Column("questions_version", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", types.Timestamp(), nullable=False),
        sa.Column("is_used", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["satisfaction_surveys_survey_invitation.id"],
            name="fk_satisfaction_surveys_survey_token_invitation_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["satisfaction_surveys_survey.id"],
            name="fk_satisfaction_surveys_survey_token_survey_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_satisfaction_surveys_survey_token"),
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_token_expires_at",
        "satisfaction_surveys_survey_token",
        ["expires_at", "token_hash"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_token_invitation_id",
        "satisfaction_surveys_survey_token",
        ["invitation_id", "token_hash"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_token_survey_id",
        "satisfaction_surveys_survey_token",
        ["survey_id", "token_hash"],
        unique=False,
    )
    op.create_table(
        "satisfaction_surveys_improvement_action",
        sa.Column("survey_id", types.Text(), nullable=False),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("response_id", types.Text(), nullable=True),
        sa.Column("assignee_id", types.Text(), nullable=True),
        sa.Column("title", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("outcome", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("title_folded", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assignee_id"],
            ["user.id"],
            name="fk_satisfaction_surveys_improvement_action_assignee_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name="fk_satisfaction_surveys_improvement_action_customer_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["response_id"],
            ["satisfaction_surveys_survey_response.id"],
            name="fk_satisfaction_surveys_improvement_action_response_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["satisfaction_surveys_survey.id"],
            name="fk_satisfaction_surveys_improvement_action_survey_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_satisfaction_surveys_improvement_action"),
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_assignee_id",
        "satisfaction_surveys_improvement_action",
        ["assignee_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_created_at",
        "satisfaction_surveys_improvement_action",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_customer_id",
        "satisfaction_surveys_improvement_action",
        ["customer_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_due_on",
        "satisfaction_surveys_improvement_action",
        ["due_on", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_response_id",
        "satisfaction_surveys_improvement_action",
        ["response_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_status",
        "satisfaction_surveys_improvement_action",
        ["status", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_survey_id",
        "satisfaction_surveys_improvement_action",
        ["survey_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_title_folded",
        "satisfaction_surveys_improvement_action",
        ["title_folded", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_improvement_action_updated_at",
        "satisfaction_surveys_improvement_action",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "satisfaction_surveys_survey_answer",
        sa.Column("response_id", types.Text(), nullable=False),
        sa.Column("question_id", types.Text(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("expected", sa.BigInteger(), nullable=True),
        sa.Column("choices", types.Json(), nullable=False),
        sa.Column("text", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["satisfaction_surveys_survey_question.id"],
            name="fk_satisfaction_surveys_survey_answer_question_id",
        ),
        sa.ForeignKeyConstraint(
            ["response_id"],
            ["satisfaction_surveys_survey_response.id"],
            name="fk_satisfaction_surveys_survey_answer_response_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_satisfaction_surveys_survey_answer"),
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_answer_created_at",
        "satisfaction_surveys_survey_answer",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_answer_question_id",
        "satisfaction_surveys_survey_answer",
        ["question_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_answer_response_id",
        "satisfaction_surveys_survey_answer",
        ["response_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_answer_score",
        "satisfaction_surveys_survey_answer",
        ["score", "id"],
        unique=False,
    )
    op.create_index(
        "ix_satisfaction_surveys_survey_answer_updated_at",
        "satisfaction_surveys_survey_answer",
        ["updated_at", "id"],
        unique=False,
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("satisfaction_surveys_survey_answer")
    op.drop_table("satisfaction_surveys_improvement_action")
    op.drop_table("satisfaction_surveys_survey_token")
    op.drop_table("satisfaction_surveys_survey_response")
    op.drop_table("satisfaction_surveys_survey_question")
    op.drop_table("satisfaction_surveys_survey_invitation")
    op.drop_table("satisfaction_surveys_survey")
    op.drop_table("satisfaction_surveys_customer_result")
    op.drop_table("satisfaction_surveys_contact_surveys")
