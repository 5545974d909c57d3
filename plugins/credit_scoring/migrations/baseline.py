"""Tables as first declared.

Revision of credit_scoring: baseline
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
        "credit_scoring_credit_control_override",
        sa.Column("opportunity_id", types.Text(), nullable=False),
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("problems", types.Json(), nullable=False),
        sa.Column("risk", types.Text(), nullable=True),
        sa.Column("overridden_at", types.Timestamp(), nullable=False),
        sa.Column("overridden_by", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("credit_limit_currency", types.Text(), nullable=True),
        sa.Column("credit_limit_reporting", sa.BigInteger(), nullable=True),
        sa.Column("exposure_minor", sa.BigInteger(), nullable=False),
        sa.Column("exposure_currency", types.Text(), nullable=False),
        sa.Column("exposure_reporting", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name="fk_credit_scoring_credit_control_override_customer_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name="fk_credit_scoring_credit_control_override_opportunity_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credit_scoring_credit_control_override"),
    )
    op.create_index(
        "ix_credit_scoring_credit_control_override_created_at",
        "credit_scoring_credit_control_override",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_control_override_customer_id",
        "credit_scoring_credit_control_override",
        ["customer_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_control_override_opportunity_id",
        "credit_scoring_credit_control_override",
        ["opportunity_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_control_override_overridden_at",
        "credit_scoring_credit_control_override",
        ["overridden_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_control_override_updated_at",
        "credit_scoring_credit_control_override",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "credit_scoring_credit_limit_change",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("risk", types.Text(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", types.Timestamp(), nullable=False),
        sa.Column("changed_by", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("previous_limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("previous_limit_currency", types.Text(), nullable=True),
        sa.Column("previous_limit_reporting", sa.BigInteger(), nullable=True),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("credit_limit_currency", types.Text(), nullable=True),
        sa.Column("credit_limit_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name="fk_credit_scoring_credit_limit_change_customer_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credit_scoring_credit_limit_change"),
    )
    op.create_index(
        "ix_credit_scoring_credit_limit_change_changed_at",
        "credit_scoring_credit_limit_change",
        ["changed_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_limit_change_created_at",
        "credit_scoring_credit_limit_change",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_limit_change_customer_id",
        "credit_scoring_credit_limit_change",
        ["customer_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_limit_change_updated_at",
        "credit_scoring_credit_limit_change",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "credit_scoring_credit_policy",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("financial_status_weight", sa.BigInteger(), nullable=False),
        sa.Column("reputation_weight", sa.BigInteger(), nullable=False),
        sa.Column("transaction_record_weight", sa.BigInteger(), nullable=False),
        sa.Column("low_from", sa.BigInteger(), nullable=False),
        sa.Column("medium_from", sa.BigInteger(), nullable=False),
        sa.Column("scorers", types.Json(), nullable=False),
        sa.Column("payment_behaviour", types.Json(), nullable=False),
        sa.Column("fingerprint", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_credit_scoring_credit_policy"),
    )
    op.create_index(
        "ix_credit_scoring_credit_policy_created_at", "credit_scoring_credit_policy", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_credit_policy_fingerprint",
        "credit_scoring_credit_policy",
        ["fingerprint", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_policy_number", "credit_scoring_credit_policy", ["number", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_credit_policy_updated_at", "credit_scoring_credit_policy", ["updated_at", "id"], unique=False
    )
    op.create_table(
        "credit_scoring_customer_credit",
        sa.Column("financial_status", sa.BigInteger(), nullable=True),
        sa.Column("reputation", sa.BigInteger(), nullable=True),
        sa.Column("transaction_record", sa.BigInteger(), nullable=True),
        sa.Column("payment_behaviour", sa.BigInteger(), nullable=True),
        sa.Column("payment_invoices", sa.BigInteger(), nullable=True),
        sa.Column("average_days_late", sa.BigInteger(), nullable=True),
        sa.Column("disputed_share", sa.BigInteger(), nullable=True),
        sa.Column("days_late_trend", sa.BigInteger(), nullable=True),
        sa.Column("lateness_deduction", sa.BigInteger(), nullable=True),
        sa.Column("dispute_deduction", sa.BigInteger(), nullable=True),
        sa.Column("trend_deduction", sa.BigInteger(), nullable=True),
        sa.Column("cannot_perform_contract", sa.Boolean(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("announced_review", sa.Date(), nullable=True),
        sa.Column("evaluated_on", sa.Date(), nullable=True),
        sa.Column("first_evaluated_on", sa.Date(), nullable=True),
        sa.Column("status", types.Text(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("scored_risk", types.Text(), nullable=True),
        sa.Column("recorded_risk", types.Text(), nullable=True),
        sa.Column("override_risk", types.Text(), nullable=True),
        sa.Column("override_reason", types.Text(), nullable=True),
        sa.Column("override_by", types.Text(), nullable=True),
        sa.Column("override_at", types.Timestamp(), nullable=True),
        sa.Column("override_until", sa.Date(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("credit_limit_currency", types.Text(), nullable=True),
        sa.Column("credit_limit_reporting", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["record_id"], ["customer.id"], name="fk_credit_scoring_customer_credit_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_credit_scoring_customer_credit"),
    )
    op.create_index(
        "ix_credit_scoring_customer_credit_cannot_perform_contract",
        "credit_scoring_customer_credit",
        ["cannot_perform_contract", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_customer_credit_credit_limit_reporting",
        "credit_scoring_customer_credit",
        ["credit_limit_reporting", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_customer_credit_evaluated_on",
        "credit_scoring_customer_credit",
        ["evaluated_on", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_customer_credit_payment_behaviour",
        "credit_scoring_customer_credit",
        ["payment_behaviour", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_customer_credit_score",
        "credit_scoring_customer_credit",
        ["score", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_customer_credit_scored_risk",
        "credit_scoring_customer_credit",
        ["scored_risk", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_customer_credit_status",
        "credit_scoring_customer_credit",
        ["status", "record_id"],
        unique=False,
    )
    op.create_table(
        "credit_scoring_opportunity_credit",
        sa.Column("invoiced", sa.BigInteger(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["opportunity.id"], name="fk_credit_scoring_opportunity_credit_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_credit_scoring_opportunity_credit"),
    )
    op.create_table(
        "credit_scoring_receivable",
        sa.Column("number", types.Text(), nullable=False),
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("opportunity_id", types.Text(), nullable=True),
        sa.Column("invoiced_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("is_disputed", sa.Boolean(), nullable=False),
        sa.Column("disputed_on", sa.Date(), nullable=True),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("number_folded", types.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", types.Text(), nullable=False),
        sa.Column("amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("paid_amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("paid_amount_currency", types.Text(), nullable=True),
        sa.Column("paid_amount_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name="fk_credit_scoring_receivable_customer_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name="fk_credit_scoring_receivable_opportunity_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credit_scoring_receivable"),
    )
    op.create_index(
        "ix_credit_scoring_receivable_amount_reporting",
        "credit_scoring_receivable",
        ["amount_reporting", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_receivable_created_at", "credit_scoring_receivable", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_receivable_customer_id", "credit_scoring_receivable", ["customer_id", "id"], unique=False
    )
    op.create_index("ix_credit_scoring_receivable_due_on", "credit_scoring_receivable", ["due_on", "id"], unique=False)
    op.create_index(
        "ix_credit_scoring_receivable_invoiced_on", "credit_scoring_receivable", ["invoiced_on", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_receivable_is_disputed", "credit_scoring_receivable", ["is_disputed", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_receivable_number_folded", "credit_scoring_receivable", ["number_folded", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_receivable_opportunity_id",
        "credit_scoring_receivable",
        ["opportunity_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_receivable_settled_on", "credit_scoring_receivable", ["settled_on", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_receivable_updated_at", "credit_scoring_receivable", ["updated_at", "id"], unique=False
    )
    op.create_table(
        "credit_scoring_credit_evaluation",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("policy_id", types.Text(), nullable=False),
        sa.Column("trigger", types.Text(), nullable=False),
        sa.Column("note", types.Text(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("evaluated_at", types.Timestamp(), nullable=False),
        sa.Column("evaluated_by", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("previous_score", sa.BigInteger(), nullable=True),
        sa.Column("scored_risk", types.Text(), nullable=True),
        sa.Column("risk", types.Text(), nullable=True),
        sa.Column("previous_risk", types.Text(), nullable=True),
        sa.Column("financial_status", sa.BigInteger(), nullable=True),
        sa.Column("financial_status_source", types.Text(), nullable=True),
        sa.Column("financial_status_points", sa.BigInteger(), nullable=True),
        sa.Column("reputation", sa.BigInteger(), nullable=True),
        sa.Column("reputation_source", types.Text(), nullable=True),
        sa.Column("reputation_points", sa.BigInteger(), nullable=True),
        sa.Column("transaction_record", sa.BigInteger(), nullable=True),
        sa.Column("transaction_record_source", types.Text(), nullable=True),
        sa.Column("transaction_record_points", sa.BigInteger(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name="fk_credit_scoring_credit_evaluation_customer_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["credit_scoring_credit_policy.id"], name="fk_credit_scoring_credit_evaluation_policy_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credit_scoring_credit_evaluation"),
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_as_of", "credit_scoring_credit_evaluation", ["as_of", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_created_at",
        "credit_scoring_credit_evaluation",
        ["created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_customer_id",
        "credit_scoring_credit_evaluation",
        ["customer_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_evaluated_at",
        "credit_scoring_credit_evaluation",
        ["evaluated_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_policy_id",
        "credit_scoring_credit_evaluation",
        ["policy_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_risk", "credit_scoring_credit_evaluation", ["risk", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_status", "credit_scoring_credit_evaluation", ["status", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_trigger",
        "credit_scoring_credit_evaluation",
        ["trigger", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_evaluation_updated_at",
        "credit_scoring_credit_evaluation",
        ["updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "credit_scoring_credit_reason",
        sa.Column("evaluation_id", types.Text(), nullable=False),
        sa.Column("code", types.Text(), nullable=False),
        sa.Column("points_lost", sa.BigInteger(), nullable=False),
        sa.Column("detail", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["credit_scoring_credit_evaluation.id"],
            name="fk_credit_scoring_credit_reason_evaluation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credit_scoring_credit_reason"),
    )
    op.create_index(
        "ix_credit_scoring_credit_reason_code", "credit_scoring_credit_reason", ["code", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_credit_reason_created_at", "credit_scoring_credit_reason", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_credit_scoring_credit_reason_evaluation_id",
        "credit_scoring_credit_reason",
        ["evaluation_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credit_scoring_credit_reason_updated_at", "credit_scoring_credit_reason", ["updated_at", "id"], unique=False
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("credit_scoring_credit_reason")
    op.drop_table("credit_scoring_credit_evaluation")
    op.drop_table("credit_scoring_receivable")
    op.drop_table("credit_scoring_opportunity_credit")
    op.drop_table("credit_scoring_customer_credit")
    op.drop_table("credit_scoring_credit_policy")
    op.drop_table("credit_scoring_credit_limit_change")
    op.drop_table("credit_scoring_credit_control_override")
