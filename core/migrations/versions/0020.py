"""Terms by which entries of the search tell whose their records are

Revision of core: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_OWNERS, _NUMBER = "owner_terms", "ix_search_entry_number"
_BEFORE = ("terms", "tag_terms")
_NOW = (*_BEFORE, _OWNERS)
_EVENTS = {"inserted": "INSERT", "deleted": "DELETE", "updated": "UPDATE"}


def _make_index(columns: tuple[str, ...], signs: str) -> None:
    """Makes the index again, and empty: entries are made again at the next start."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("TRUNCATE search_entry")
        op.execute("DROP INDEX ix_search_entry_terms")
        terms = " || ".join(f"coalesce({name}, ''::tsvector)" for name in columns)
        op.execute(
            f"CREATE INDEX ix_search_entry_terms ON search_entry USING gin (({terms})) "
            "WITH (gin_pending_list_limit = 64)"
        )
        return
    # Without them, because each row that goes would be taken out of the index.
    for event in _EVENTS:
        op.execute(f"DROP TRIGGER search_entry_{event}")
    op.execute("DROP TABLE search_index")
    op.execute("DELETE FROM search_entry")
    op.execute(
        f"CREATE VIRTUAL TABLE search_index USING fts5({', '.join(columns)}, content='search_entry', "
        f"""content_rowid='number', detail=none, tokenize="unicode61 remove_diacritics 0 tokenchars '{signs}'")"""
    )
    op.execute("INSERT INTO search_index (search_index, rank) VALUES ('crisismerge', 4)")
    new, old = (", ".join(f"{side}.{name}" for name in columns) for side in ("new", "old"))
    put = f"INSERT INTO search_index (rowid, {', '.join(columns)}) VALUES (new.number, {new});"
    take = f"INSERT INTO search_index (search_index, rowid, {', '.join(columns)}) VALUES ('delete', old.number, {old});"
    for event, done in zip(_EVENTS, (put, take, take + put), strict=True):
        op.execute(f"CREATE TRIGGER search_entry_{event} AFTER {_EVENTS[event]} ON search_entry BEGIN {done} END")


def upgrade() -> None:
    """Brings the tables to this revision."""
    terms = sa.String().with_variant(TSVECTOR(), "postgresql")
    op.add_column("search_entry", sa.Column(_OWNERS, terms, nullable=True))
    op.drop_index(_NUMBER, "search_entry")
    op.create_index(_NUMBER, "search_entry", ["number", "record_id", "entity_type", "length"])
    _make_index(_NOW, "_<^|=~+#@$")


def downgrade() -> None:
    """Takes them back."""
    _make_index(_BEFORE, "_<^|=~+#@")
    op.drop_index(_NUMBER, "search_entry")
    op.create_index(_NUMBER, "search_entry", ["number", "record_id"])
    op.drop_column("search_entry", _OWNERS)
