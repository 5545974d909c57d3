"""Keys of telephone numbers and e-mail addresses

Revision of core: 0010
"""

import sqlalchemy as sa
from alembic import op

from core.db import types
from core.records.forms import EMAIL

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBERS = (("contact", "mobile_phone_folded"), ("contact", "phone_folded"), ("customer", "phone_folded"))
_ADDRESSES = ("contact", "customer", "user")


def upgrade() -> None:
    """Brings the tables to this revision. The keys of numbers depend on a setting, so the app makes them."""
    for table, column in _NUMBERS:
        op.add_column(table, sa.Column(column, types.Text(), nullable=True))
    connection = op.get_bind()
    for name in _ADDRESSES:
        addresses = sa.table(name, *(sa.column(column, types.Text()) for column in ("id", "email", "email_folded")))
        known = connection.execute(sa.select(addresses).where(addresses.c.email.is_not(None)))
        changed = [
            {"row": id, "key": key} for id, email, folded in known.all() if (key := EMAIL.key(email, "")) != folded
        ]
        if changed:
            change = (
                addresses.update().where(addresses.c.id == sa.bindparam("row")).values(email_folded=sa.bindparam("key"))
            )
            connection.execute(change, changed)


def downgrade() -> None:
    """Takes them back."""
    for table, column in _NUMBERS:
        op.drop_column(table, column)
    op.execute("DELETE FROM installation WHERE name = 'phone_region'")
