"""Terms of the search in samples, beginnings as terms, and how long names are

Revision of core: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NOW = """detail=none, tokenize="unicode61 remove_diacritics 0 tokenchars '_<^|=~+#@'\""""
_BEFORE = """detail=none, prefix='2 3', tokenize="unicode61 remove_diacritics 0 tokenchars '_^=~'\""""
_TRIGGERS = {
    "inserted": """
        CREATE TRIGGER search_entry_inserted AFTER INSERT ON search_entry BEGIN
            INSERT INTO search_index (rowid, terms, tag_terms) VALUES (new.number, new.terms, new.tag_terms);
        END
        """,
    "deleted": """
        CREATE TRIGGER search_entry_deleted AFTER DELETE ON search_entry BEGIN
            INSERT INTO search_index (search_index, rowid, terms, tag_terms)
            VALUES ('delete', old.number, old.terms, old.tag_terms);
        END
        """,
    "updated": """
        CREATE TRIGGER search_entry_updated AFTER UPDATE ON search_entry BEGIN
            INSERT INTO search_index (search_index, rowid, terms, tag_terms)
            VALUES ('delete', old.number, old.terms, old.tag_terms);
            INSERT INTO search_index (rowid, terms, tag_terms) VALUES (new.number, new.terms, new.tag_terms);
        END
        """,
}


def _make_index(options: str) -> None:
    """Makes the index of SQLite again, and empty: its terms are others."""
    # Without them, because each row that goes would be taken out of the index.
    for event in _TRIGGERS:
        op.execute(f"DROP TRIGGER search_entry_{event}")
    op.execute("DROP TABLE search_index")
    op.execute("DELETE FROM search_entry")
    op.execute(
        "CREATE VIRTUAL TABLE search_index USING fts5("
        f"terms, tag_terms, content='search_entry', content_rowid='number', {options})"
    )
    for trigger in _TRIGGERS.values():
        op.execute(trigger)


def upgrade() -> None:
    """Brings the tables to this revision. Entries are made again at the next start."""
    if op.get_bind().dialect.name == "sqlite":
        _make_index(_NOW)
        op.execute("INSERT INTO search_index (search_index, rank) VALUES ('crisismerge', 4)")
    else:
        op.execute("TRUNCATE search_entry")
        op.execute("ALTER INDEX ix_search_entry_terms SET (gin_pending_list_limit = 64)")
    op.add_column("search_entry", sa.Column("length", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Takes them back."""
    if op.get_bind().dialect.name == "sqlite":
        _make_index(_BEFORE)
    else:
        op.execute("TRUNCATE search_entry")
        op.execute("ALTER INDEX ix_search_entry_terms RESET (gin_pending_list_limit)")
    op.drop_column("search_entry", "length")
