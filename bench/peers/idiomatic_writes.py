"""The program a good engineer writes with Strawberry and SQLAlchemy's async ORM when every change is to be logged.

Each mutation is one transaction of one session: it reads the record under a lock, changes it, counts its version up,
adds a batch with its events, which hold the values before and after, and answers with the record. The session sends
each kind of statement once. It is one file, so that it can be read as the program it stands for.
"""

import os
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import strawberry
from sqlalchemy import JSON, DateTime, ForeignKey, String, event, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.utils.str_converters import to_camel_case

URL = os.environ["BENCH_URL"].replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")
is_sqlite = "aiosqlite" in URL
# SQLite has one writer: whoever waits for its connection waits in order.
engine = (
    create_async_engine(URL, pool_size=1, max_overflow=0)
    if is_sqlite
    else create_async_engine(URL, pool_size=8, connect_args={"server_settings": {"jit": "off"}})
)
sessions = async_sessionmaker(engine, expire_on_commit=False)

if is_sqlite:

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def now() -> Any:
    """The moment, as the column keeps it."""
    moment = datetime.now(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if is_sqlite else moment


def new_id(prefix: str) -> str:
    """An id that sorts after earlier ones."""
    return f"{prefix}_{time.time_ns():016x}{secrets.token_hex(5)}"


Moment = DateTime(timezone=True).with_variant(String(), "sqlite")
Document = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """The tables as this program maps them."""


class Stamped:
    """What every record has."""

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[Any] = mapped_column(Moment, default=now)
    created_by: Mapped[str] = mapped_column(default="idiomatic")
    updated_at: Mapped[Any] = mapped_column(Moment, default=now, onupdate=now)
    updated_by: Mapped[str] = mapped_column(default="idiomatic", onupdate="idiomatic")
    deleted_at: Mapped[Any] = mapped_column(Moment)


class CustomerRow(Stamped, Base):
    __tablename__ = "customer"
    name: Mapped[str]
    name_folded: Mapped[str]
    industry: Mapped[str | None]
    industry_folded: Mapped[str | None]
    region: Mapped[str | None]
    region_folded: Mapped[str | None]
    city: Mapped[str | None]
    city_folded: Mapped[str | None]
    employee_count: Mapped[int | None]
    kind: Mapped[str] = mapped_column(default="COMPANY")
    status: Mapped[str] = mapped_column(default="PROSPECT")
    account_relation: Mapped[str] = mapped_column(default="UNSPECIFIED")
    do_not_contact: Mapped[bool] = mapped_column(default=False)
    needs: Mapped[list[str]] = mapped_column(Document, default=list)
    preferences: Mapped[list[str]] = mapped_column(Document, default=list)
    interests: Mapped[list[str]] = mapped_column(Document, default=list)
    industry_competitors: Mapped[list[str]] = mapped_column(Document, default=list)


class StageRow(Base):
    __tablename__ = "stage"
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]


class OpportunityRow(Stamped, Base):
    __tablename__ = "opportunity"
    name: Mapped[str]
    status: Mapped[str]
    next_action: Mapped[str | None]
    stage_id: Mapped[str] = mapped_column(ForeignKey("stage.id"))
    stage_entered_at: Mapped[Any] = mapped_column(Moment)
    stage: Mapped[StageRow] = relationship()


class TransitionRow(Stamped, Base):
    __tablename__ = "stage_transition"
    opportunity_id: Mapped[str] = mapped_column(ForeignKey("opportunity.id"))
    from_stage_id: Mapped[str | None]
    to_stage_id: Mapped[str]
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    moved_at: Mapped[Any] = mapped_column(Moment, default=now)
    moved_by: Mapped[str] = mapped_column(default="idiomatic")


class CounterRow(Base):
    __tablename__ = "event_counter"
    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class BatchRow(Base):
    __tablename__ = "event_batch"
    id: Mapped[str] = mapped_column(primary_key=True)
    recorded_at: Mapped[Any] = mapped_column(Moment, default=now)
    actor: Mapped[str] = mapped_column(default="idiomatic")
    # On PostgreSQL the numbers are given after the commit.
    sequence: Mapped[int | None]


class EventRow(Base):
    __tablename__ = "event"
    id: Mapped[str] = mapped_column(primary_key=True)
    batch_id: Mapped[str]
    type: Mapped[str]
    entity_type: Mapped[str]
    entity_id: Mapped[str]
    action: Mapped[str]
    occurred_at: Mapped[Any] = mapped_column(Moment, default=now)
    changes: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    data: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)


Changes = Mapping[str, list[Any]]


def shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def changed(row: Any, **values: Any) -> Changes:
    """Sets values of a row; returns those that change, before and after."""
    found = {}
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            found[to_camel_case(name)] = [shown(before), shown(value)]
            setattr(row, name, value)
    if found:
        row.version += 1
    return found


async def log(session: AsyncSession, row: Any, *events: tuple[str, str, Changes]) -> None:
    """Adds a batch with the events of a record: each with its type, its action and its changes."""
    batch = BatchRow(id=new_id("evb"))
    if is_sqlite:
        counted = update(CounterRow).values(last=CounterRow.last + 1).returning(CounterRow.last)
        batch.sequence = await session.scalar(counted)
    session.add(batch)
    for type_, action, changes in events:
        session.add(
            EventRow(
                id=new_id("evt"),
                batch_id=batch.id,
                type=type_,
                entity_type=type(row).__name__.removesuffix("Row"),
                entity_id=row.id,
                action=action,
                changes=changes,
            )
        )


@strawberry.type
class Customer:
    id: strawberry.ID
    version: int
    name: str
    industry: str | None
    region: str | None
    city: str | None
    employee_count: int | None

    @classmethod
    def of(cls, row: CustomerRow) -> "Customer":
        return cls(
            id=strawberry.ID(row.id),
            version=row.version,
            name=row.name,
            industry=row.industry,
            region=row.region,
            city=row.city,
            employee_count=row.employee_count,
        )


@strawberry.type
class Stage:
    key: str


@strawberry.type
class Opportunity:
    id: strawberry.ID
    version: int
    name: str
    next_action: str | None
    stage: Stage

    @classmethod
    def of(cls, row: OpportunityRow) -> "Opportunity":
        return cls(
            id=strawberry.ID(row.id),
            version=row.version,
            name=row.name,
            next_action=row.next_action,
            stage=Stage(key=row.stage.key),
        )


@strawberry.type
class UserError:
    code: str
    message: str


@strawberry.type
class CustomerPayload:
    customer: Customer | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class OpportunityPayload:
    opportunity: Opportunity | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class CreateCustomerInput:
    name: str
    industry: str | None = None
    region: str | None = None
    employee_count: int | None = None


@strawberry.input
class UpdateCustomerInput:
    id: strawberry.ID
    city: str | None = None


@strawberry.input
class UpdateOpportunityInput:
    id: strawberry.ID
    next_action: str | None = None


@strawberry.input
class MoveOpportunityInput:
    id: strawberry.ID
    stage_key: str


def folded(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def missing(id: str) -> list[UserError]:
    return [UserError(code="NOT_FOUND", message=f"there is no record {id}")]


async def locked_opportunity(session: AsyncSession, id: str) -> OpportunityRow | None:
    query = select(OpportunityRow).where(OpportunityRow.id == id, OpportunityRow.deleted_at.is_(None))
    query = query.options(joinedload(OpportunityRow.stage, innerjoin=True))
    return await session.scalar(query.with_for_update(key_share=True, of=OpportunityRow))


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, id: strawberry.ID) -> Customer | None:
        async with sessions() as session:
            row = await session.get(CustomerRow, id)
        return Customer.of(row) if row and row.deleted_at is None else None


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def create_customer(self, input: CreateCustomerInput) -> CustomerPayload:
        async with sessions.begin() as session:
            row = CustomerRow(
                id=new_id("cus"),
                version=1,
                name=input.name,
                name_folded=input.name.casefold(),
                industry=input.industry,
                industry_folded=folded(input.industry),
                region=input.region,
                region_folded=folded(input.region),
                employee_count=input.employee_count,
            )
            session.add(row)
            given = {to_camel_case(name): [None, value] for name, value in vars(input).items() if value is not None}
            await log(session, row, ("CUSTOMER_CREATED", "CREATED", given))
        return CustomerPayload(customer=Customer.of(row))

    @strawberry.mutation
    async def update_customer(self, input: UpdateCustomerInput) -> CustomerPayload:
        async with sessions.begin() as session:
            query = select(CustomerRow).where(CustomerRow.id == input.id, CustomerRow.deleted_at.is_(None))
            row = await session.scalar(query.with_for_update(key_share=True))
            if row is None:
                return CustomerPayload(user_errors=missing(input.id))
            changes = changed(row, city=input.city)
            if changes:
                row.city_folded = folded(input.city)
                await log(session, row, ("CUSTOMER_UPDATED", "UPDATED", changes))
        return CustomerPayload(customer=Customer.of(row))

    @strawberry.mutation
    async def update_opportunity(self, input: UpdateOpportunityInput) -> OpportunityPayload:
        async with sessions.begin() as session:
            row = await locked_opportunity(session, input.id)
            if row is None:
                return OpportunityPayload(user_errors=missing(input.id))
            changes = changed(row, next_action=input.next_action)
            if changes:
                await log(session, row, ("OPPORTUNITY_UPDATED", "UPDATED", changes))
        return OpportunityPayload(opportunity=Opportunity.of(row))

    @strawberry.mutation
    async def move_opportunity(self, input: MoveOpportunityInput) -> OpportunityPayload:
        async with sessions.begin() as session:
            row = await locked_opportunity(session, input.id)
            stage = await session.scalar(select(StageRow).where(StageRow.key == input.stage_key))
            if row is None or stage is None:
                return OpportunityPayload(user_errors=missing(input.id if row is None else input.stage_key))
            left = row.stage_id
            if left != stage.id:
                changes = changed(row, stage_id=stage.id, stage_entered_at=now())
                row.stage = stage
                session.add(
                    TransitionRow(
                        id=new_id("stt"),
                        opportunity_id=row.id,
                        from_stage_id=left,
                        to_stage_id=stage.id,
                        from_status=row.status,
                        to_status=row.status,
                    )
                )
                moved: tuple[str, str, Changes] = ("OPPORTUNITY_STAGE_CHANGED", "PUBLISHED", {})
                await log(session, row, moved, ("OPPORTUNITY_UPDATED", "UPDATED", changes))
        return OpportunityPayload(opportunity=Opportunity.of(row))


schema = strawberry.Schema(
    Query, Mutation, extensions=[lambda: ParserCache(maxsize=500), lambda: ValidationCache(maxsize=500)]
)
app: GraphQL[None, None] = GraphQL(schema, graphql_ide=None)
