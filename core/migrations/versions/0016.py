"""What records are found by

Revision of core: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from core.db import types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INDEX = {
    "postgresql": (
        """
        CREATE INDEX ix_search_entry_terms ON search_entry
        USING gin ((coalesce(terms, ''::tsvector) || coalesce(tag_terms, ''::tsvector)))
        """,
    ),
    "sqlite": (
        """
        CREATE VIRTUAL TABLE search_index USING fts5(
            terms, tag_terms, content='search_entry', content_rowid='number', detail=none, prefix='2 3',
            tokenize="unicode61 remove_diacritics 0 tokenchars '_^=~'"
        )
        """,
        """
        CREATE TRIGGER search_entry_inserted AFTER INSERT ON search_entry BEGIN
            INSERT INTO search_index (rowid, terms, tag_terms) VALUES (new.number, new.terms, new.tag_terms);
        END
        """,
        """
        CREATE TRIGGER search_entry_deleted AFTER DELETE ON search_entry BEGIN
            INSERT INTO search_index (search_index, rowid, terms, tag_terms)
            VALUES ('delete', old.number, old.terms, old.tag_terms);
        END
        """,
        """
        CREATE TRIGGER search_entry_updated AFTER UPDATE ON search_entry BEGIN
            INSERT INTO search_index (search_index, rowid, terms, tag_terms)
            VALUES ('delete', old.number, old.terms, old.tag_terms);
            INSERT INTO search_index (rowid, terms, tag_terms) VALUES (new.number, new.terms, new.tag_terms);
        END
        """,
    ),
}


def _terms(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String().with_variant(TSVECTOR(), "postgresql"), nullable=True)


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "search_entry",
        sa.Column("record_id", types.Text(), nullable=False),
        sa.Column("entity_type", types.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        _terms("terms"),
        _terms("tag_terms"),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_search_entry")),
    )
    op.create_index("ix_search_entry_number", "search_entry", ["number", "record_id"])
    for sql in _INDEX[op.get_bind().dialect.name]:
        op.execute(sql)


def downgrade() -> None:
    """Takes them back."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    op.drop_table("search_entry")
