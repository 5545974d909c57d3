"""Keep payments, reminders, promises to pay and holds.

Revision of credit_scoring: 0003
"""

import sqlalchemy as sa
from alembic import op

from guanxi import types
from guanxi.sql import day_of, new_stem, numbered

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PARTS = ("minor", "currency", "reporting")
_STAMPS = ("created_at", "created_by", "updated_at", "updated_by")


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "credit_scoring_credit_hold",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("placed_on", sa.Date(), nullable=False),
        sa.Column("placed_at", types.Timestamp(), nullable=False),
        sa.Column("placed_by", types.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("release_reason", types.Text(), nullable=True),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("released_at", types.Timestamp(), nullable=True),
        sa.Column("released_by", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_credit_scoring_credit_hold_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_scoring_credit_hold")),
    )
    with op.batch_alter_table("credit_scoring_credit_hold", schema=None) as batch_op:
        batch_op.create_index("ix_credit_scoring_credit_hold_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_credit_hold_customer_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_credit_hold_placed_at", ["placed_at", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_credit_hold_updated_at", ["updated_at", "id"], unique=False)

    op.create_table(
        "credit_scoring_payment",
        sa.Column("receivable_id", types.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("bank_reference", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", types.Text(), nullable=False),
        sa.Column("amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["receivable_id"],
            ["credit_scoring_receivable.id"],
            name=op.f("fk_credit_scoring_payment_receivable_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_scoring_payment")),
    )
    with op.batch_alter_table("credit_scoring_payment", schema=None) as batch_op:
        batch_op.create_index("ix_credit_scoring_payment_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_paid_on", ["paid_on", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_receivable_id", ["receivable_id", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_updated_at", ["updated_at", "id"], unique=False)

    op.create_table(
        "credit_scoring_payment_promise",
        sa.Column("receivable_id", types.Text(), nullable=False),
        sa.Column("promised_on", sa.Date(), nullable=False),
        sa.Column("promised_for", sa.Date(), nullable=False),
        sa.Column("contact_id", types.Text(), nullable=True),
        sa.Column("note", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", types.Text(), nullable=False),
        sa.Column("amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_credit_scoring_payment_promise_contact_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["receivable_id"],
            ["credit_scoring_receivable.id"],
            name=op.f("fk_credit_scoring_payment_promise_receivable_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_scoring_payment_promise")),
    )
    with op.batch_alter_table("credit_scoring_payment_promise", schema=None) as batch_op:
        batch_op.create_index("ix_credit_scoring_payment_promise_contact_id", ["contact_id", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_promise_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_promise_promised_for", ["promised_for", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_promise_receivable_id", ["receivable_id", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_promise_updated_at", ["updated_at", "id"], unique=False)

    op.create_table(
        "credit_scoring_payment_reminder",
        sa.Column("receivable_id", types.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("channel", types.Text(), nullable=True),
        sa.Column("contact_id", types.Text(), nullable=True),
        sa.Column("note", types.Text(), nullable=True),
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
            name=op.f("fk_credit_scoring_payment_reminder_contact_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["receivable_id"],
            ["credit_scoring_receivable.id"],
            name=op.f("fk_credit_scoring_payment_reminder_receivable_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_scoring_payment_reminder")),
    )
    with op.batch_alter_table("credit_scoring_payment_reminder", schema=None) as batch_op:
        batch_op.create_index("ix_credit_scoring_payment_reminder_contact_id", ["contact_id", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_reminder_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_reminder_receivable_id", ["receivable_id", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_reminder_sent_on", ["sent_on", "id"], unique=False)
        batch_op.create_index("ix_credit_scoring_payment_reminder_updated_at", ["updated_at", "id"], unique=False)

    op.add_column("credit_scoring_credit_policy", sa.Column("incomplete", types.Text(), nullable=True))
    op.add_column("credit_scoring_credit_policy", sa.Column("minimum_known", sa.BigInteger(), nullable=True))
    op.add_column("credit_scoring_customer_credit", sa.Column("term_used", sa.BigInteger(), nullable=True))
    op.add_column("credit_scoring_customer_credit", sa.Column("term_deduction", sa.BigInteger(), nullable=True))
    op.add_column("credit_scoring_opportunity_credit", sa.Column("committed", sa.Boolean(), nullable=True))
    op.add_column("credit_scoring_receivable", sa.Column("settled_by_payments", sa.Boolean(), nullable=True))
    _keep_partial_payments()
    for part in _PARTS:
        op.drop_column("credit_scoring_receivable", f"paid_amount_{part}")


def _keep_partial_payments() -> None:
    """Turns the amount paid of each open receivable, of which no day is known, into a payment on its last change."""
    table = sa.table(
        "credit_scoring_receivable",
        *(sa.column(name, sa.Text()) for name in ("id", "updated_by", "paid_amount_currency")),
        *(sa.column(name, sa.BigInteger()) for name in ("amount_minor", "paid_amount_minor", "paid_amount_reporting")),
        *(sa.column(name, sa.Date()) for name in ("invoiced_on", "settled_on")),
        sa.column("updated_at", types.Timestamp()),
        sa.column("settled_by_payments", sa.Boolean()),
    )
    invoices = table.c
    changed_on = day_of(invoices.updated_at)
    day = sa.case((changed_on < invoices.invoiced_on, invoices.invoiced_on), else_=changed_on)
    partly = sa.and_(invoices.settled_on.is_(None), invoices.paid_amount_minor > 0)
    names = ("receivable_id", "paid_on", "amount_minor", "amount_currency", "amount_reporting", "version")
    payments = sa.table("credit_scoring_payment", *map(sa.column, ("id", *names, *_STAMPS)))
    made = sa.select(
        numbered(new_stem("pmt"), sa.func.row_number().over(order_by=invoices.id) - 1),
        invoices.id,
        day,
        invoices.paid_amount_minor,
        invoices.paid_amount_currency,
        invoices.paid_amount_reporting,
        1,
        invoices.updated_at,
        invoices.updated_by,
        invoices.updated_at,
        invoices.updated_by,
    ).where(partly)
    op.execute(sa.insert(payments).from_select(["id", *names, *_STAMPS], made))
    op.execute(
        sa.update(table)
        .where(partly, invoices.paid_amount_minor >= invoices.amount_minor)
        .values(settled_on=day, settled_by_payments=True)
    )


def downgrade() -> None:
    """Takes them back."""
    op.add_column("credit_scoring_receivable", sa.Column("paid_amount_minor", sa.BigInteger(), nullable=True))
    op.add_column("credit_scoring_receivable", sa.Column("paid_amount_currency", types.Text(), nullable=True))
    op.add_column("credit_scoring_receivable", sa.Column("paid_amount_reporting", sa.BigInteger(), nullable=True))
    for table, *names in (
        ("receivable", "settled_by_payments"),
        ("opportunity_credit", "committed"),
        ("customer_credit", "term_deduction", "term_used"),
        ("credit_policy", "minimum_known", "incomplete"),
    ):
        for name in names:
            op.drop_column(f"credit_scoring_{table}", name)
    for table in ("payment_reminder", "payment_promise", "payment", "credit_hold"):
        op.drop_table(f"credit_scoring_{table}")
