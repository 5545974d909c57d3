"""Derives what the permissions of actors allow, from what plugins declare and what fields and records need."""

from core.access.declarations import Permission, RowRule
from core.access.permissions import NAMES
from core.base.errors import PluginError
from core.host.host import PluginHost
from core.records.record import CORE
from schema.catalog.access import AccessControl
from schema.catalog.catalog import Catalog
from schema.catalog.derivation import registered


def access_control(host: PluginHost, catalog: Catalog) -> AccessControl:
    """From the permissions of actors to what they may see and do.

    Raises:
        PluginError: a declaration clashes or is not possible, or a field or record needs a permission that nobody
            declares.
    """
    declared: dict[str, tuple[str, Permission | RowRule]] = {}
    for plugin, item in registered(host, "register_permissions"):
        if not isinstance(item, Permission | RowRule):
            raise PluginError(plugin, "register_permissions", f"{item!r} is neither a Permission nor a RowRule")
        if item.name in NAMES or item.name in declared:
            rival = declared[item.name][0] if item.name in declared else CORE
            raise PluginError(plugin, f"permission {item.name}", f"{rival} has one of that name; choose another")
        declared[item.name] = (plugin, item)
    items = [item for _, item in declared.values()]
    control = AccessControl(
        catalog,
        [item for item in items if isinstance(item, Permission)],
        [item for item in items if isinstance(item, RowRule)],
    )
    catalog.permission_names.update(control.names, control.scope_names)
    for record in catalog.records.values():
        needed = [(record.owner, f"record {record.name}", record.permission)]
        needed += [(made.owner, f"field {record.name}.{name}", made.permission) for name, made in record.fields.items()]
        for owner, place, name in needed:
            if name is not None and name not in control.names:
                raise PluginError(owner, place, f"needs the permission {name!r}; declare it in register_permissions")
    return control
