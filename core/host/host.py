"""The plugin host: finds plugins, orders them, checks them, and runs their hooks one at a time with attribution."""

import inspect
import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from itertools import pairwise
from typing import Any

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import BaseModel, ValidationError

from core.base import tracing
from core.base.errors import GuanxiError, PluginError, Reject, UserError, told
from core.base.setting_faults import explain
from core.base.settings import Settings
from core.db.locks import EVERYTHING, Key, Locks
from core.host.contract import API, HOOK_NAMES, Context, Hooks, Plugin
from core.host.retries import Retries
from core.log.changes import Changes, Touched
from core.records.record import CORE, Record, Table, has_record, tables_of
from core.records.selections import PreparedQuestion

GROUP = "guanxi.plugins"
#: The remedy when a plugin's own code fails at startup.
REMEDY = "Fix it or leave the plugin out"

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
        except (Exception, SystemExit) as error:
            raise PluginError(
                point.name,
                f"import of {point.value}",
                f"{told(error)}. Fix or uninstall {_distribution(point)}, which offers it",
            ) from error
        found.append(_instance(loaded, point.name))
    return found


def _distribution(point: EntryPoint) -> str:
    return "the distribution" if point.dist is None else f"the distribution {point.dist.name}"


def _instance(source: Any, name: str) -> Plugin:
    kind = source if isinstance(source, type) else type(source)
    if not issubclass(kind, Plugin):
        raise PluginError(name, "declaration", f"{source!r} is not a subclass of guanxi.Plugin; name one")
    if not isinstance(source, type):
        return source  # type: ignore[no-any-return]
    try:
        return kind()
    except Exception as error:
        raise PluginError(name, "declaration", f"{told(error)}. {REMEDY}") from error


@dataclass(frozen=True, slots=True)
class Described:
    """What `guanxi plugins` lists about a plugin."""

    name: str
    version: str
    hooks: tuple[str, ...]
    place: str


def _is_row(key: Any) -> bool:
    match key:
        case (type() as table, str()):
            return issubclass(table, Table)
    return False


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
        self._reporting_currency = settings.reporting_currency
        #: Of the plugins, in order.
        self.names = tuple(plugin.name for plugin in self.plugins)
        self.slow_after = settings.hook_warning_ms / 1000
        self.settings = {plugin.name: _plugin_settings(plugin, settings) for plugin in self.plugins}
        self._check_settings_names(settings)
        self._manager = pluggy.PluginManager("guanxi")
        self._manager.add_hookspecs(Hooks)
        for plugin in self.plugins:
            _check_hooks(plugin)
            self._manager.register(plugin, plugin.name)
        _check_tables(self.plugins)
        self._implementations: dict[str, Sequence[tuple[Plugin, Callable[..., Any]]]] = {}
        self._reacts = lru_cache(10_000)(_reacts)
        #: The plugins that implement a hook and look at any of what is done, each with its function, as above.
        self.reacting = lru_cache(1000)(self._that_react)
        #: Whether plugins rely on keys where that is done.
        self.rely = lru_cache(1000)(self._that_rely)
        #: Whether hooks may hold up whatever thread changes of such records are made in.
        self.may_block = cache(self._may_block)
        changing = ("lock_keys", "validate", "questions", "before_commit")
        blocking = {plugin.name: plugin.blocks for hook in changing for plugin, _ in self.implementations(hook)}
        self._always_blocks = True in blocking.values()
        self._blocks_on = {name for names in blocking.values() if not isinstance(names, bool) for name in names}
        judging = [*self.implementations("validate"), *self.implementations("before_commit")]
        relying = {plugin for plugin, _ in judging} - {plugin for plugin, _ in self.implementations("lock_keys")}
        #: Those that do not declare what they rely on, and so exclude each other altogether.
        self._relying_on_all = [plugin for plugin in self.plugins if plugin in relying]

    def _check_settings_names(self, settings: Settings) -> None:
        unknown = settings.plugins.keys() - self.settings.keys()
        if unknown and self.plugins:
            name = min(unknown)
            raise PluginError(
                name,
                "settings",
                f"{variables_of(name)}… is set, but no such plugin is loaded; available: {', '.join(self.settings)}",
            )

    def describe(self) -> list[Described]:
        """Describes each plugin in order: name, version, hooks and the reason for its place."""
        return [
            Described(
                plugin.name,
                plugin.version,
                tuple(name for name in HOOK_NAMES if any(owner is plugin for owner, _ in self.implementations(name))),
                self._why[plugin.name],
            )
            for plugin in self.plugins
        ]

    def named(self, name: str) -> Plugin:
        """The plugin of that name.

        Raises:
            PluginError: it is not loaded.
        """
        for plugin in self.plugins:
            if plugin.name == name:
                return plugin
        raise PluginError(name, "name", f"no such plugin is loaded; available: {', '.join(self.settings) or 'none'}")

    def implementations(self, hook: str) -> Sequence[tuple[Plugin, Callable[..., Any]]]:
        """The plugins that implement a hook, in order, each with a function that takes all arguments of the hook."""
        if hook not in self._implementations:
            impls = {impl.plugin_name: impl for impl in getattr(self._manager.hook, hook).get_hookimpls()}
            given = _arguments(vars(Hooks)[hook])
            self._implementations[hook] = [
                (plugin, _taking(impl.function, impl.argnames, given))
                for plugin in self.plugins
                if (impl := impls.get(plugin.name))
            ]
        return self._implementations[hook]

    def _that_react(self, hook: str, touched: Touched) -> Sequence[tuple[Plugin, Callable[..., Any]]]:
        return [one for one in self.implementations(hook) if self._reacts(one[0], touched)]

    def _that_rely(self, touched: Touched) -> bool:
        return bool(self.reacting("lock_keys", touched)) or any(
            self._reacts(plugin, touched) for plugin in self._relying_on_all
        )

    def _may_block(self, entities: tuple[str, ...]) -> bool:
        return self._always_blocks or not self._blocks_on.isdisjoint(entities)

    def register(self, hook: str, **arguments: Any) -> Iterator[tuple[Plugin, Sequence[Any]]]:
        """Runs a registration hook: each plugin with the declarations that it returned.

        Raises:
            PluginError: a hook failed, or returned something that is not a list.
        """
        taken = _arguments(vars(Hooks)[hook])
        for plugin, function in self.implementations(hook):
            given = {
                **arguments,
                "settings": self.settings[plugin.name],
                "reporting_currency": self._reporting_currency,
            }
            try:
                result = function(**{name: given[name] for name in taken})
                if result is not None and (not isinstance(result, Iterable) or isinstance(result, str | type)):
                    problem = f"returned {result!r}, which is not a list; write [...] around it, or yield"
                    raise PluginError(plugin.name, hook, problem)
                # A generator runs here, so that what it raises is attributed.
                declared = list(result or ())
            except GuanxiError:
                raise
            except Exception as error:
                raise PluginError(plugin.name, hook, f"{told(error)}. {REMEDY}") from error
            yield plugin, declared

    def locks(self, changes: Changes) -> tuple[Mapping[type[Table], Collection[str]], Locks]:
        """The rows that plugins will write because of changes, by their tables, and the keys that they rely on.

        Raises:
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        locks, rows = Locks(), defaultdict[type[Table], set[str]](set)
        for plugin, function in self.reacting("lock_keys", changes.touched):
            keys: list[Key] = []
            for key in self._keys(plugin, function, changes):
                if key and not isinstance(key[0], str):
                    rows[key[0]].add(key[1])
                else:
                    keys.append(key)
            locks.add(plugin.name, keys)
        for plugin in self._relying_on_all:
            if self._reacts(plugin, changes.touched):
                locks.add(plugin.name, (EVERYTHING,))
        return rows, locks

    def _keys(self, plugin: Plugin, function: Callable[..., Any], changes: Changes) -> list[Any]:
        with self.running(plugin, "lock_keys", len(changes)):
            keys = list(function(settings=self.settings[plugin.name], changes=changes) or ())
            for key in keys:
                is_key = isinstance(key, tuple) and all(isinstance(part, str) for part in key)
                if not is_key and not _is_row(key):
                    problem = f"returned the key {key!r}, which is not a tuple of texts; write ('stock', id)"
                    raise PluginError(plugin.name, "lock_keys", problem)
            return keys

    def validate(self, context: MakeContext, changes: Changes) -> list[UserError]:
        """Collects what all plugins say about changes before they are written.

        Raises:
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        found: list[UserError] = []
        for plugin, function in self.reacting("validate", changes.touched):
            try:
                with self.running(plugin, "validate", len(changes)):
                    answer: Sequence[Any] = list(function(ctx=context(plugin), changes=changes) or ())
                    wrong = next((error for error in answer if not isinstance(error, UserError)), None)
                    if wrong is not None:
                        raise PluginError(
                            plugin.name, "validate", f"returned {wrong!r}, which is not a guanxi.UserError"
                        )
            except Reject as reject:
                answer = reject.errors
            found += [replace(error, plugin=plugin.name) for error in answer]
        return found

    def questions(self, context: MakeContext, changes: Changes) -> list[PreparedQuestion]:
        """What plugins will ask before the commit.

        Raises:
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        found: list[PreparedQuestion] = []
        for plugin, function in self.reacting("questions", changes.touched):
            with self.running(plugin, "questions", len(changes)):
                asked = list(function(ctx=context(plugin), changes=changes) or ())
                wrong = next((one for one in asked if not isinstance(one, PreparedQuestion)), None)
                if wrong is not None:
                    problem = f"returned {wrong!r}, which is not a question; write QUERY.asked(ids=[…])"
                    raise PluginError(plugin.name, "questions", problem)
            found += asked
        return found

    def before_commit(self, context: MakeContext, changes: Changes, flush: Callable[[], None]) -> list[UserError]:
        """Lets every plugin write what belongs to the changes; returns their warnings.

        Args:
            context: makes what a plugin gets to work with.
            changes: that are written.
            flush: takes up what a plugin has done, while what is wrong with it is its own.

        Raises:
            Reject: a plugin refuses; its errors carry its name.
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        found: list[UserError] = []
        for plugin, function in self.implementations("before_commit"):
            # What those before it have changed of these records counts as well.
            if not self._reacts(plugin, changes.touched):
                continue
            ctx = context(plugin)
            try:
                with self.running(plugin, "before_commit", len(changes)):
                    warnings: Sequence[Any] = list(function(ctx=ctx, changes=changes) or ())
                    wrong = next((one for one in warnings if not isinstance(one, UserError) or not one.warning), None)
                    if wrong is not None:
                        raise PluginError(
                            plugin.name,
                            "before_commit",
                            f"returned {wrong!r}, which is not a warning; raise Reject to refuse",
                        )
                    flush()
            except Reject as reject:
                raise reject.by(plugin.name) from None
            changes.take_amendments()
            found += [replace(warning, plugin=plugin.name) for warning in warnings]
        return found

    def erase(self, context: MakeContext, records: Sequence[Record], flush: Callable[[], None]) -> None:
        """Lets every plugin erase what only it can find about these records.

        Raises:
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        for plugin, function in self.implementations("erase"):
            ctx = context(plugin)
            with self.running(plugin, "erase", len(records)):
                function(ctx=ctx, records=records)
                flush()

    def merge(self, context: MakeContext, into: Record, merged: Sequence[Record], flush: Callable[[], None]) -> None:
        """Lets every plugin bring together what only it keeps of records that are merged.

        Raises:
            Reject: a plugin refuses; its errors carry its name.
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        for plugin, function in self.implementations("merge"):
            ctx = context(plugin)
            try:
                with self.running(plugin, "merge", len(merged)):
                    function(ctx=ctx, into=into, merged=merged)
                    flush()
            except Reject as reject:
                raise reject.by(plugin.name) from None

    def running(self, plugin: Plugin, hook: str, rows: int = 1) -> "attributed":
        """While a hook runs: what it raises is attributed to its plugin, and that it is slow is logged.

        Args:
            plugin: whose hook.
            hook: its name.
            rows: how many changes or events it handles; each hundred may take as long as one.
        """
        return _Timed(plugin, hook, self.slow_after * max(1, rows / 100))


class attributed:  # noqa: N801  (used like a function)
    """While code of a plugin runs: what it raises is attributed to it.

    Raises:
        Reject, or one of `passed`: as the code does.
        PluginError: the code failed.
    """

    __slots__ = ("_passed", "_place", "_plugin")

    def __init__(self, plugin: Plugin, place: str, *passed: type[Exception]) -> None:
        self._plugin, self._place = plugin, place
        self._passed: tuple[type[Exception], ...] = (Reject, PluginError, *passed)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, self._passed):
            raise PluginError(self._plugin.name, self._place, told(error)) from error


class _Timed(attributed):
    __slots__ = ("_began", "_slow_after", "_span")

    def __init__(self, plugin: Plugin, place: str, slow_after: float) -> None:
        super().__init__(plugin, place)
        self._slow_after = slow_after

    def __enter__(self) -> None:
        self._span = tracing.span(f"hook {self._place}", plugin=self._plugin.name) if tracing.is_on() else None
        if self._span is not None:
            self._span.__enter__()
        self._began = time.perf_counter()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        seconds = time.perf_counter() - self._began
        if self._span is not None:
            self._span.__exit__(kind, error, trace)
        if seconds > self._slow_after:
            logger(self._plugin).warning("hook %s is slow: it took %.0f ms", self._place, seconds * 1000)
        if error is not None:
            super().__exit__(kind, error, trace)


@cache
def logger(plugin: Plugin) -> logging.Logger:
    """The logger bound to a plugin."""
    return logging.getLogger(f"guanxi.plugins.{plugin.name}")


def _reacts(plugin: Plugin, touched: Touched) -> bool:
    """Whether hooks of a plugin look at any of what is done to records."""
    with attributed(plugin, "reacts"):
        return any(
            (plugin.reacts_to is None or entity in plugin.reacts_to) and plugin.reacts(entity, action, names)
            for entity, action, names in touched
        )


def _taking(function: Callable[..., Any], names: Sequence[str], given: Sequence[str]) -> Callable[..., Any]:
    """The function, called with those of the hook's arguments that it asks for."""
    if {*names} == {*given}:
        return function
    return lambda **arguments: function(**{name: arguments[name] for name in names})


def _check_hooks(plugin: Plugin) -> None:
    for name, function in inspect.getmembers(type(plugin), callable):
        options: Mapping[str, Any] | None = getattr(function, "guanxi_impl", None)
        if options is not None:
            _check_hook(plugin, name, function, options)
        elif name in HOOK_NAMES:
            raise PluginError(plugin.name, name, "has the name of a hook but is not marked; put @hookimpl on it")


def _check_hook(plugin: Plugin, name: str, function: Any, options: Mapping[str, Any]) -> None:
    given = [f"{option}={value!r}" for option, value in options.items() if value]
    if given:
        problem = f"@hookimpl({given[0]}) is not possible; plugins are ordered by `after` and `before`"
    elif name not in HOOK_NAMES:
        near = get_close_matches(name, HOOK_NAMES, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        problem = f"there is no such hook; {meant}The hooks are {', '.join(HOOK_NAMES)}"
    elif unknown := [argument for argument in _arguments(function) if argument not in _arguments(vars(Hooks)[name])]:
        problem = f"takes no argument {unknown[0]}; available: {', '.join(_arguments(vars(Hooks)[name])) or 'none'}"
    elif inspect.iscoroutinefunction(function) and name not in _MAY_BE_ASYNC:
        problem = f"must not be async; only {', '.join(_MAY_BE_ASYNC)} may be"
    elif name in _RETURN_NOTHING and (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        problem = "must not yield; the host would never resume it"
    else:
        return
    raise PluginError(plugin.name, name, problem)


def _arguments(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


_MAY_BE_ASYNC = ("startup", "shutdown", "actor", "after_commit", "send", "purge")
_RETURN_NOTHING = ("startup", "shutdown", "after_commit", "erase", "merge", "purge", "sample_data")


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
    for attribute in ("after", "before", "requires", "reacts_to", "blocks"):
        if isinstance(given := getattr(plugin, attribute), str):
            raise PluginError(
                plugin.name, attribute, f'{given!r} is not a list of names; write {attribute} = ("{given}",)'
            )
    _check_records(plugin)
    if not isinstance(plugin.retries, Retries):
        raise PluginError(plugin.name, "retries", f"{plugin.retries!r} is not a guanxi.Retries; write Retries(…)")
    try:
        fits = SpecifierSet(plugin.api).contains(API)
    except InvalidSpecifier:
        raise PluginError(plugin.name, "api", f"{plugin.api!r} is not a version range; write '>=1,<2'") from None
    if not fits:
        raise PluginError(
            plugin.name,
            "api",
            f"it was written for contract {plugin.api}, and this is contract {API}; install a version that fits",
        )


def _check_records(plugin: Plugin) -> None:
    blocks = () if isinstance(plugin.blocks, bool) else plugin.blocks
    if not isinstance(blocks, Sequence):
        problem = f"{blocks!r} is neither True nor False, nor names of records; write one of them"
        raise PluginError(plugin.name, "blocks", problem)
    for attribute, names in (("reacts_to", plugin.reacts_to or ()), ("blocks", blocks)):
        for name in names:
            if not has_record(name):
                raise PluginError(plugin.name, attribute, f"there is no record {name!r}; write for example 'Customer'")


def _check_tables(plugins: Sequence[Plugin]) -> None:
    owners = {table.name: CORE for table in tables_of(CORE)}
    for plugin in plugins:
        for table in tables_of(plugin.name):
            if problem := _table_problem(plugin.name, table.name, owners.get(table.name)):
                raise PluginError(plugin.name, f"table {table.name}", problem)
            owners[table.name] = plugin.name


def _table_problem(plugin: str, table: str, rival: str | None) -> str | None:
    if not table.startswith(f"{plugin}_"):
        return f"must be named with the plugin's prefix: {plugin}_{table}"
    if table == f"{plugin}_version":
        return "its migrations are recorded in a table of that name; choose another"
    return f"{rival} has a table of that name already; choose another" if rival else None


def _plugin_settings(plugin: Plugin, settings: Settings) -> BaseModel | None:
    given = settings.plugins.get(plugin.name, {})
    model = plugin.settings
    names = [field.alias or name for name, field in model.model_fields.items()] if model is not None else []
    unknown = [] if model is not None and model.model_config.get("extra") == "allow" else [*given.keys() - set(names)]
    if unknown:
        wrong = f"{variables_of(plugin.name)}{min(unknown).upper()}"
        problem = f"is not a setting of it; available: {', '.join(names)}" if names else "is set, but it takes none"
        raise PluginError(plugin.name, "settings", f"{wrong} {problem}")
    if model is None:
        return None
    try:
        return model.model_validate({name: _read(given[name]) for name in given})
    except ValidationError as error:
        raise PluginError(plugin.name, "settings", explain(error, variables_of(plugin.name), model)) from None


def _read(value: Any) -> Any:
    """A setting as it is meant: an environment variable says in JSON what has parts."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError):
            return json.loads(value)
    return value


def variables_of(plugin: str) -> str:
    """What the environment variables of a plugin's settings begin with."""
    return f"GUANXI_PLUGINS__{plugin.upper()}__"


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
                raise PluginError(name, "requires", f"plugin {other!r} is not installed; install it")
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
            raise _contradiction(waits)
        order.append(free)
        del waits[free]
    return tuple(by_name[name] for name in order), why


def _contradiction(waits: Mapping[str, Mapping[str, str]]) -> PluginError:
    """Names a cycle of plugins that wait for each other."""
    circle = [min(waits)]
    while circle[-1] not in circle[:-1]:
        circle.append(min(other for other in waits[circle[-1]] if other in waits))
    circle = circle[circle.index(circle[-1]) :]
    wishes = ", ".join(f"{name} {waits[name][other]}" for name, other in pairwise(circle))
    return PluginError(
        min(circle),
        "order",
        f"the order of {', '.join(sorted(set(circle)))} contradicts itself: {wishes}; remove one of these",
    )
