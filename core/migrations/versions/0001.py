"""The core as first released

Revision of core: 0001. One revision makes all tables at once, so it is one long file.
"""

import sqlalchemy as sa
from alembic import op

from core.db import types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    op.create_table(
        "event_batch",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", types.Timestamp(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.Column("request_id", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_batch")),
    )
    op.create_index("ix_event_batch_sequence", "event_batch", ["sequence", "id"], unique=False)
    op.create_table(
        "exchange_rate",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("currency", types.Text(), nullable=False),
        sa.Column("rate", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_rate")),
    )
    op.create_index("ix_exchange_rate_created_at", "exchange_rate", ["created_at", "id"], unique=False)
    op.create_index("ix_exchange_rate_currency", "exchange_rate", ["currency", "id"], unique=False)
    op.create_index("ix_exchange_rate_updated_at", "exchange_rate", ["updated_at", "id"], unique=False)
    op.create_index("ix_exchange_rate_valid_from", "exchange_rate", ["valid_from", "id"], unique=False)
    op.create_table(
        "external_id",
        sa.Column("record_id", types.Text(), nullable=False),
        sa.Column("system", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.Column("entity_type", types.Text(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "system", "value", name=op.f("pk_external_id")),
    )
    op.create_index(
        "uq_external_id_live",
        "external_id",
        ["entity_type", "system", "value"],
        unique=True,
        sqlite_where=sa.text("is_live"),
        postgresql_where=sa.text("is_live"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("operation", types.Text(), nullable=False),
        sa.Column("fingerprint", types.Text(), nullable=False),
        sa.Column("result", types.Json(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at", "key"], unique=False)
    op.create_table(
        "installation",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "plugin_cursor",
        sa.Column("plugin", types.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("try_at", types.Timestamp(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("holder", types.Text(), nullable=True),
        sa.Column("held_until", types.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("plugin", name=op.f("pk_plugin_cursor")),
    )
    op.create_table(
        "product",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("code", types.Text(), nullable=True),
        sa.Column("series", types.Text(), nullable=True),
        sa.Column("unit", types.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("code_folded", types.Text(), nullable=True),
        sa.Column("series_folded", types.Text(), nullable=True),
        sa.Column("list_price_minor", sa.BigInteger(), nullable=True),
        sa.Column("list_price_currency", types.Text(), nullable=True),
        sa.Column("list_price_reporting", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_index("ix_product_code_folded", "product", ["code_folded", "id"], unique=False)
    op.create_index("ix_product_created_at", "product", ["created_at", "id"], unique=False)
    op.create_index("ix_product_name_folded", "product", ["name_folded", "id"], unique=False)
    op.create_index("ix_product_series_folded", "product", ["series_folded", "id"], unique=False)
    op.create_index("ix_product_updated_at", "product", ["updated_at", "id"], unique=False)
    op.create_table(
        "set_aside",
        sa.Column("plugin", types.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("error", types.Text(), nullable=False),
        sa.Column("set_aside_at", types.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("plugin", "sequence", name=op.f("pk_set_aside")),
    )
    op.create_table(
        "stage",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("win_probability", sa.BigInteger(), nullable=False),
        sa.Column("preset_pass_rate", sa.BigInteger(), nullable=True),
        sa.Column("preset_win_rate", sa.BigInteger(), nullable=True),
        sa.Column("planned_duration_days", sa.BigInteger(), nullable=True),
        sa.Column("wins", sa.Boolean(), nullable=False),
        sa.Column("may_win", sa.Boolean(), nullable=False),
        sa.Column("goal", types.Text(), nullable=True),
        sa.Column("main_content", types.Text(), nullable=True),
        sa.Column("diagnostic_key", types.Text(), nullable=True),
        sa.Column("diagnostic_indicators", types.Json(), nullable=False),
        sa.Column("verification_mark", types.Text(), nullable=True),
        sa.Column("participant_roles", types.Json(), nullable=False),
        sa.Column("key_result", types.Text(), nullable=True),
        sa.Column("key_actions", types.Json(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
    )
    op.create_index("ix_stage_created_at", "stage", ["created_at", "id"], unique=False)
    op.create_index("ix_stage_position", "stage", ["position", "id"], unique=False)
    op.create_index("ix_stage_updated_at", "stage", ["updated_at", "id"], unique=False)
    op.create_table(
        "tag",
        sa.Column("record_id", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("entity_type", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "name", name=op.f("pk_tag")),
    )
    op.create_table(
        "team",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("region", types.Text(), nullable=True),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("parent_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("region_folded", types.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["team.id"], name=op.f("fk_team_parent_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_index("ix_team_created_at", "team", ["created_at", "id"], unique=False)
    op.create_index("ix_team_name_folded", "team", ["name_folded", "id"], unique=False)
    op.create_index("ix_team_parent_id", "team", ["parent_id", "id"], unique=False)
    op.create_index("ix_team_region_folded", "team", ["region_folded", "id"], unique=False)
    op.create_index("ix_team_updated_at", "team", ["updated_at", "id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("batch_id", types.Text(), nullable=False),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("entity_type", types.Text(), nullable=False),
        sa.Column("entity_id", types.Text(), nullable=False),
        sa.Column("action", types.Text(), nullable=False),
        sa.Column("occurred_at", types.Timestamp(), nullable=False),
        sa.Column("changes", types.Json(), nullable=False),
        sa.Column("data", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["event_batch.id"], name=op.f("fk_event_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_batch_id", "event", ["batch_id", "id"], unique=False)
    op.create_index("ix_event_entity_id", "event", ["entity_id", "id"], unique=False)
    op.create_index("ix_event_type", "event", ["type", "id"], unique=False)
    op.create_table(
        "user",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("email", types.Text(), nullable=True),
        sa.Column("role", types.Text(), nullable=True),
        sa.Column("region", types.Text(), nullable=True),
        sa.Column("branch", types.Text(), nullable=True),
        sa.Column("is_urban_branch", sa.Boolean(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("team_id", types.Text(), nullable=True),
        sa.Column("manager_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("email_folded", types.Text(), nullable=True),
        sa.Column("region_folded", types.Text(), nullable=True),
        sa.Column("branch_folded", types.Text(), nullable=True),
        sa.ForeignKeyConstraint(["manager_id"], ["user.id"], name=op.f("fk_user_manager_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_user_team_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
    )
    op.create_index("ix_user_branch_folded", "user", ["branch_folded", "id"], unique=False)
    op.create_index("ix_user_created_at", "user", ["created_at", "id"], unique=False)
    op.create_index("ix_user_email_folded", "user", ["email_folded", "id"], unique=False)
    op.create_index("ix_user_manager_id", "user", ["manager_id", "id"], unique=False)
    op.create_index("ix_user_name_folded", "user", ["name_folded", "id"], unique=False)
    op.create_index("ix_user_region_folded", "user", ["region_folded", "id"], unique=False)
    op.create_index("ix_user_role", "user", ["role", "id"], unique=False)
    op.create_index("ix_user_team_id", "user", ["team_id", "id"], unique=False)
    op.create_index("ix_user_updated_at", "user", ["updated_at", "id"], unique=False)
    op.create_table(
        "customer",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("legal_name", types.Text(), nullable=True),
        sa.Column("number", types.Text(), nullable=True),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("industry", types.Text(), nullable=True),
        sa.Column("region", types.Text(), nullable=True),
        sa.Column("country", types.Text(), nullable=True),
        sa.Column("city", types.Text(), nullable=True),
        sa.Column("postal_code", types.Text(), nullable=True),
        sa.Column("street", types.Text(), nullable=True),
        sa.Column("email", types.Text(), nullable=True),
        sa.Column("phone", types.Text(), nullable=True),
        sa.Column("website", types.Text(), nullable=True),
        sa.Column("tax_id", types.Text(), nullable=True),
        sa.Column("founded_year", sa.BigInteger(), nullable=True),
        sa.Column("employee_count", sa.BigInteger(), nullable=True),
        sa.Column("managed_level", types.Text(), nullable=True),
        sa.Column("account_relation", types.Text(), nullable=False),
        sa.Column("lifecycle_override", types.Text(), nullable=True),
        sa.Column("customer_since", sa.Date(), nullable=True),
        sa.Column("needs", types.Json(), nullable=False),
        sa.Column("preferences", types.Json(), nullable=False),
        sa.Column("interests", types.Json(), nullable=False),
        sa.Column("competitors", types.Json(), nullable=False),
        sa.Column("payment_terms_days", sa.BigInteger(), nullable=True),
        sa.Column("do_not_contact", sa.Boolean(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("owner_id", types.Text(), nullable=True),
        sa.Column("team_id", types.Text(), nullable=True),
        sa.Column("parent_id", types.Text(), nullable=True),
        sa.Column("referred_by_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("legal_name_folded", types.Text(), nullable=True),
        sa.Column("number_folded", types.Text(), nullable=True),
        sa.Column("industry_folded", types.Text(), nullable=True),
        sa.Column("region_folded", types.Text(), nullable=True),
        sa.Column("country_folded", types.Text(), nullable=True),
        sa.Column("city_folded", types.Text(), nullable=True),
        sa.Column("email_folded", types.Text(), nullable=True),
        sa.Column("website_folded", types.Text(), nullable=True),
        sa.Column("total_assets_minor", sa.BigInteger(), nullable=True),
        sa.Column("total_assets_currency", types.Text(), nullable=True),
        sa.Column("total_assets_reporting", sa.BigInteger(), nullable=True),
        sa.Column("annual_revenue_minor", sa.BigInteger(), nullable=True),
        sa.Column("annual_revenue_currency", types.Text(), nullable=True),
        sa.Column("annual_revenue_reporting", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_customer_owner_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["customer.id"], name=op.f("fk_customer_parent_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["referred_by_id"], ["customer.id"], name=op.f("fk_customer_referred_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_customer_team_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index(
        "ix_customer_annual_revenue_reporting", "customer", ["annual_revenue_reporting", "id"], unique=False
    )
    op.create_index("ix_customer_country_folded", "customer", ["country_folded", "id"], unique=False)
    op.create_index("ix_customer_created_at", "customer", ["created_at", "id"], unique=False)
    op.create_index("ix_customer_email_folded", "customer", ["email_folded", "id"], unique=False)
    op.create_index("ix_customer_employee_count", "customer", ["employee_count", "id"], unique=False)
    op.create_index("ix_customer_industry_folded", "customer", ["industry_folded", "id"], unique=False)
    op.create_index("ix_customer_managed_level", "customer", ["managed_level", "id"], unique=False)
    op.create_index("ix_customer_name_folded", "customer", ["name_folded", "id"], unique=False)
    op.create_index("ix_customer_number_folded", "customer", ["number_folded", "id"], unique=False)
    op.create_index("ix_customer_owner_id", "customer", ["owner_id", "id"], unique=False)
    op.create_index("ix_customer_parent_id", "customer", ["parent_id", "id"], unique=False)
    op.create_index("ix_customer_referred_by_id", "customer", ["referred_by_id", "id"], unique=False)
    op.create_index("ix_customer_region_folded", "customer", ["region_folded", "id"], unique=False)
    op.create_index("ix_customer_status", "customer", ["status", "id"], unique=False)
    op.create_index("ix_customer_team_id", "customer", ["team_id", "id"], unique=False)
    op.create_index("ix_customer_updated_at", "customer", ["updated_at", "id"], unique=False)
    op.create_table(
        "contact",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("job_title", types.Text(), nullable=True),
        sa.Column("department", types.Text(), nullable=True),
        sa.Column("rank", types.Text(), nullable=True),
        sa.Column("buying_role", types.Text(), nullable=True),
        sa.Column("attitude", types.Text(), nullable=True),
        sa.Column("in_purchasing_group", sa.Boolean(), nullable=False),
        sa.Column("reports_to_id", types.Text(), nullable=True),
        sa.Column("preferred_channel", types.Text(), nullable=True),
        sa.Column("email", types.Text(), nullable=True),
        sa.Column("phone", types.Text(), nullable=True),
        sa.Column("mobile_phone", types.Text(), nullable=True),
        sa.Column("social_profile", types.Text(), nullable=True),
        sa.Column("chat_handle", types.Text(), nullable=True),
        sa.Column("language", types.Text(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("preferences", types.Json(), nullable=False),
        sa.Column("interests", types.Json(), nullable=False),
        sa.Column("do_not_contact", sa.Boolean(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("owner_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("job_title_folded", types.Text(), nullable=True),
        sa.Column("department_folded", types.Text(), nullable=True),
        sa.Column("email_folded", types.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_contact_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_contact_owner_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["reports_to_id"], ["contact.id"], name=op.f("fk_contact_reports_to_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index("ix_contact_attitude", "contact", ["attitude", "id"], unique=False)
    op.create_index("ix_contact_buying_role", "contact", ["buying_role", "id"], unique=False)
    op.create_index("ix_contact_created_at", "contact", ["created_at", "id"], unique=False)
    op.create_index("ix_contact_customer_id", "contact", ["customer_id", "id"], unique=False)
    op.create_index("ix_contact_email_folded", "contact", ["email_folded", "id"], unique=False)
    op.create_index("ix_contact_name_folded", "contact", ["name_folded", "id"], unique=False)
    op.create_index("ix_contact_owner_id", "contact", ["owner_id", "id"], unique=False)
    op.create_index("ix_contact_preferred_channel", "contact", ["preferred_channel", "id"], unique=False)
    op.create_index("ix_contact_rank", "contact", ["rank", "id"], unique=False)
    op.create_index("ix_contact_reports_to_id", "contact", ["reports_to_id", "id"], unique=False)
    op.create_index("ix_contact_updated_at", "contact", ["updated_at", "id"], unique=False)
    op.create_table(
        "customer_activity",
        sa.Column("first_order_on", sa.Date(), nullable=True),
        sa.Column("last_order_on", sa.Date(), nullable=True),
        sa.Column("order_count", sa.BigInteger(), nullable=False),
        sa.Column("last_interaction_at", types.Timestamp(), nullable=True),
        sa.Column("record_id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["customer.id"], name=op.f("fk_customer_activity_record_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_customer_activity")),
    )
    op.create_index(
        "ix_customer_activity_first_order_on", "customer_activity", ["first_order_on", "record_id"], unique=False
    )
    op.create_index(
        "ix_customer_activity_last_interaction_at",
        "customer_activity",
        ["last_interaction_at", "record_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_activity_last_order_on", "customer_activity", ["last_order_on", "record_id"], unique=False
    )
    op.create_index("ix_customer_activity_order_count", "customer_activity", ["order_count", "record_id"], unique=False)
    op.create_table(
        "customer_member",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("user_id", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=True),
        sa.Column("region", types.Text(), nullable=True),
        sa.Column("category", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("role_folded", types.Text(), nullable=True),
        sa.Column("region_folded", types.Text(), nullable=True),
        sa.Column("category_folded", types.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_member_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_customer_member_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_member")),
    )
    op.create_index("ix_customer_member_created_at", "customer_member", ["created_at", "id"], unique=False)
    op.create_index("ix_customer_member_customer_id", "customer_member", ["customer_id", "id"], unique=False)
    op.create_index("ix_customer_member_updated_at", "customer_member", ["updated_at", "id"], unique=False)
    op.create_index("ix_customer_member_user_id", "customer_member", ["user_id", "id"], unique=False)
    op.create_table(
        "opportunity",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("stage_id", types.Text(), nullable=False),
        sa.Column("stage_entered_at", types.Timestamp(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("owner_id", types.Text(), nullable=True),
        sa.Column("product_id", types.Text(), nullable=True),
        sa.Column("region", types.Text(), nullable=True),
        sa.Column("line_count", sa.BigInteger(), nullable=True),
        sa.Column("win_probability_override", sa.BigInteger(), nullable=True),
        sa.Column("is_new_customer", sa.Boolean(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("expected_close_date", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("won_at", types.Timestamp(), nullable=True),
        sa.Column("lost_at", types.Timestamp(), nullable=True),
        sa.Column("loss_reason", types.Text(), nullable=True),
        sa.Column("loss_summary", types.Text(), nullable=True),
        sa.Column("source", types.Text(), nullable=True),
        sa.Column("trigger", types.Text(), nullable=True),
        sa.Column("directness", types.Text(), nullable=True),
        sa.Column("horizon", types.Text(), nullable=True),
        sa.Column("category", types.Text(), nullable=True),
        sa.Column("priority", types.Text(), nullable=True),
        sa.Column("need_kind", types.Text(), nullable=True),
        sa.Column("needs", types.Json(), nullable=False),
        sa.Column("has_budget", sa.Boolean(), nullable=True),
        sa.Column("accepts_price", sa.Boolean(), nullable=True),
        sa.Column("recognises_value", sa.Boolean(), nullable=True),
        sa.Column("competitors", types.Json(), nullable=False),
        sa.Column("attachments", types.Json(), nullable=False),
        sa.Column("next_action", types.Text(), nullable=True),
        sa.Column("next_action_at", types.Timestamp(), nullable=True),
        sa.Column("referred_by_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("name_folded", types.Text(), nullable=False),
        sa.Column("region_folded", types.Text(), nullable=True),
        sa.Column("expected_amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("expected_amount_currency", types.Text(), nullable=True),
        sa.Column("expected_amount_reporting", sa.BigInteger(), nullable=True),
        sa.Column("budget_amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("budget_amount_currency", types.Text(), nullable=True),
        sa.Column("budget_amount_reporting", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_opportunity_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_opportunity_owner_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_opportunity_product_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["referred_by_id"], ["customer.id"], name=op.f("fk_opportunity_referred_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_opportunity_stage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity")),
    )
    op.create_index("ix_opportunity_category", "opportunity", ["category", "id"], unique=False)
    op.create_index("ix_opportunity_closed_on", "opportunity", ["closed_on", "id"], unique=False)
    op.create_index("ix_opportunity_created_at", "opportunity", ["created_at", "id"], unique=False)
    op.create_index("ix_opportunity_customer_id", "opportunity", ["customer_id", "id"], unique=False)
    op.create_index("ix_opportunity_directness", "opportunity", ["directness", "id"], unique=False)
    op.create_index(
        "ix_opportunity_expected_amount_reporting", "opportunity", ["expected_amount_reporting", "id"], unique=False
    )
    op.create_index("ix_opportunity_expected_close_date", "opportunity", ["expected_close_date", "id"], unique=False)
    op.create_index("ix_opportunity_horizon", "opportunity", ["horizon", "id"], unique=False)
    op.create_index("ix_opportunity_is_new_customer", "opportunity", ["is_new_customer", "id"], unique=False)
    op.create_index("ix_opportunity_loss_reason", "opportunity", ["loss_reason", "id"], unique=False)
    op.create_index("ix_opportunity_name_folded", "opportunity", ["name_folded", "id"], unique=False)
    op.create_index("ix_opportunity_next_action_at", "opportunity", ["next_action_at", "id"], unique=False)
    op.create_index("ix_opportunity_opened_on", "opportunity", ["opened_on", "id"], unique=False)
    op.create_index("ix_opportunity_owner_id", "opportunity", ["owner_id", "id"], unique=False)
    op.create_index("ix_opportunity_priority", "opportunity", ["priority", "id"], unique=False)
    op.create_index("ix_opportunity_product_id", "opportunity", ["product_id", "id"], unique=False)
    op.create_index("ix_opportunity_referred_by_id", "opportunity", ["referred_by_id", "id"], unique=False)
    op.create_index("ix_opportunity_region_folded", "opportunity", ["region_folded", "id"], unique=False)
    op.create_index("ix_opportunity_source", "opportunity", ["source", "id"], unique=False)
    op.create_index("ix_opportunity_stage_id", "opportunity", ["stage_id", "id"], unique=False)
    op.create_index("ix_opportunity_status", "opportunity", ["status", "id"], unique=False)
    op.create_index("ix_opportunity_updated_at", "opportunity", ["updated_at", "id"], unique=False)
    op.create_index("ix_opportunity_won_at", "opportunity", ["won_at", "id"], unique=False)
    op.create_table(
        "interaction",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("contact_id", types.Text(), nullable=True),
        sa.Column("opportunity_id", types.Text(), nullable=True),
        sa.Column("user_id", types.Text(), nullable=True),
        sa.Column("channel", types.Text(), nullable=False),
        sa.Column("direction", types.Text(), nullable=False),
        sa.Column("occurred_at", types.Timestamp(), nullable=False),
        sa.Column("duration_minutes", sa.BigInteger(), nullable=True),
        sa.Column("summary", types.Text(), nullable=False),
        sa.Column("next_step", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_interaction_contact_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_interaction_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_interaction_opportunity_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_interaction_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction")),
    )
    op.create_index("ix_interaction_channel", "interaction", ["channel", "id"], unique=False)
    op.create_index("ix_interaction_contact_id", "interaction", ["contact_id", "id"], unique=False)
    op.create_index("ix_interaction_created_at", "interaction", ["created_at", "id"], unique=False)
    op.create_index("ix_interaction_customer_id", "interaction", ["customer_id", "id"], unique=False)
    op.create_index("ix_interaction_occurred_at", "interaction", ["occurred_at", "id"], unique=False)
    op.create_index("ix_interaction_opportunity_id", "interaction", ["opportunity_id", "id"], unique=False)
    op.create_index("ix_interaction_updated_at", "interaction", ["updated_at", "id"], unique=False)
    op.create_index("ix_interaction_user_id", "interaction", ["user_id", "id"], unique=False)
    op.create_table(
        "opportunity_contact",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("opportunity_id", types.Text(), nullable=False),
        sa.Column("contact_id", types.Text(), nullable=False),
        sa.Column("buying_role", types.Text(), nullable=True),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_opportunity_contact_contact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_opportunity_contact_opportunity_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_contact")),
    )
    op.create_index("ix_opportunity_contact_buying_role", "opportunity_contact", ["buying_role", "id"], unique=False)
    op.create_index("ix_opportunity_contact_contact_id", "opportunity_contact", ["contact_id", "id"], unique=False)
    op.create_index("ix_opportunity_contact_created_at", "opportunity_contact", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_opportunity_contact_opportunity_id", "opportunity_contact", ["opportunity_id", "id"], unique=False
    )
    op.create_index("ix_opportunity_contact_updated_at", "opportunity_contact", ["updated_at", "id"], unique=False)
    op.create_table(
        "opportunity_member",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("opportunity_id", types.Text(), nullable=False),
        sa.Column("user_id", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("role_folded", types.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_opportunity_member_opportunity_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_opportunity_member_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_member")),
    )
    op.create_index("ix_opportunity_member_created_at", "opportunity_member", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_opportunity_member_opportunity_id", "opportunity_member", ["opportunity_id", "id"], unique=False
    )
    op.create_index("ix_opportunity_member_updated_at", "opportunity_member", ["updated_at", "id"], unique=False)
    op.create_index("ix_opportunity_member_user_id", "opportunity_member", ["user_id", "id"], unique=False)
    op.create_table(
        "stage_transition",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("opportunity_id", types.Text(), nullable=False),
        sa.Column("from_stage_id", types.Text(), nullable=True),
        sa.Column("to_stage_id", types.Text(), nullable=False),
        sa.Column("from_status", types.Text(), nullable=True),
        sa.Column("to_status", types.Text(), nullable=False),
        sa.Column("moved_at", types.Timestamp(), nullable=False),
        sa.Column("moved_by", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(["from_stage_id"], ["stage.id"], name=op.f("fk_stage_transition_from_stage_id")),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_stage_transition_opportunity_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["to_stage_id"], ["stage.id"], name=op.f("fk_stage_transition_to_stage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_transition")),
    )
    op.create_index("ix_stage_transition_created_at", "stage_transition", ["created_at", "id"], unique=False)
    op.create_index("ix_stage_transition_from_stage_id", "stage_transition", ["from_stage_id", "id"], unique=False)
    op.create_index("ix_stage_transition_moved_at", "stage_transition", ["moved_at", "id"], unique=False)
    op.create_index("ix_stage_transition_opportunity_id", "stage_transition", ["opportunity_id", "id"], unique=False)
    op.create_index("ix_stage_transition_to_stage_id", "stage_transition", ["to_stage_id", "id"], unique=False)
    op.create_index("ix_stage_transition_updated_at", "stage_transition", ["updated_at", "id"], unique=False)
    op.create_table(
        "transaction",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("customer_id", types.Text(), nullable=False),
        sa.Column("opportunity_id", types.Text(), nullable=True),
        sa.Column("product_id", types.Text(), nullable=True),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("gross_amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("gross_amount_currency", types.Text(), nullable=True),
        sa.Column("gross_amount_reporting", sa.BigInteger(), nullable=True),
        sa.Column("actual_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("actual_amount_currency", types.Text(), nullable=False),
        sa.Column("actual_amount_reporting", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_currency", types.Text(), nullable=True),
        sa.Column("cost_reporting", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_transaction_customer_id")),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_transaction_opportunity_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_transaction_product_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction")),
    )
    op.create_index(
        "ix_transaction_actual_amount_reporting", "transaction", ["actual_amount_reporting", "id"], unique=False
    )
    op.create_index("ix_transaction_created_at", "transaction", ["created_at", "id"], unique=False)
    op.create_index("ix_transaction_customer_id", "transaction", ["customer_id", "id"], unique=False)
    op.create_index("ix_transaction_occurred_on", "transaction", ["occurred_on", "id"], unique=False)
    op.create_index("ix_transaction_opportunity_id", "transaction", ["opportunity_id", "id"], unique=False)
    op.create_index("ix_transaction_product_id", "transaction", ["product_id", "id"], unique=False)
    op.create_index("ix_transaction_quantity", "transaction", ["quantity", "id"], unique=False)
    op.create_index("ix_transaction_updated_at", "transaction", ["updated_at", "id"], unique=False)
    op.create_table(
        "task",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Timestamp(), nullable=False),
        sa.Column("created_by", types.Text(), nullable=False),
        sa.Column("updated_at", types.Timestamp(), nullable=False),
        sa.Column("updated_by", types.Text(), nullable=False),
        sa.Column("deleted_at", types.Timestamp(), nullable=True),
        sa.Column("subject", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("priority", types.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("remind_at", types.Timestamp(), nullable=True),
        sa.Column("completed_at", types.Timestamp(), nullable=True),
        sa.Column("outcome", types.Text(), nullable=True),
        sa.Column("assignee_id", types.Text(), nullable=True),
        sa.Column("customer_id", types.Text(), nullable=True),
        sa.Column("contact_id", types.Text(), nullable=True),
        sa.Column("opportunity_id", types.Text(), nullable=True),
        sa.Column("interaction_id", types.Text(), nullable=True),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("subject_folded", types.Text(), nullable=False),
        sa.ForeignKeyConstraint(["assignee_id"], ["user.id"], name=op.f("fk_task_assignee_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_task_contact_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_task_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["interaction.id"], name=op.f("fk_task_interaction_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_task_opportunity_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index("ix_task_assignee_id", "task", ["assignee_id", "id"], unique=False)
    op.create_index("ix_task_contact_id", "task", ["contact_id", "id"], unique=False)
    op.create_index("ix_task_created_at", "task", ["created_at", "id"], unique=False)
    op.create_index("ix_task_customer_id", "task", ["customer_id", "id"], unique=False)
    op.create_index("ix_task_due_on", "task", ["due_on", "id"], unique=False)
    op.create_index("ix_task_interaction_id", "task", ["interaction_id", "id"], unique=False)
    op.create_index("ix_task_opportunity_id", "task", ["opportunity_id", "id"], unique=False)
    op.create_index("ix_task_priority", "task", ["priority", "id"], unique=False)
    op.create_index("ix_task_remind_at", "task", ["remind_at", "id"], unique=False)
    op.create_index("ix_task_status", "task", ["status", "id"], unique=False)
    op.create_index("ix_task_subject_folded", "task", ["subject_folded", "id"], unique=False)
    op.create_index("ix_task_updated_at", "task", ["updated_at", "id"], unique=False)


def downgrade() -> None:
    """Takes them back."""
    op.drop_index("ix_task_updated_at", table_name="task")
    op.drop_index("ix_task_subject_folded", table_name="task")
    op.drop_index("ix_task_status", table_name="task")
    op.drop_index("ix_task_remind_at", table_name="task")
    op.drop_index("ix_task_priority", table_name="task")
    op.drop_index("ix_task_opportunity_id", table_name="task")
    op.drop_index("ix_task_interaction_id", table_name="task")
    op.drop_index("ix_task_due_on", table_name="task")
    op.drop_index("ix_task_customer_id", table_name="task")
    op.drop_index("ix_task_created_at", table_name="task")
    op.drop_index("ix_task_contact_id", table_name="task")
    op.drop_index("ix_task_assignee_id", table_name="task")
    op.drop_table("task")
    op.drop_index("ix_transaction_updated_at", table_name="transaction")
    op.drop_index("ix_transaction_quantity", table_name="transaction")
    op.drop_index("ix_transaction_product_id", table_name="transaction")
    op.drop_index("ix_transaction_opportunity_id", table_name="transaction")
    op.drop_index("ix_transaction_occurred_on", table_name="transaction")
    op.drop_index("ix_transaction_customer_id", table_name="transaction")
    op.drop_index("ix_transaction_created_at", table_name="transaction")
    op.drop_index("ix_transaction_actual_amount_reporting", table_name="transaction")
    op.drop_table("transaction")
    op.drop_index("ix_stage_transition_updated_at", table_name="stage_transition")
    op.drop_index("ix_stage_transition_to_stage_id", table_name="stage_transition")
    op.drop_index("ix_stage_transition_opportunity_id", table_name="stage_transition")
    op.drop_index("ix_stage_transition_moved_at", table_name="stage_transition")
    op.drop_index("ix_stage_transition_from_stage_id", table_name="stage_transition")
    op.drop_index("ix_stage_transition_created_at", table_name="stage_transition")
    op.drop_table("stage_transition")
    op.drop_index("ix_opportunity_member_user_id", table_name="opportunity_member")
    op.drop_index("ix_opportunity_member_updated_at", table_name="opportunity_member")
    op.drop_index("ix_opportunity_member_opportunity_id", table_name="opportunity_member")
    op.drop_index("ix_opportunity_member_created_at", table_name="opportunity_member")
    op.drop_table("opportunity_member")
    op.drop_index("ix_opportunity_contact_updated_at", table_name="opportunity_contact")
    op.drop_index("ix_opportunity_contact_opportunity_id", table_name="opportunity_contact")
    op.drop_index("ix_opportunity_contact_created_at", table_name="opportunity_contact")
    op.drop_index("ix_opportunity_contact_contact_id", table_name="opportunity_contact")
    op.drop_index("ix_opportunity_contact_buying_role", table_name="opportunity_contact")
    op.drop_table("opportunity_contact")
    op.drop_index("ix_interaction_user_id", table_name="interaction")
    op.drop_index("ix_interaction_updated_at", table_name="interaction")
    op.drop_index("ix_interaction_opportunity_id", table_name="interaction")
    op.drop_index("ix_interaction_occurred_at", table_name="interaction")
    op.drop_index("ix_interaction_customer_id", table_name="interaction")
    op.drop_index("ix_interaction_created_at", table_name="interaction")
    op.drop_index("ix_interaction_contact_id", table_name="interaction")
    op.drop_index("ix_interaction_channel", table_name="interaction")
    op.drop_table("interaction")
    op.drop_index("ix_opportunity_won_at", table_name="opportunity")
    op.drop_index("ix_opportunity_updated_at", table_name="opportunity")
    op.drop_index("ix_opportunity_status", table_name="opportunity")
    op.drop_index("ix_opportunity_stage_id", table_name="opportunity")
    op.drop_index("ix_opportunity_source", table_name="opportunity")
    op.drop_index("ix_opportunity_region_folded", table_name="opportunity")
    op.drop_index("ix_opportunity_referred_by_id", table_name="opportunity")
    op.drop_index("ix_opportunity_product_id", table_name="opportunity")
    op.drop_index("ix_opportunity_priority", table_name="opportunity")
    op.drop_index("ix_opportunity_owner_id", table_name="opportunity")
    op.drop_index("ix_opportunity_opened_on", table_name="opportunity")
    op.drop_index("ix_opportunity_next_action_at", table_name="opportunity")
    op.drop_index("ix_opportunity_name_folded", table_name="opportunity")
    op.drop_index("ix_opportunity_loss_reason", table_name="opportunity")
    op.drop_index("ix_opportunity_is_new_customer", table_name="opportunity")
    op.drop_index("ix_opportunity_horizon", table_name="opportunity")
    op.drop_index("ix_opportunity_expected_close_date", table_name="opportunity")
    op.drop_index("ix_opportunity_expected_amount_reporting", table_name="opportunity")
    op.drop_index("ix_opportunity_directness", table_name="opportunity")
    op.drop_index("ix_opportunity_customer_id", table_name="opportunity")
    op.drop_index("ix_opportunity_created_at", table_name="opportunity")
    op.drop_index("ix_opportunity_closed_on", table_name="opportunity")
    op.drop_index("ix_opportunity_category", table_name="opportunity")
    op.drop_table("opportunity")
    op.drop_index("ix_customer_member_user_id", table_name="customer_member")
    op.drop_index("ix_customer_member_updated_at", table_name="customer_member")
    op.drop_index("ix_customer_member_customer_id", table_name="customer_member")
    op.drop_index("ix_customer_member_created_at", table_name="customer_member")
    op.drop_table("customer_member")
    op.drop_index("ix_customer_activity_order_count", table_name="customer_activity")
    op.drop_index("ix_customer_activity_last_order_on", table_name="customer_activity")
    op.drop_index("ix_customer_activity_last_interaction_at", table_name="customer_activity")
    op.drop_index("ix_customer_activity_first_order_on", table_name="customer_activity")
    op.drop_table("customer_activity")
    op.drop_index("ix_contact_updated_at", table_name="contact")
    op.drop_index("ix_contact_reports_to_id", table_name="contact")
    op.drop_index("ix_contact_rank", table_name="contact")
    op.drop_index("ix_contact_preferred_channel", table_name="contact")
    op.drop_index("ix_contact_owner_id", table_name="contact")
    op.drop_index("ix_contact_name_folded", table_name="contact")
    op.drop_index("ix_contact_email_folded", table_name="contact")
    op.drop_index("ix_contact_customer_id", table_name="contact")
    op.drop_index("ix_contact_created_at", table_name="contact")
    op.drop_index("ix_contact_buying_role", table_name="contact")
    op.drop_index("ix_contact_attitude", table_name="contact")
    op.drop_table("contact")
    op.drop_index("ix_customer_updated_at", table_name="customer")
    op.drop_index("ix_customer_team_id", table_name="customer")
    op.drop_index("ix_customer_status", table_name="customer")
    op.drop_index("ix_customer_region_folded", table_name="customer")
    op.drop_index("ix_customer_referred_by_id", table_name="customer")
    op.drop_index("ix_customer_parent_id", table_name="customer")
    op.drop_index("ix_customer_owner_id", table_name="customer")
    op.drop_index("ix_customer_number_folded", table_name="customer")
    op.drop_index("ix_customer_name_folded", table_name="customer")
    op.drop_index("ix_customer_managed_level", table_name="customer")
    op.drop_index("ix_customer_industry_folded", table_name="customer")
    op.drop_index("ix_customer_employee_count", table_name="customer")
    op.drop_index("ix_customer_email_folded", table_name="customer")
    op.drop_index("ix_customer_created_at", table_name="customer")
    op.drop_index("ix_customer_country_folded", table_name="customer")
    op.drop_index("ix_customer_annual_revenue_reporting", table_name="customer")
    op.drop_table("customer")
    op.drop_index("ix_user_updated_at", table_name="user")
    op.drop_index("ix_user_team_id", table_name="user")
    op.drop_index("ix_user_role", table_name="user")
    op.drop_index("ix_user_region_folded", table_name="user")
    op.drop_index("ix_user_name_folded", table_name="user")
    op.drop_index("ix_user_manager_id", table_name="user")
    op.drop_index("ix_user_email_folded", table_name="user")
    op.drop_index("ix_user_created_at", table_name="user")
    op.drop_index("ix_user_branch_folded", table_name="user")
    op.drop_table("user")
    op.drop_index("ix_event_type", table_name="event")
    op.drop_index("ix_event_entity_id", table_name="event")
    op.drop_index("ix_event_batch_id", table_name="event")
    op.drop_table("event")
    op.drop_index("ix_team_updated_at", table_name="team")
    op.drop_index("ix_team_region_folded", table_name="team")
    op.drop_index("ix_team_parent_id", table_name="team")
    op.drop_index("ix_team_name_folded", table_name="team")
    op.drop_index("ix_team_created_at", table_name="team")
    op.drop_table("team")
    op.drop_table("tag")
    op.drop_index("ix_stage_updated_at", table_name="stage")
    op.drop_index("ix_stage_position", table_name="stage")
    op.drop_index("ix_stage_created_at", table_name="stage")
    op.drop_table("stage")
    op.drop_table("set_aside")
    op.drop_index("ix_product_updated_at", table_name="product")
    op.drop_index("ix_product_series_folded", table_name="product")
    op.drop_index("ix_product_name_folded", table_name="product")
    op.drop_index("ix_product_created_at", table_name="product")
    op.drop_index("ix_product_code_folded", table_name="product")
    op.drop_table("product")
    op.drop_table("plugin_cursor")
    op.drop_table("installation")
    op.drop_index("ix_idempotency_key_created_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(
        "uq_external_id_live",
        table_name="external_id",
        sqlite_where=sa.text("is_live"),
        postgresql_where=sa.text("is_live"),
    )
    op.drop_table("external_id")
    op.drop_index("ix_exchange_rate_valid_from", table_name="exchange_rate")
    op.drop_index("ix_exchange_rate_updated_at", table_name="exchange_rate")
    op.drop_index("ix_exchange_rate_currency", table_name="exchange_rate")
    op.drop_index("ix_exchange_rate_created_at", table_name="exchange_rate")
    op.drop_table("exchange_rate")
    op.drop_index("ix_event_batch_sequence", table_name="event_batch")
    op.drop_table("event_batch")
