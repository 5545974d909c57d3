"""Keep answers given by import, messages sent, and questions in other languages.

Revision of satisfaction_surveys: 0002
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
        "satisfaction_surveys_survey_translation",
        sa.Column("survey_id", types.Text(), nullable=False),
        sa.Column("question_id", types.Text(), nullable=True),
        sa.Column("language", types.Text(), nullable=False),
        sa.Column("text", types.Text(), nullable=False),
        sa.Column("introduction", types.Text(), nullable=True),
        sa.Column("options", types.Json(), nullable=False),
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
            name=op.f("fk_satisfaction_surveys_survey_translation_question_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["satisfaction_surveys_survey.id"],
            name=op.f("fk_satisfaction_surveys_survey_translation_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_satisfaction_surveys_survey_translation")),
    )
    with op.batch_alter_table("satisfaction_surveys_survey_translation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_satisfaction_surveys_survey_translation_created_at", ["created_at", "id"], unique=False
        )
        batch_op.create_index("ix_satisfaction_surveys_survey_translation_language", ["language", "id"], unique=False)
        batch_op.create_index(
            "ix_satisfaction_surveys_survey_translation_question_id", ["question_id", "id"], unique=False
        )
        batch_op.create_index("ix_satisfaction_surveys_survey_translation_survey_id", ["survey_id", "id"], unique=False)
        batch_op.create_index(
            "ix_satisfaction_surveys_survey_translation_updated_at", ["updated_at", "id"], unique=False
        )

    with op.batch_alter_table("satisfaction_surveys_survey", schema=None) as batch_op:
        batch_op.add_column(sa.Column("introduction", types.Text(), nullable=True))
        batch_op.add_column(sa.Column("language", types.Text(), server_default="en", nullable=False))

    with op.batch_alter_table("satisfaction_surveys_survey_answer", schema=None) as batch_op:
        batch_op.create_index(
            "uq_satisfaction_surveys_survey_answer_live",
            ["response_id", "question_id"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    with op.batch_alter_table("satisfaction_surveys_survey_invitation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("delivery", types.Text(), nullable=True))
        batch_op.add_column(sa.Column("delivery_problem", types.Text(), nullable=True))
        batch_op.create_index("ix_satisfaction_surveys_survey_invitation_delivery", ["delivery", "id"], unique=False)

    with op.batch_alter_table("satisfaction_surveys_survey_question", schema=None) as batch_op:
        batch_op.add_column(sa.Column("code", types.Text(), nullable=True))
        batch_op.create_index(
            "uq_satisfaction_surveys_survey_question_live",
            ["code"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )


def downgrade() -> None:
    """Takes them back."""
    with op.batch_alter_table("satisfaction_surveys_survey_question", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_satisfaction_surveys_survey_question_live",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_column("code")

    with op.batch_alter_table("satisfaction_surveys_survey_invitation", schema=None) as batch_op:
        batch_op.drop_index("ix_satisfaction_surveys_survey_invitation_delivery")
        batch_op.drop_column("delivery_problem")
        batch_op.drop_column("delivery")

    with op.batch_alter_table("satisfaction_surveys_survey_answer", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_satisfaction_surveys_survey_answer_live",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    with op.batch_alter_table("satisfaction_surveys_survey", schema=None) as batch_op:
        batch_op.drop_column("language")
        batch_op.drop_column("introduction")

    with op.batch_alter_table("satisfaction_surveys_survey_translation", schema=None) as batch_op:
        batch_op.drop_index("ix_satisfaction_surveys_survey_translation_updated_at")
        batch_op.drop_index("ix_satisfaction_surveys_survey_translation_survey_id")
        batch_op.drop_index("ix_satisfaction_surveys_survey_translation_question_id")
        batch_op.drop_index("ix_satisfaction_surveys_survey_translation_language")
        batch_op.drop_index("ix_satisfaction_surveys_survey_translation_created_at")

    op.drop_table("satisfaction_surveys_survey_translation")
