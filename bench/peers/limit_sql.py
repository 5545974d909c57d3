"""The best SQL known for each query of the comparisons, written by hand for these tables.

It knows which columns are never null, which texts JSON need not escape, and in which order an index gives the rows.
"""

# PostgreSQL: texts put together


def quoted(column: str) -> str:
    """A text that is never null."""
    return f"to_json({column})::text"


def plain(column: str) -> str:
    """A text that JSON does not escape, or null."""
    return f"""coalesce('"' || {column} || '"', 'null')"""


def listed(item: str, order: str) -> str:
    """A connection's `nodes`."""
    return f"""'{{"nodes":[' || coalesce(string_agg({item}, ',' ORDER BY {order}), '') || ']}}'"""


_CUSTOMER = (
    f"""'{{"id":"' || id || '","name":' || {quoted("name")} """
    f"""|| ',"industry":' || coalesce({quoted("industry")}, 'null') """
    f"""|| ',"region":' || coalesce({quoted("region")}, 'null') """
    """|| ',"employeeCount":' || coalesce(employee_count::text, 'null') || '}'"""
)
_COLUMNS = "id, name, industry, region, employee_count, name_folded"
_BY_NAME = "WHERE deleted_at IS NULL ORDER BY name_folded, id LIMIT"

_ROLE = (
    f"""'{{"id":"' || r.id || '","buyingRole":' || {plain("r.buying_role")} || ',"opportunity":' """
    f"""|| CASE WHEN o.id IS NULL THEN 'null' """
    f"""ELSE '{{"id":"' || o.id || '","name":' || {quoted("o.name")} || '}}' END || '}}'"""
)
_ROLES = (
    f"(SELECT {listed(_ROLE, 'r.id')} FROM (SELECT id, buying_role, opportunity_id FROM opportunity_contact "
    "WHERE contact_id = c.id AND deleted_at IS NULL ORDER BY id LIMIT 5) r "
    "LEFT JOIN opportunity o ON o.id = r.opportunity_id AND o.deleted_at IS NULL)"
)
_CONTACT = (
    f"""'{{"id":"' || c.id || '","name":' || {quoted("c.name")} || ',"attitude":' || {plain("c.attitude")} """
    f"""|| ',"opportunityRoles":' || {_ROLES} || '}}'"""
)
_CONTACTS = (
    f"(SELECT {listed(_CONTACT, 'c.id')} FROM (SELECT id, name, attitude FROM contact "
    "WHERE customer_id = t.id AND deleted_at IS NULL ORDER BY id LIMIT 3) c)"
)
_NESTED = f"""'{{"id":"' || t.id || '","name":' || {quoted("t.name")} || ',"contacts":' || {_CONTACTS} || '}}'"""
_TIERED = (
    f"""'{{"id":"' || t.id || '","name":' || {quoted("t.name")} || ',"valueTier":' || {plain("t.tier")} """
    f"""|| ',"valueRank":' || coalesce(t.rank::text, 'null') || ',"contacts":' || {_CONTACTS} || '}}'"""
)
#: The two tiers have a current value, each of them.
_VALUES = (
    "SELECT c.id, c.name, v.tier, v.rank, v.current FROM value_tiering_customer_value v JOIN customer c "
    "ON c.id = v.record_id AND c.deleted_at IS NULL WHERE v.tier IN ('IMPORTANT', 'MAIN') AND v.current IS NOT NULL "
    "ORDER BY v.current DESC, c.id DESC LIMIT 50"
)
_TIERS = f"SELECT {listed(_TIERED, 't.current DESC, t.id DESC')} FROM ({_VALUES}) t"
_GROUP = (
    """'{"keys":{"stage":{"key":' || to_json(s.key)::text || '}},"aggregate":{"count":' || g.n """
    """|| ',"sum":{"expectedAmount":{"total":{"amount":"' || (g.total * 0.01)::text || '"}}}}}'"""
)
#: Summed by stage before it is known how stages are called.
_GROUPS = (
    "(SELECT stage_id, count(*) AS n, coalesce(sum(expected_amount_reporting), 0) AS total FROM opportunity "
    "WHERE deleted_at IS NULL GROUP BY stage_id) g JOIN stage s ON s.id = g.stage_id"
)

POSTGRESQL_SQL = {
    "point": f"SELECT {_CUSTOMER} FROM customer WHERE id = $1 AND deleted_at IS NULL",
    "list": (
        f"SELECT {listed(_CUSTOMER, 'name_folded, id')} FROM (SELECT {_COLUMNS} FROM customer {_BY_NAME} 50) customer"
    ),
    "nested": (
        f"SELECT {listed(_NESTED, 't.name_folded, t.id')} "
        f"FROM (SELECT id, name, name_folded FROM customer {_BY_NAME} 50) t"
    ),
    "plugin": _TIERS,
    "mixed": _TIERS,
    "page-1000": (
        f"SELECT {listed(_CUSTOMER, 'name_folded, id')} FROM (SELECT {_COLUMNS} FROM customer "
        "WHERE deleted_at IS NULL AND (name_folded, id) > ($1, $2) ORDER BY name_folded, id LIMIT 10) customer"
    ),
    "group": f"SELECT '[' || string_agg({_GROUP}, ',' ORDER BY s.key) || ']' FROM {_GROUPS}",
}

# SQLite: its functions for JSON, which take less time there

_CUSTOMER_THERE = (
    "json_object('id', id, 'name', name, 'industry', industry, 'region', region, 'employeeCount', employee_count)"
)
_ROLES_THERE = (
    "(SELECT json_object('nodes', json_group_array(json_object('id', r.id, 'buyingRole', r.buying_role, 'opportunity', "
    "CASE WHEN o.id IS NOT NULL THEN json_object('id', o.id, 'name', o.name) END))) FROM (SELECT id, buying_role, "
    "opportunity_id FROM opportunity_contact WHERE contact_id = c.id AND deleted_at IS NULL ORDER BY id LIMIT 5) r "
    "LEFT JOIN opportunity o ON o.id = r.opportunity_id AND o.deleted_at IS NULL)"
)
_CONTACTS_THERE = (
    "(SELECT json_object('nodes', json_group_array(json_object('id', c.id, 'name', c.name, 'attitude', c.attitude, "
    f"'opportunityRoles', {_ROLES_THERE}))) FROM (SELECT id, name, attitude FROM contact "
    "WHERE customer_id = t.id AND deleted_at IS NULL ORDER BY id LIMIT 3) c)"
)
_TIERS_THERE = (
    "SELECT json_object('nodes', json_group_array(json_object('id', t.id, 'name', t.name, 'valueTier', t.tier, "
    f"'valueRank', t.rank, 'contacts', {_CONTACTS_THERE}))) FROM ({_VALUES}) t"
)

SQLITE_SQL = {
    "point": f"SELECT {_CUSTOMER_THERE} FROM customer WHERE id = ? AND deleted_at IS NULL",
    "list": (
        f"SELECT json_object('nodes', json_group_array({_CUSTOMER_THERE})) "
        f"FROM (SELECT {_COLUMNS} FROM customer {_BY_NAME} 50)"
    ),
    "nested": (
        "SELECT json_object('nodes', json_group_array(json_object('id', t.id, 'name', t.name, "
        f"'contacts', {_CONTACTS_THERE}))) FROM (SELECT id, name FROM customer {_BY_NAME} 50) t"
    ),
    "plugin": _TIERS_THERE,
    "mixed": _TIERS_THERE,
    "page-1000": (
        f"SELECT json_object('nodes', json_group_array({_CUSTOMER_THERE})) FROM (SELECT {_COLUMNS} FROM customer "
        "WHERE deleted_at IS NULL AND (name_folded, id) > (?, ?) ORDER BY name_folded, id LIMIT 10)"
    ),
    "group": (
        "SELECT json_group_array(json_object('keys', json_object('stage', json_object('key', key)), 'aggregate', "
        "json_object('count', n, 'sum', json_object('expectedAmount', json_object('total', json_object('amount', "
        "printf('%d.%02d', total / 100, total % 100))))))) "
        f"FROM (SELECT s.key, g.n, g.total FROM {_GROUPS} ORDER BY s.key LIMIT 100)"
    ),
}
