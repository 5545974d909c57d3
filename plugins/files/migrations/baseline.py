"""Tables as first declared.

Revision of files: baseline
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
        "files_file",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("contact_id", types.Text(), nullable=True),
        sa.Column("opportunity_id", types.Text(), nullable=True),
        sa.Column("interaction_id", types.Text(), nullable=True),
        sa.Column("task_id", types.Text(), nullable=True),
        sa.Column("transaction_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_files_file_contact_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_files_file_customer_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["interaction.id"], name="fk_files_file_interaction_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name="fk_files_file_opportunity_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_files_file_task_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transaction.id"], name="fk_files_file_transaction_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_files_file"),
    )
    op.create_index("ix_files_file_contact_id", "files_file", ["contact_id", "id"], unique=False)
    op.create_index("ix_files_file_created_at", "files_file", ["created_at", "id"], unique=False)
    op.create_index("ix_files_file_customer_id", "files_file", ["customer_id", "id"], unique=False)
    op.create_index("ix_files_file_interaction_id", "files_file", ["interaction_id", "id"], unique=False)
    op.create_index("ix_files_file_name_folded", "files_file", ["name_folded", "id"], unique=False)
    op.create_index("ix_files_file_opportunity_id", "files_file", ["opportunity_id", "id"], unique=False)
    op.create_index("ix_files_file_task_id", "files_file", ["task_id", "id"], unique=False)
    op.create_index("ix_files_file_transaction_id", "files_file", ["transaction_id", "id"], unique=False)
    op.create_index("ix_files_file_updated_at", "files_file", ["updated_at", "id"], unique=False)
    op.create_table(
        "files_file_upload",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("owner", types.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", types.Text(), nullable=False),
        sa.Column("sha256", types.Text(), nullable=True),
        sa.Column("stored_as", types.Text(), nullable=True),
        sa.Column("expires_at", types.Timestamp(), nullable=False),
        sa.Column("is_going", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files_file_upload"),
    )
    op.create_index("ix_files_file_upload_expires_at", "files_file_upload", ["expires_at", "id"], unique=False)
    op.create_index("ix_files_file_upload_owner", "files_file_upload", ["owner", "id"], unique=False)
    op.create_table(
        "files_file_content",
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("media_type", types.Text(), nullable=True),
        sa.Column("sha256", types.Text(), nullable=True),
        sa.Column("stored_as", types.Text(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["files_file.id"], name="fk_files_file_content_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_files_file_content"),
    )
    op.create_index("ix_files_file_content_media_type", "files_file_content", ["media_type", "record_id"], unique=False)
    op.create_index("ix_files_file_content_sha256", "files_file_content", ["sha256", "record_id"], unique=False)
    op.create_index("ix_files_file_content_size", "files_file_content", ["size", "record_id"], unique=False)
    op.create_index("ix_files_file_content_stored_as", "files_file_content", ["stored_as", "record_id"], unique=False)


def downgrade() -> None:
    """Takes them back."""
    op.drop_table("files_file_content")
    op.drop_table("files_file_upload")
    op.drop_table("files_file")
