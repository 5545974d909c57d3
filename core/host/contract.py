"""The plugin contract: declarations read before anything runs, hooks, and the context hooks get."""

import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import pluggy
from pydantic import BaseModel
from sqlmodel import Session

from core.access.declarations import Permission, RowRule
from core.base.actors import Actor, Identity
from core.base.calendar import Calendar
from core.base.clock import BusinessClock
from core.base.errors import UserError
from core.base.sentences import sentence
from core.base.settings import Plausibility
from core.db.locks import Key
from core.host.messages import Message
from core.host.operations import PluginOperation
from core.host.panels import Panel
from core.host.retries import Retries
from core.host.routes import PluginRoute
from core.log.changes import Changes
from core.log.events import Action, Event
from core.records.fields import Field, Job
from core.records.record import Record, Table
from core.records.selections import PreparedQuestion

#: Version of the plugin contract; a plugin's `api` range must hold it.
API = "1.0"

hookspec = pluggy.HookspecMarker("guanxi")
hookimpl = pluggy.HookimplMarker("guanxi")


class Plugin:
    """Base of all plugins. The data is read, checked and listed before any hook runs.

    Attributes:
        name: snake case; prefix of its tables, and its name in `after`, settings and errors.
        version: of the plugin.
        api: range of contract versions it was written for.
        after, before: plugins it runs after or before, if they are installed.
        requires: plugins without which it cannot run.
        settings: pydantic model of its settings, with a default for each.
        events: types of events it publishes, each with a description.
        reacts_to: names of the records whose changes `lock_keys`, `validate`, `questions` and `before_commit` look at,
            such as `("Transaction",)`; they are not called where nothing of these changes. By default they are always
            called.
        blocks: whether these four hooks, `reacts`, or what makes the defaults of the plugin's columns may wait for
            anything but the database, such as a network, a lock or a thread, or compute for more than a few
            milliseconds; or names of the records of which a change may have them do so, such as `("Stage",)`. By
            default they may, and every change is made in a thread; where those of no plugin do, changes of one record
            are made on the event loop, so that a tenth more of them is possible.
        retries: how its `after_commit` is tried again on events it failed on; by default for 24 hours.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    api: ClassVar[str]
    after: ClassVar[Sequence[str]] = ()
    before: ClassVar[Sequence[str]] = ()
    requires: ClassVar[Sequence[str]] = ()
    settings: ClassVar[type[BaseModel] | None] = None
    events: ClassVar[Mapping[str, str]] = {}
    reacts_to: ClassVar[Sequence[str] | None] = None
    blocks: ClassVar[bool | Sequence[str]] = True
    retries: ClassVar[Retries] = Retries()

    def reacts(self, entity: str, action: Action, names: Set[str]) -> bool:
        """Whether the hooks that `reacts_to` is about look at changes of such records with nothing but this in them.

        Asked once for each action and set of names. By default they do.

        Args:
            entity: name of the record.
            action: what is done to it.
            names: what changes, as `Change.after` names it, and what is said with it; of a new record all that it has.
        """
        return True

    def listens(self, settings: Any) -> bool:
        """Whether its `after_commit` is called under these settings of the plugin; by default it is."""
        return True


@dataclass(frozen=True, slots=True)
class Figures:
    """Totals of a group of records.

    Attributes:
        keys: the values they have in common, as the API shows them; empty for all records of a list.
        count: the number of records.
        sum, avg, min, max: by name of a field; amounts of money are decimals in the reporting currency.
    """

    keys: Mapping[str, Any]
    count: int
    sum: Mapping[str, Any]
    avg: Mapping[str, Any]
    min: Mapping[str, Any]
    max: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CatalogQueries:
    """How plugin code queries the catalog; `Context` documents each."""

    query: Callable[..., Any]
    total: Callable[..., Any]
    groups: Callable[..., list[Figures]]
    pages: Callable[..., Iterator[dict[str, Any]]]
    derive: Callable[..., list[list[Any]]]


async def _in_async_hooks_only(*args: Any) -> Any:
    raise RuntimeError("only async jobs and the async hooks after_commit, startup and shutdown have this")


def _in_mutations_and_async_hooks_only(user_id: str) -> Any:
    raise RuntimeError("only mutations, async jobs and the async hooks after_commit, startup and shutdown have this")


#: A row of a table of plugins or the core: its class and its id.
RowKey = tuple[type[Table], str]

#: Runs a statement that gives one JSON value, with its parameters.
FetchJson = Callable[[str, Sequence[Any]], bytes | None]


# Not frozen, which takes four times as long: each plugin gets one in each transaction.
@dataclass(slots=True)
class Context:
    """What hooks and operations get to work with.

    Attributes:
        open_session: gives the session; see `session`.
        actor: who does it.
        settings: this plugin's settings.
        clock: the only source of time: `clock.now()` and `clock.today()`.
        reporting_currency: in which amounts are compared and summed.
        plausibility: the policy about what is possible but implausible; see `doubt`.
        log: logger bound to the plugin.
        publish: announce something, as `publish("LOYALTY_UPGRADED", record, level="gold")`; logged with the commit.
        publish_each: the same for many records by one statement: `publish_each("…", Customer, select(id, level))`.
        facet: `facet(Points, id)` returns the record's row, created if absent, locked for update.
        facets: the same for many ids at once, as a dict.
        rows: rows of a `guanxi.sql.Prepared` query, as dicts, without a session: `rows(query, ids=[…])`.
        insert_rows, change_rows: write rows of one of the plugin's tables, not logged and without a session:
            `insert_rows(Visit, [{…}])`, `change_rows(Visit, [{"id": …, "place": …}])`, all rows with the same columns.
        lock: waits for keys of the plugin, which the transaction then holds until it ends; see `lock_keys`.
            `lock("customer", id, other)` takes a key for each, `lock("policy")` one, and `lock()` excludes all others
            of the plugin. Read what rests on a key after it is taken. On SQLite, which has one writer, it does nothing.
        sign: `sign(text)` is a signature of 43 characters for links, which nobody else can make, nor any other plugin.
            Compare it by `hmac.compare_digest`.
        open_catalog: gives how it queries the catalog; see `query`, `total`, `groups`, `pages` and `derive`.
        transact: in async hooks, `await transact(work)` runs `work(ctx)` with a session in a transaction of its own,
            recorded as the plugin's work, and returns its result: for what is to be kept whatever comes after it.
        send: in async hooks, `await send(message)` has the first plugin that serves the channel send a message; see
            the hook `send`. It raises `Reject` if that is not possible at all, another exception if it may be later.
        hurry: in async hooks and jobs, `await ctx.hurry("post_letters")` has an async job of the plugin run now rather
            than when it is due next, or `await ctx.hurry("post_letters", moment)` at a moment.
        acting_as: in mutations `ctx.acting_as(user_id)`, in async hooks and jobs `await ctx.acting_as(user_id)` is a
            context whose `query` and `total`, and in mutations `groups` and `pages`, see what a user may see now; in
            async ones within the limits of a request. It raises `NotFoundError` if there is no such active user.
    """

    open_session: Callable[[], Session]
    actor: Actor
    settings: Any
    clock: BusinessClock
    reporting_currency: str
    plausibility: Plausibility
    log: logging.Logger
    publish: Callable[..., None]
    publish_each: Callable[..., int]
    facet: Callable[..., Any]
    facets: Callable[..., dict[str, Any]]
    rows: Callable[..., Sequence[dict[str, Any]]]
    insert_rows: Callable[[type[Any], Sequence[Mapping[str, Any]]], None]
    change_rows: Callable[[type[Any], Sequence[Mapping[str, Any]]], None]
    lock: Callable[..., None]
    sign: Callable[[str], str]
    open_catalog: Callable[[], CatalogQueries]
    transact: Callable[[Callable[["Context"], Any]], Awaitable[Any]] = _in_async_hooks_only
    send: Callable[[Message], Awaitable[None]] = _in_async_hooks_only
    hurry: Callable[..., Awaitable[None]] = _in_async_hooks_only
    acting_as: Callable[[str], Any] = _in_mutations_and_async_hooks_only

    @property
    def calendar(self) -> Calendar:
        """The days and periods of the business: `calendar.day_of(moment)`, `calendar.first_of(day, "QUARTER")`."""
        return self.clock.calendar

    @property
    def session(self) -> Session:
        """SQLModel session of the running transaction, made when it is first asked for; the host commits.

        It costs more than all else a change needs, so decide by `changes` first whether there is anything to do.
        There is none for Python fields and async functions.
        """
        return self.open_session()

    def doubt(self, record: Record, field: str, message: str) -> UserError:
        """Returns what is implausible about a record: a warning, or an error where `GUANXI_PLAUSIBILITY` is REFUSE.

        `doubt(lease, "endsOn", "it is in the next century")`; the message of the result begins with the field.
        """
        text = sentence("{field}: {message}", field=field, message=message)
        return UserError("IMPLAUSIBLE", text, (field,), record, warning=self.plausibility == "WARN")

    def query(self, text: str, variables: Mapping[str, Any] | None = None, *, as_of: date | None = None) -> Any:
        """Returns the data of a GraphQL query: `query("{ customers { nodes { name } } }")`.

        Inside a transaction it sees the transaction's rows; in async functions and Python fields it is awaited.

        Args:
            text: of the query; only fields of the catalog can be queried.
            variables: its variables; they may be Python values, such as dates and `Money`.
            as_of: the day at whose end it is evaluated, for fields that depend on the day; today by default.

        Raises:
            InputError: the query has errors; the message has them all.
        """
        return self.open_catalog().query(text, variables, as_of=as_of)

    def total(
        self,
        record: str,
        where: Mapping[str, Any] | None = None,
        *,
        sum: Sequence[str] = (),
        avg: Sequence[str] = (),
        min: Sequence[str] = (),
        max: Sequence[str] = (),
        as_of: date | None = None,
    ) -> Figures:
        """Returns totals of a list: `total("Transaction", {"customerId": {"eq": id}}, sum=["actualAmount"])`.

        In async functions and Python fields it is awaited. `groups`, `pages` and `derive` need a session.

        Args:
            record: name of the record.
            where: which ones, as the API filters them; all by default.
            sum, avg, min, max: names of the fields to be aggregated.
            as_of: as for `query`.

        Raises:
            InputError: there is no such record or field.
        """
        figures: Figures = self.open_catalog().total(record, where, sum=sum, avg=avg, min=min, max=max, as_of=as_of)
        return figures

    def groups(
        self,
        record: str,
        by: Sequence[Mapping[str, Any]],
        where: Mapping[str, Any] | None = None,
        *,
        sum: Sequence[str] = (),
        avg: Sequence[str] = (),
        min: Sequence[str] = (),
        max: Sequence[str] = (),
        as_of: date | None = None,
    ) -> list[Figures]:
        """Returns the same per group: `groups("Opportunity", [{"stage": {"key": True}}], sum=["expectedAmount"])`.

        Args:
            record, where, sum, avg, min, max, as_of: as for `total`.
            by: the keys, as the API takes them; without any, the whole is the only group.

        Raises:
            InputError: there is no such record or field.
            TooManyGroupsError: there are more groups than one query returns.
        """
        return self.open_catalog().groups(record, by, where, sum=sum, avg=avg, min=min, max=max, as_of=as_of)

    def pages(
        self,
        record: str,
        selection: str,
        where: Mapping[str, Any] | None = None,
        *,
        variables: Mapping[str, tuple[str, Any]] | None = None,
        as_of: date | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yields all records of a list, page by page in the order of their ids: `pages("Customer", "id name")`.

        Args:
            record, where, as_of: as for `total`.
            selection: what is read of each, in GraphQL.
            variables: GraphQL type and value by name, for variables that the selection uses.

        Raises:
            InputError: there is no such record, or the selection has errors.
        """
        return self.open_catalog().pages(record, selection, where, variables=variables, as_of=as_of)

    def derive(
        self,
        record: str,
        fields: Mapping[str, str],
        derivation: Callable[[Any], Any],
        where: Mapping[str, Any] | None = None,
        *,
        by: Sequence[Mapping[str, Any]] = (),
        as_of: date | None = None,
    ) -> list[list[Any]]:
        """Returns the rows of a SELECT over a list, all in one statement, however many records the list has.

        `derive("Transaction", {"day": "occurredOn"}, lambda rows: select(func.max(rows.c.day)))`.

        Args:
            record, where, as_of: as for `total`.
            fields: name of a column to a field, across to-one relations: `{"region": "customer.region"}`. Decimals and
                money are whole numbers of the smallest unit, money in the reporting currency.
            derivation: makes a SQLAlchemy SELECT of the list as a common table expression.
            by: keys as for `groups`; columns `key0`, `key1` … have them as the API shows them, texts as they are
                compared.

        Raises:
            InputError: there is no such record or field.
        """
        return self.open_catalog().derive(record, fields, derivation, where, by=by, as_of=as_of)


class Hooks:
    """Every hook of the contract. A plugin implements those it needs, each marked `@hookimpl`."""

    @hookspec
    def register_records(self) -> Iterable[type[Record]]:
        """Declares the plugin's own records, which become first-class types with lists, filters and mutations.

        When: once per app, while it is built. No database.
        Arguments: none.
        Returns: `Record` classes declared with this plugin's name.
        Transaction: none.
        Failure: the app does not start; the message names plugin, hook and remedy.
        """
        raise NotImplementedError

    @hookspec
    def register_fields(self, settings: Any, reporting_currency: str) -> Iterable[Field]:
        """Adds fields to records of the plugin, the core or other plugins.

        When: once per app, while it is built. No database.
        Arguments: this plugin's `settings`; the `reporting_currency` in which amounts are compared.
        Returns: `Field` declarations: SQL, Python, writable, or passed with a change.
        Transaction: none.
        Failure: the app does not start; a clash of names is refused, naming both owners.
        """
        raise NotImplementedError

    @hookspec
    def register_operations(self, settings: Any) -> Iterable[PluginOperation]:
        """Adds queries and mutations.

        When: once per app, while its schema is built. No database.
        Arguments: this plugin's `settings`.
        Returns: functions declared with `@guanxi.query` and `@guanxi.mutation`.
        Transaction: none here. A mutation runs in one of its own with `ctx`, committed by the host; a query reads one
            state of the data and cannot write.
        Failure: the app does not start; a clash of names is refused, naming both owners. `Reject` in a mutation gives
            `userErrors` and nothing is written; another exception is attributed to the plugin.
        """
        raise NotImplementedError

    @hookspec
    def register_routes(self, settings: Any) -> Iterable[PluginRoute]:
        """Answers HTTP requests other than GraphQL's: files, pages, callbacks of other systems.

        When: once per app, while it is built. No database. A route answers below `/plugins/` and the plugin's name.
        Arguments: this plugin's `settings`.
        Returns: `PluginRoute` declarations, whose functions are async and take `ctx` and Starlette's `Request`.
        Transaction: none; a route writes by `ctx.transact`.
        Failure: the app does not start; the message names the plugin. `BadRequest` in a route is answered with its
            status, `InputError` with 400, and anything else with 500, attributed to the plugin in the log.
        """
        raise NotImplementedError

    @hookspec
    def register_jobs(self, settings: Any) -> Iterable[Job]:
        """Declares the plugin's periodic jobs: expiry, reminders, snapshots, training.

        When: once per app, while it is built. No database. The jobs are run by servers in the background, one at
            a time and each by one process, or by `guanxi jobs run NAME`.
        Arguments: this plugin's `settings`.
        Returns: `Job` declarations.
        Transaction: none here. Each run of a job has one of its own with `ctx`, recorded as the plugin's work and
            committed by the host; that of an async job has none, and writes by `ctx.transact`.
        Failure: the app does not start; a clash of names is refused, naming both owners. A run that fails is rolled
            back, logged and recorded; the job runs again when it is due next.
        """
        raise NotImplementedError

    @hookspec
    def register_panels(self, settings: Any) -> Iterable[Panel]:
        """Adds figures to the page: which query, and what of its answer is drawn.

        When: once per app, while its schema is built, against which each panel is checked. No database.
        Arguments: this plugin's `settings`.
        Returns: `Panel` declarations.
        Transaction: none. The browser sends the queries, with the rights of whoever looks at the page.
        Failure: the app does not start; the message names the panel, and what its query selects where a path leads
            nowhere.
        """
        raise NotImplementedError

    @hookspec
    def register_permissions(self, settings: Any) -> Iterable[Permission | RowRule]:
        """Declares permissions that the plugin's fields, records and operations need, and scopes of rows.

        When: once per app, while it is built. No database.
        Arguments: this plugin's `settings`.
        Returns: `Permission` declarations, each with the roles that have it by default, and `RowRule`s.
        Transaction: none.
        Failure: the app does not start; a clash of names is refused, naming both owners.
        """
        raise NotImplementedError

    @hookspec
    def startup(self, ctx: Context) -> None:
        """Prepares what the plugin needs to serve.

        When: once when the server starts, after the check for pending migrations, in plugin order.
        Arguments: `ctx` with a session of its own. Sync or async; async gets no session.
        Returns: nothing.
        Transaction: its own, committed by the host.
        Failure: the server does not start; the message names the plugin.
        """
        raise NotImplementedError

    @hookspec
    def shutdown(self, ctx: Context) -> None:
        """Releases what `startup` acquired.

        When: once when the server stops, in reverse order.
        Arguments: as for `startup`.
        Returns: nothing.
        Transaction: its own, committed by the host.
        Failure: logged; the other plugins still shut down.
        """
        raise NotImplementedError

    @hookspec
    def actor(self, ctx: Context, headers: Mapping[str, str], address: str) -> Identity | None:
        """Says who sends a request, by a way of the plugin's own: a header of a gateway, a token of another kind.

        When: for each request that carries neither an API key nor the cookie of a session, before anything else of it
            is read; the first plugin that says so decides. At `POST /session` the credential comes as `authorization`,
            and whom it proves gets a session, which ends with the identity's link. With a plugin that has this hook,
            requests that nobody answers for are never the local operator's.
        Arguments: `ctx` without a session; `headers` of the request, by their names in lower case; the client's
            `address`. Sync or async; sync must not wait for anything.
        Returns: `Identity("subject")`, somebody by a name that is theirs for good, with `email` only if it is verified:
            by it a user is found the first time. Afterwards, or where an administrator links the identity, the user
            is known by it, under the issuer `plugin:` and the plugin's name. None where the request says nothing that
            the plugin knows.
        Transaction: none.
        Failure: the request is refused, with the message of a `Reject`, else with a general one, and
            the log has the reason; it is never answered as anybody else's.
        """
        raise NotImplementedError

    @hookspec
    def lock_keys(self, settings: Any, changes: Changes) -> Iterable[Key | RowKey]:
        """Names what `validate` and `before_commit` rely on for these changes, so that nobody changes it meanwhile.

        When: after the changes are settled, before anything is judged; once per chunk of a batch. The keys of all
            plugins are taken together, on PostgreSQL; SQLite has one writer. Without this hook, a plugin with
            `validate` or `before_commit` holds one key for everything, so that its changes are made one at a time.
        Arguments: this plugin's `settings`; `changes` of the transaction or of one chunk of a batch. No database.
        Returns: keys: tuples of texts, such as `("customer", id)`. Of transactions with a key in common one waits for
            the other. No keys cost nothing, and the empty tuple excludes all others of the plugin. `(Invoice, id)`, a
            class and an id, is a row that `before_commit` will write though it is not among the changes: rows are
            locked before keys, so that nobody who changes it waits for a key while this waits for its row.
        Transaction: inside; the keys are held until it ends.
        Failure: an exception rolls the whole transaction back and is attributed to the plugin.
        """
        raise NotImplementedError

    @hookspec
    def validate(self, ctx: Context, changes: Changes) -> Iterable[UserError] | None:
        """Judges changes before they are written.

        When: after the core's own validation, before the flush; the errors of every plugin are collected. What a plugin
            writes in a transaction of its own, such as an operation's, is judged after the flush.
        Arguments: `ctx`; `changes` of the transaction or of one chunk of a batch. Reads only, and none of these changes
            is in the database yet.
        Returns: errors, each naming its `record`; those with `warning=True` do not stop the change.
        Transaction: inside.
        Failure: a returned error becomes `userErrors` and nothing of its record is written; an exception rolls the
            whole transaction back and is attributed to the plugin.
        """
        raise NotImplementedError

    @hookspec
    def questions(self, ctx: Context, changes: Changes) -> Iterable[PreparedQuestion] | None:
        """Names what `before_commit` will ask by `ctx.rows`, so that what all plugins ask takes one round trip.

        When: after the flush, before any plugin's `before_commit`; once per chunk of a batch. Without this hook each
            question takes a round trip of its own.
        Arguments: `ctx`, for settings and clock; `changes`, as for `before_commit`.
        Returns: questions, each as it will be asked: `QUERY.asked(ids=…)` for `ctx.rows(QUERY, ids=…)`. What
            nobody asks costs next to nothing.
        Transaction: inside. Questions are asked when the first hook asks one of them. Their answers no longer count
            once something is written to their tables, or anything is locked: then `ctx.rows` asks anew.
        Failure: an exception rolls the whole transaction back and is attributed to the plugin.
        """
        raise NotImplementedError

    @hookspec
    def before_commit(self, ctx: Context, changes: Changes) -> Iterable[UserError] | None:
        """Writes what belongs to the changes, in the same transaction.

        When: after the flush, before the commit; once per chunk of a batch, in plugin order. Records it writes are
            held to the same rules as input and judged by every plugin's `validate`, but not passed to this hook again.
        Arguments: `ctx`; `changes`, whose records are flushed.
        Returns: warnings that only what is written shows, such as of a field that another plugin derives; or nothing.
        Transaction: inside.
        Failure: `Reject` gives `userErrors`; in a batch the chunk is repeated without the rows it names, row by row
            when it names none. Another exception rolls everything back and is attributed to the plugin.
        """
        raise NotImplementedError

    @hookspec
    def after_commit(self, ctx: Context, events: Sequence[Event]) -> None:
        """Reacts to what was committed: messages, other systems, follow-up work.

        When: soon after the commit, from the event log; at least once, at the plugin's own pace, and in order for each
            record.
        Arguments: `ctx` with a session of its own; `events` of one transaction, but not those of the plugin's own work.
            Sync or async; async gets no session and is limited to GUANXI_DELIVERY_DEADLINE_MS.
        Returns: nothing.
        Transaction: its own, committed by the host together with the cursor.
        Failure: logged and tried again with growing pauses, by default for 24 hours (`retries = Retries(…)`). Later
            events of the same records wait behind it; those of other records, and other plugins, go on. What fails for
            longer is set aside for `guanxi plugins retry`, and its records' later events go on. No client sees it.
        """
        raise NotImplementedError

    @hookspec
    def send(self, ctx: Context, message: Message) -> bool:
        """Sends a message to a person by a channel that the plugin serves: e-mail, text message, chat.

        When: when a plugin's async hook calls `ctx.send`; the first plugin that serves the channel sends it.
        Arguments: `ctx` without a session; `message`. Sync or async; sync runs in a thread of its own.
        Returns: whether the channel has accepted the message; False where the plugin does not serve the channel.
        Transaction: none.
        Failure: passed to the plugin that called. `Reject` means that the message can never be sent, such as to an
            address that does not exist; any other exception, that it may be tried again.
        """
        raise NotImplementedError

    @hookspec
    def erase(self, ctx: Context, records: Sequence[Record]) -> None:
        """Erases personal data that the plugin keeps elsewhere than in columns marked `personal`.

        When: while `erasePersonalData` runs, before those columns are emptied; again if it is repeated.
        Arguments: `ctx`; `records`, contacts and customers as they are stored.
        Returns: nothing.
        Transaction: inside. What it writes by `ctx.session` is neither logged nor judged.
        Failure: an exception rolls the whole transaction back and is attributed to the plugin.
        """
        raise NotImplementedError

    @hookspec
    def merge(self, ctx: Context, into: Record, merged: Sequence[Record]) -> None:
        """Brings together what the plugin keeps of records that are merged, where that is more than a reference.

        When: while `mergeCustomers` or `mergeContacts` runs, before anything else of them is written. Afterwards the
            core has all records that refer to merged ones refer to `into`, but for the history of a field (`history=`),
            and for those of which there may be one only, where `into` has one; then `before_commit` is called with
            these changes, each with `is_moved`. Of facets, input fields are chosen by whoever merges.
        Arguments: `ctx`; `into`, the record that stays; `merged`, those that will be deleted.
        Returns: nothing.
        Transaction: inside. What it changes of records and facets by `ctx` is logged, and undone by `unmerge`.
        Failure: `Reject` gives `userErrors`, and nothing is merged; another exception rolls the whole transaction back
            and is attributed to the plugin.
        """
        raise NotImplementedError

    @hookspec
    def purge(self, ctx: Context) -> None:
        """Removes what the plugin keeps elsewhere than in the database: files, entries in other systems.

        When: by `guanxi plugins purge NAME --installed`, once it is confirmed, before the plugin's tables go.
        Arguments: `ctx` with a session of its own. Sync or async; async gets no session.
        Returns: nothing.
        Transaction: its own, committed by the host before the tables go.
        Failure: nothing is purged; the message names the plugin.
        """
        raise NotImplementedError

    @hookspec
    def sample_data(self, ctx: Context, chance: random.Random) -> None:
        """Creates sample data of the plugin's own, realistic and the same each time.

        When: once, by `guanxi demo`, after the core's sample data, in plugin order.
        Arguments: `ctx`, whose clock shows the day the sample ends; `chance` with a fixed seed of the plugin's own.
        Returns: nothing.
        Transaction: its own, committed by the host; recorded as the demo's work.
        Failure: the demo does not start; the message names the plugin, and the next start begins from scratch.
        """
        raise NotImplementedError


HOOK_NAMES = tuple(name for name in vars(Hooks) if not name.startswith("_"))
