"""Keep assessments, purchases and targets per year, resources, and what is compared daily.

Revision of value_tiering: 0003
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from guanxi import types
from guanxi.sql import new_stem, numbered

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "value_tiering_purchase_total",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("source", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_currency", types.Text(), nullable=False),
        sa.Column("total_reporting", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_value_tiering_purchase_total_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_tiering_purchase_total")),
    )
    with op.batch_alter_table("value_tiering_purchase_total", schema=None) as batch_op:
        batch_op.create_index("ix_value_tiering_purchase_total_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_purchase_total_customer_id", ["customer_id", "id"], unique=False)
        batch_op.create_index(
            "ix_value_tiering_purchase_total_total_reporting", ["total_reporting", "id"], unique=False
        )
        batch_op.create_index("ix_value_tiering_purchase_total_updated_at", ["updated_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_purchase_total_year", ["year", "id"], unique=False)
        batch_op.create_index(
            "uq_value_tiering_purchase_total_live",
            ["customer_id", "year"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "value_tiering_customer_target",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("kind", types.Text(), nullable=True),
        sa.Column("target_share", sa.BigInteger(), nullable=True),
        sa.Column("note", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("target_revenue_minor", sa.BigInteger(), nullable=True),
        sa.Column("target_revenue_currency", types.Text(), nullable=True),
        sa.Column("target_revenue_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_value_tiering_customer_target_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_tiering_customer_target")),
    )
    with op.batch_alter_table("value_tiering_customer_target", schema=None) as batch_op:
        batch_op.create_index("ix_value_tiering_customer_target_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_customer_target_customer_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_customer_target_kind", ["kind", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_customer_target_updated_at", ["updated_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_customer_target_year", ["year", "id"], unique=False)
        batch_op.create_index(
            "uq_value_tiering_customer_target_live",
            ["customer_id", "year"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "value_tiering_resource_budget",
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("major_share", sa.BigInteger(), nullable=False),
        sa.Column("named_share", sa.BigInteger(), nullable=False),
        sa.Column("non_named_share", sa.BigInteger(), nullable=False),
        sa.Column("mass_market_share", sa.BigInteger(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_tiering_resource_budget")),
    )
    with op.batch_alter_table("value_tiering_resource_budget", schema=None) as batch_op:
        batch_op.create_index("ix_value_tiering_resource_budget_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_resource_budget_kind", ["kind", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_resource_budget_updated_at", ["updated_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_resource_budget_year", ["year", "id"], unique=False)
        batch_op.create_index(
            "uq_value_tiering_resource_budget_live",
            ["year", "kind"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "value_tiering_resource_use",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("note", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_currency", types.Text(), nullable=True),
        sa.Column("cost_reporting", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_value_tiering_resource_use_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_tiering_resource_use")),
    )
    with op.batch_alter_table("value_tiering_resource_use", schema=None) as batch_op:
        batch_op.create_index("ix_value_tiering_resource_use_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_resource_use_customer_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_resource_use_kind", ["kind", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_resource_use_updated_at", ["updated_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_resource_use_used_on", ["used_on", "id"], unique=False)

    op.create_table(
        "value_tiering_value_assessment",
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("assessor_id", types.Text(), nullable=True),
        sa.Column("current_value_score", sa.BigInteger(), nullable=True),
        sa.Column("future_value_score", sa.BigInteger(), nullable=True),
        sa.Column("creditworthiness_score", sa.BigInteger(), nullable=True),
        sa.Column("relationship_score", sa.BigInteger(), nullable=True),
        sa.Column("publicity_score", sa.BigInteger(), nullable=True),
        sa.Column("brand_score", sa.BigInteger(), nullable=True),
        sa.Column("network_score", sa.BigInteger(), nullable=True),
        sa.Column("information_score", sa.BigInteger(), nullable=True),
        sa.Column("note", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assessor_id"],
            ["user.id"],
            name=op.f("fk_value_tiering_value_assessment_assessor_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_value_tiering_value_assessment_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_tiering_value_assessment")),
    )
    with op.batch_alter_table("value_tiering_value_assessment", schema=None) as batch_op:
        batch_op.create_index("ix_value_tiering_value_assessment_assessed_on", ["assessed_on", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_value_assessment_assessor_id", ["assessor_id", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_value_assessment_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_value_assessment_customer_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_value_tiering_value_assessment_updated_at", ["updated_at", "id"], unique=False)

    with op.batch_alter_table("value_tiering_buyer_profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("relationship_class", types.Text(), nullable=True))
        batch_op.add_column(sa.Column("lost_reason", types.Text(), nullable=True))
        batch_op.add_column(sa.Column("lost_on", sa.Date(), nullable=True))
        batch_op.create_index(
            "ix_value_tiering_buyer_profile_relationship_class", ["relationship_class", "record_id"], unique=False
        )

    with op.batch_alter_table("value_tiering_customer_value", schema=None) as batch_op:
        batch_op.add_column(sa.Column("assessed_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("revenue_rank", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("over_reliance", sa.Boolean(), nullable=True))
        batch_op.create_index("ix_value_tiering_customer_value_assessed_on", ["assessed_on", "record_id"], unique=False)
        batch_op.create_index(
            "ix_value_tiering_customer_value_override_until", ["override_until", "record_id"], unique=False
        )
        batch_op.create_index(
            "ix_value_tiering_customer_value_revenue_rank", ["revenue_rank", "record_id"], unique=False
        )

    _keep_what_was_judged()


#: Columns of customers' values that were entered there, and what they are called in an assessment.
_JUDGED = {
    "current_score": "current_value_score",
    "future_score": "future_value_score",
    "creditworthiness": "creditworthiness_score",
    "relationship": "relationship_score",
    "publicity": "publicity_score",
    "brand": "brand_score",
    "network": "network_score",
    "information": "information_score",
}


def _keep_what_was_judged() -> None:
    """Makes what was judged of each customer so far an assessment of today: when it was judged was not kept."""
    judged = [sa.column(name, sa.BigInteger()) for name in _JUDGED]
    keys = sa.column("record_id", types.Text()), sa.column("assessed_on", sa.Date())
    values = sa.table("value_tiering_customer_value", *keys, *judged)
    now = datetime.now(UTC)
    row: dict[str, sa.ColumnElement[Any]] = {
        "id": numbered(new_stem("vas"), sa.func.row_number().over(order_by=values.c.record_id) - 1),
        "version": sa.literal(1),
        "created_at": sa.literal(now, types.Timestamp()),
        "created_by": sa.literal("plugin:value_tiering", types.Text()),
        "updated_at": sa.literal(now, types.Timestamp()),
        "updated_by": sa.literal("plugin:value_tiering", types.Text()),
        "customer_id": values.c.record_id,
        "assessed_on": sa.literal(now.date(), sa.Date()),
        **{kept: values.c[name] for name, kept in _JUDGED.items()},
    }
    assessments = sa.table("value_tiering_value_assessment", *(sa.column(name) for name in row))
    is_judged = sa.or_(*(values.c[name].is_not(None) for name in _JUDGED))
    op.execute(assessments.insert().from_select(list(row), sa.select(*row.values()).where(is_judged)))
    op.execute(values.update().where(is_judged).values(assessed_on=sa.literal(now.date(), sa.Date())))


def downgrade() -> None:
    """Takes them back."""
    with op.batch_alter_table("value_tiering_customer_value", schema=None) as batch_op:
        batch_op.drop_index("ix_value_tiering_customer_value_revenue_rank")
        batch_op.drop_index("ix_value_tiering_customer_value_override_until")
        batch_op.drop_index("ix_value_tiering_customer_value_assessed_on")
        batch_op.drop_column("over_reliance")
        batch_op.drop_column("revenue_rank")
        batch_op.drop_column("assessed_on")

    with op.batch_alter_table("value_tiering_buyer_profile", schema=None) as batch_op:
        batch_op.drop_index("ix_value_tiering_buyer_profile_relationship_class")
        batch_op.drop_column("lost_on")
        batch_op.drop_column("lost_reason")
        batch_op.drop_column("relationship_class")

    op.drop_table("value_tiering_value_assessment")
    op.drop_table("value_tiering_resource_use")
    op.drop_table("value_tiering_resource_budget")
    op.drop_table("value_tiering_customer_target")
    op.drop_table("value_tiering_purchase_total")
