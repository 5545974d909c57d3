"""The program that Strawchemy makes of SQLAlchemy models: each root field is one statement; its caches are on."""

import os

import strawberry
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawchemy import Strawchemy, StrawchemyAsyncRepository, StrawchemyConfig

URL = os.environ["BENCH_URL"].replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")
engine = create_async_engine(
    URL, pool_size=8, connect_args={"server_settings": {"jit": "off"}} if "asyncpg" in URL else {}
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
strawchemy = Strawchemy(
    StrawchemyConfig("postgresql" if "asyncpg" in URL else "sqlite", repository_type=StrawchemyAsyncRepository)
)


class Base(DeclarativeBase):
    """The tables as this program maps them."""


class OpportunityRow(Base):
    __tablename__ = "opportunity"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class RoleRow(Base):
    __tablename__ = "opportunity_contact"
    id: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"))
    opportunity_id: Mapped[str] = mapped_column(ForeignKey("opportunity.id"))
    buying_role: Mapped[str | None]
    opportunity: Mapped[OpportunityRow] = relationship()


class ContactRow(Base):
    __tablename__ = "contact"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    attitude: Mapped[str | None]
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customer.id"))
    opportunity_roles: Mapped[list[RoleRow]] = relationship()


class CustomerRow(Base):
    __tablename__ = "customer"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_folded: Mapped[str]
    industry: Mapped[str | None]
    region: Mapped[str | None]
    employee_count: Mapped[int | None]
    contacts: Mapped[list[ContactRow]] = relationship()


@strawchemy.type(OpportunityRow, include="all", paginate="all", order="all")
class Opportunity:
    """An opportunity."""


@strawchemy.type(RoleRow, include="all", paginate="all", order="all")
class Role:
    """The role of a contact in an opportunity."""


@strawchemy.type(ContactRow, include="all", paginate="all", order="all")
class Contact:
    """A contact."""


@strawchemy.order(CustomerRow, include="all")
class CustomerOrder:
    """An order of customers."""


@strawchemy.type(CustomerRow, include="all", paginate="all", order="all")
class Customer:
    """A customer."""


@strawberry.type
class Query:
    """All that is asked."""

    customer: Customer = strawchemy.field()
    customers: list[Customer] = strawchemy.field(order_by_input=CustomerOrder, pagination=True)


schema = strawberry.Schema(query=Query, extensions=[ParserCache(maxsize=500), ValidationCache(maxsize=500)])


class Context:
    """What Strawchemy asks for the session."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session


class App(GraphQL[Context, None]):
    """The server, with a session per request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        async with sessions() as session:
            scope["session"] = session
            await super().__call__(scope, receive, send)

    async def get_context(self, request: Request, response: Response) -> Context:  # type: ignore[override]
        """The context of a request."""
        return Context(request.scope["session"])


app = App(schema)
