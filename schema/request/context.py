"""What one request carries through the schema: who asks, what time it is, and the services that answer."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from core.access.allowances import Allowances
from core.access.authentication import Authentication
from core.base.actors import LOCAL, Actor
from core.base.clock import BusinessClock
from core.base.ids import new_id
from core.base.languages import ENGLISH, Language
from core.base.settings import Settings
from core.base.signatures import signature
from core.db.database import Database
from core.host.host import PluginHost
from schema.catalog.access import AccessControl, GetAccess
from schema.catalog.catalog import Catalog
from schema.read.reader import Reader
from schema.request.compiling import Compiling
from schema.request.documents import Documents
from schema.request.permits import AccessPermit, PermitPlans
from schema.sql.binds import Moment


@dataclass(slots=True)
class Services:
    """What all requests of an app share.

    Attributes:
        settings: of the app.
        catalog: its records and fields.
        database: where everything is stored.
        host: its plugins.
        clock: the source of time.
        access: what an actor may see.
        authentication: who sends a request.
        open_documents: gives the documents it was asked, for which the schema is made.
        compiling: compiles what is asked for the first time.
        reader: runs statements that read.
        control: tells what the permissions of actors allow.
        permits: tell what callers may write.
        secret: signs cursors and what plugins sign.
        announce: called after a commit that has events, in whatever thread.
        note_lasting: called after a commit of what a restore must not undo, in a thread.
        allowances: how many requests somebody may send.
        languages: that messages are said in, by tag, English first.
    """

    settings: Settings
    catalog: Catalog
    database: Database
    host: PluginHost
    clock: BusinessClock
    access: GetAccess
    authentication: Authentication
    open_documents: Callable[[], Documents]
    compiling: Compiling
    reader: Reader
    control: AccessControl
    permits: PermitPlans
    secret: bytes = field(repr=False)
    announce: Callable[[], None]
    note_lasting: Callable[[], None]
    allowances: Allowances
    languages: Mapping[str, Language]

    def sign(self, plugin: str, text: str) -> str:
        """A plugin's signature of a text."""
        return signature(self.secret, f"plugin {plugin}", text)

    @property
    def documents(self) -> Documents:
        """Its cached documents."""
        return self.open_documents()


class RequestContext:
    """One request: who asks, what they may see, what they read, and what time it is."""

    def __init__(
        self,
        services: Services,
        *,
        actor: Actor = LOCAL,
        request_id: str | None = None,
        language: Language = ENGLISH,
    ) -> None:
        self.services = services
        self.actor = actor
        self.language = language
        self.access = services.access(actor)
        self.clock = services.clock if actor.time_zone is None else services.clock.of(actor.time_zone)
        self.now: datetime = self.clock.now()
        if request_id is not None:
            self.request_id = request_id
        #: How many statements it took so far.
        self.statements = 0
        #: What its operation was reckoned to cost, where that is known.
        self.cost: int | None = None

    @cached_property
    def request_id(self) -> str:
        """The id it is known by in logs and events."""
        return new_id("req")

    @property
    def settings(self) -> Settings:
        """The app's settings."""
        return self.services.settings

    @property
    def permit(self) -> AccessPermit:
        """What its caller may write."""
        return AccessPermit(self.services.permits, self.access, self.about)

    def about(self, ids: Collection[str]) -> Moment:
        """What the values of a statement about some records are read from."""
        return Moment({}, self.now, self.actor, self.services.secret, self.clock.zone, list(ids))

    def by(self, actor: Actor) -> "RequestContext":
        """The same request in another's name."""
        return RequestContext(self.services, actor=actor, request_id=self.request_id, language=self.language)

    def on(self, day: date | None) -> "RequestContext":
        """The same request at the end of another day; itself where none is named."""
        if day is None:
            return self
        context = self.by(self.actor)
        context.clock = self.clock.at_end_of(day)
        context.now = context.clock.now()
        return context
