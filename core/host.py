"""The plugin host: finds plugins, orders them, checks them, and runs their hooks one at a time with attribution."""

import inspect
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Any

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import BaseModel, ValidationError

from core.changes import Changes
from core.errors import GuanxiError, PluginError, Reject, UserError
from core.plugin import API, HOOK_NAMES, Context, Hooks, Plugin
from core.records import CORE, tables_of
from core.settings import Settings, explain

GROUP = "guanxi.plugins"

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")

PluginSource = Plugin | type[Plugin]
MakeContext = Callable[[Plugin], Context]


def discover() -> list[Plugin]:
    """The plugins that installed distributions offer under the entry-point group `guanxi.plugins`.

    Raises:
        PluginError: one cannot be imported; the message says how to go on without it.
    """
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            loaded = point.load()
        except Exception as error:
            raise PluginError(
                point.name,
                f"import of {point.value}",
                f"{type(error).__name__}: {error}. Mend or uninstall the distribution that offers it",
            ) from error
        found.append(_instance(loaded, point.name))
    return found


def _instance(source: Any, name: str) -> Plugin:
    plugin = source() if isinstance(source, type) else source
    if not isinstance(plugin, Plugin):
        raise PluginError(name, "declaration", f"{source!r} is no subclass of guanxi.Plugin")
    return plugin


@dataclass(frozen=True, slots=True)
class Described:
    """What `guanxi plugins` lists of a plugin."""

    name: str
    version: str
    hooks: tuple[str, ...]
    place: str


class PluginHost:
    """The plugins of one app, in order."""

    def __init__(self, plugins: Iterable[PluginSource], settings: Settings) -> None:
        """Checks and orders the plugins.

        Raises:
            PluginError: a plugin does not fit; the message names it, the place and the remedy.
        """
        given = [_instance(plugin, getattr(plugin, "name", repr(plugin))) for plugin in plugins]
        for plugin in given:
            _check_data(plugin)
        self.plugins, self._why = _ordered(given)
        self.slow_after = settings.hook_warning_ms / 1000
        self.settings = {plugin.name: _plugin_settings(plugin, settings) for plugin in self.plugins}
        self._check_settings_names(settings)
        self._manager = pluggy.PluginManager("guanxi")
        self._manager.add_hookspecs(Hooks)
        for plugin in self.plugins:
            self._register(plugin)
            _check_tables(plugin)

    def _register(self, plugin: Plugin) -> None:
        unmarked = [
            name
            for name in HOOK_NAMES
            if callable(getattr(plugin, name, None)) and not hasattr(getattr(plugin, name), "guanxi_impl")
        ]
        if unmarked:
            raise PluginError(plugin.name, unmarked[0], "has the name of a hook but is not marked; put @hookimpl on it")
        try:
            self._manager.register(plugin, plugin.name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(plugin.name, "hooks", f"{error}. The hooks are {', '.join(HOOK_NAMES)}") from error

    def _check_settings_names(self, settings: Settings) -> None:
        unknown = settings.plugins.keys() - self.settings.keys()
        if unknown and self.plugins:
            raise PluginError(
                min(unknown),
                "settings",
                f"no such plugin is loaded; there are {', '.join(plugin.name for plugin in self.plugins)}",
            )

    def describe(self) -> list[Described]:
        """Name, version, hooks and the reason of its place, for each plugin in order."""
        return [
            Described(
                plugin.name,
                plugin.version,
                tuple(name for name in HOOK_NAMES if any(owner is plugin for owner, _ in self.implementations(name))),
                self._why[plugin.name],
            )
            for plugin in self.plugins
        ]

    def implementations(self, hook: str) -> Iterator[tuple[Plugin, Callable[..., Any]]]:
        """The plugins that implement a hook, in order, each with a function that takes all arguments of the hook."""
        impls = {impl.plugin_name: impl for impl in getattr(self._manager.hook, hook).get_hookimpls()}
        for plugin in self.plugins:
            if impl := impls.get(plugin.name):
                yield plugin, _taking(impl.function, impl.argnames)

    def register(self, hook: str, **arguments: Any) -> Iterator[tuple[Plugin, Any]]:
        """Runs a registration hook: each plugin with what it returned.

        Raises:
            PluginError: a hook failed.
        """
        for plugin, function in self.implementations(hook):
            try:
                result = function(**arguments)
                yield plugin, list(result) if inspect.isgenerator(result) else result
            except GuanxiError:
                raise
            except Exception as error:
                raise PluginError(plugin.name, hook, f"{type(error).__name__}: {error}") from error

    def validate(self, context: MakeContext, changes: Changes) -> list[UserError]:
        """What all plugins say of changes before they are written.

        Raises:
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        found: list[UserError] = []
        for plugin, function in self.implementations("validate"):
            answer = self._timed(plugin, "validate", function, ctx=context(plugin), changes=changes)
            found += [replace(error, plugin=plugin.name) for error in answer or ()]
        return found

    def before_commit(self, context: MakeContext, changes: Changes) -> None:
        """Lets every plugin write what belongs to the changes, each in a savepoint.

        Raises:
            Reject: a plugin refuses; its errors carry its name.
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        for plugin, function in self.implementations("before_commit"):
            ctx = context(plugin)
            try:
                with ctx.session.begin_nested():
                    self._timed(plugin, "before_commit", function, ctx=ctx, changes=changes)
            except Reject as reject:
                raise Reject(*(replace(error, plugin=plugin.name) for error in reject.errors)) from None

    def _timed(self, plugin: Plugin, hook: str, function: Callable[..., Any], **arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            answer = function(**arguments)
            return list(answer) if inspect.isgenerator(answer) else answer
        except Reject:
            raise
        except Exception as error:
            logger(plugin).exception("hook %s failed", hook)
            raise PluginError(plugin.name, hook, f"{type(error).__name__}: {error}") from error
        finally:
            self.note_time(plugin, hook, time.perf_counter() - began)

    def note_time(self, plugin: Plugin, hook: str, seconds: float) -> None:
        """Logs a hook that took longer than it should."""
        if seconds > self.slow_after:
            logger(plugin).warning("hook %s is slow: it took %.0f ms", hook, seconds * 1000)


def logger(plugin: Plugin) -> logging.Logger:
    """The logger bound to a plugin."""
    return logging.getLogger(f"guanxi.plugins.{plugin.name}")


def _taking(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """The function, called with those of the hook's arguments that it asks for."""
    return lambda **arguments: function(**{name: arguments[name] for name in names})


def _check_data(plugin: Plugin) -> None:
    for attribute in ("name", "version", "api"):
        if not isinstance(getattr(plugin, attribute, None), str):
            raise PluginError(
                getattr(plugin, "name", type(plugin).__name__),
                attribute,
                f"is not set; write for example {attribute} = "
                + {"name": '"loyalty"', "version": '"1.0"', "api": '">=1,<2"'}[attribute],
            )
    if not _NAME.fullmatch(plugin.name) or plugin.name == CORE:
        raise PluginError(plugin.name, "name", "must be snake case, two letters or more, and not 'core'")
    try:
        fits = SpecifierSet(plugin.api).contains(API)
    except InvalidSpecifier:
        raise PluginError(plugin.name, "api", f"{plugin.api!r} is no version range; write '>=1,<2'") from None
    if not fits:
        raise PluginError(
            plugin.name,
            "api",
            f"it was written for contract {plugin.api}, this is contract {API}; install a version of it that fits",
        )


def _check_tables(plugin: Plugin) -> None:
    for table in tables_of(plugin.name):
        if not table.name.startswith(f"{plugin.name}_"):
            raise PluginError(
                plugin.name,
                f"table {table.name}",
                f"must be named with the plugin's prefix: {plugin.name}_{table.name}",
            )


def _plugin_settings(plugin: Plugin, settings: Settings) -> BaseModel | None:
    given = settings.plugins.get(plugin.name, {})
    if plugin.settings is None:
        if given:
            raise PluginError(plugin.name, "settings", f"it takes none, but was given {', '.join(given)}")
        return None
    try:
        return plugin.settings.model_validate(given)
    except ValidationError as error:
        raise PluginError(plugin.name, "settings", explain(error, f"GUANXI_PLUGINS__{plugin.name.upper()}__")) from None


def _ordered(plugins: Sequence[Plugin]) -> tuple[tuple[Plugin, ...], dict[str, str]]:
    """The plugins in an order that respects `after`, `before` and `requires`, ties by name; and why each is there."""
    by_name: dict[str, Plugin] = {}
    for plugin in plugins:
        if plugin.name in by_name:
            raise PluginError(plugin.name, "name", "two plugins have it; leave one out")
        by_name[plugin.name] = plugin
    waits: dict[str, dict[str, str]] = {name: {} for name in by_name}
    for name, plugin in sorted(by_name.items()):
        for other in plugin.requires:
            if other not in by_name:
                raise PluginError(name, "requires", f"plugin {other!r} is not there; install it")
            waits[name][other] = f"requires {other}"
        waits[name] |= {other: f"after {other}" for other in plugin.after if other in by_name}
        for other in plugin.before:
            if other in by_name:
                waits[other][name] = f"{name} is before it"
    order: list[str] = []
    why = {name: ", ".join(reasons.values()) or "by name" for name, reasons in waits.items()}
    while waits:
        free = min((name for name, others in waits.items() if not others.keys() - set(order)), default=None)
        if free is None:
            raise PluginError(min(waits), "order", f"the wishes of {', '.join(sorted(waits))} contradict each other")
        order.append(free)
        del waits[free]
    return tuple(by_name[name] for name in order), why
