"""Index the keys by record, and make those of contacts anew, by the job that indexes what has none.

Revision of duplicates: 0002
"""

from alembic import op

revision = "0002"
down_revision = "baseline"
branch_labels = None
depends_on = None

_INDEX, _TABLE = "ix_duplicates_duplicate_key_record_id", "duplicates_duplicate_key"


def upgrade() -> None:
    """Brings the tables to this revision."""
    _forget()
    op.create_index(_INDEX, _TABLE, ["record_id", "hash"], unique=False)


def downgrade() -> None:
    """Takes it back."""
    op.drop_index(_INDEX, _TABLE)
    _forget()


def _forget() -> None:
    op.execute("DELETE FROM duplicates_duplicate_key WHERE record_id LIKE 'con!_%' ESCAPE '!'")
