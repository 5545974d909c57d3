"""One invoice of a number per customer, kept so by the database.

Revision of credit_scoring: 0002
"""

from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from guanxi import types

revision = "0002"
down_revision = "baseline"
branch_labels = None
depends_on = None

_WHERE = sa.text("deleted_at IS NULL AND is_old_twin IS NULL")


def upgrade() -> None:
    """Brings the tables to this revision. Of invoices with one number the oldest keeps it; the others are marked."""
    op.add_column("credit_scoring_receivable", sa.Column("is_old_twin", sa.Boolean(), nullable=True))
    invoices = sa.table(
        "credit_scoring_receivable",
        *(sa.column(name, sa.Text()) for name in ("id", "customer_id", "number_folded")),
        sa.column("created_at", types.Timestamp()),
        sa.column("deleted_at", types.Timestamp()),
        sa.column("is_old_twin", sa.Boolean()),
    )
    keys = [invoices.c.customer_id, invoices.c.number_folded]
    living = (
        sa.select(*keys, invoices.c.id)
        .where(invoices.c.deleted_at.is_(None))
        .order_by(*keys, invoices.c.created_at, invoices.c.id)
    )
    found: list[Any] = [*op.get_bind().execute(living)]
    for (customer, number), rows in groupby(found, lambda row: row[:-1]):
        kept, *twins = [row.id for row in rows]
        if twins:
            op.execute(sa.update(invoices).where(invoices.c.id.in_(twins)).values(is_old_twin=True))
            op.get_context().opts["note"](
                f"invoices {number} of {customer}: {kept} is the oldest; change or delete {', '.join(twins)}"
            )
    op.create_index(
        "uq_credit_scoring_receivable_live",
        "credit_scoring_receivable",
        ["customer_id", "number_folded"],
        unique=True,
        sqlite_where=_WHERE,
        postgresql_where=_WHERE,
    )


def downgrade() -> None:
    """Takes them back."""
    op.drop_index("uq_credit_scoring_receivable_live", "credit_scoring_receivable")
    op.drop_column("credit_scoring_receivable", "is_old_twin")
