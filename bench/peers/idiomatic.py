"""The program a good engineer writes with Strawberry, SQLAlchemy's async ORM and DataLoaders, caches on.

It serves the same queries on the same tables: lists by one SELECT with filter, order and keyset; children of a list by
one windowed SELECT per level, through DataLoaders; a plugin's values by a DataLoader apart from the join that filters.
It is one file, so that it can be read as the program it stands for.
"""

import base64
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import JSON, DateTime, String, func, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

URL = os.environ["BENCH_URL"].replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")
engine = create_async_engine(
    URL, pool_size=8, connect_args={"server_settings": {"jit": "off"}} if "asyncpg" in URL else {}
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables as this program maps them."""


Moment = DateTime(timezone=True).with_variant(String(), "sqlite")
List = JSON().with_variant(JSONB(), "postgresql")


def now() -> Any:
    """The moment, as the column keeps it."""
    moment = datetime.now(UTC)
    return moment if "asyncpg" in URL else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class CustomerRow(Base):
    __tablename__ = "customer"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_folded: Mapped[str]
    industry: Mapped[str | None]
    industry_folded: Mapped[str | None]
    region: Mapped[str | None]
    region_folded: Mapped[str | None]
    employee_count: Mapped[int | None]
    annual_revenue_minor: Mapped[int | None]
    annual_revenue_currency: Mapped[str | None]
    annual_revenue_reporting: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[Any] = mapped_column(Moment, default=now)
    created_by: Mapped[str] = mapped_column(default="local")
    updated_at: Mapped[Any] = mapped_column(Moment, default=now, onupdate=now)
    updated_by: Mapped[str] = mapped_column(default="local")
    deleted_at: Mapped[Any] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(default="COMPANY")
    status: Mapped[str] = mapped_column(default="ACTIVE")
    account_relation: Mapped[str] = mapped_column(default="UNSPECIFIED")
    do_not_contact: Mapped[bool] = mapped_column(default=False)
    needs: Mapped[list[str]] = mapped_column(List, default=list)
    preferences: Mapped[list[str]] = mapped_column(List, default=list)
    interests: Mapped[list[str]] = mapped_column(List, default=list)
    industry_competitors: Mapped[list[str]] = mapped_column(List, default=list)


class ContactRow(Base):
    __tablename__ = "contact"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    attitude: Mapped[str | None]
    customer_id: Mapped[str | None]
    deleted_at: Mapped[str | None]


class RoleRow(Base):
    __tablename__ = "opportunity_contact"
    id: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[str]
    opportunity_id: Mapped[str]
    buying_role: Mapped[str | None]
    deleted_at: Mapped[str | None]


class OpportunityRow(Base):
    __tablename__ = "opportunity"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    stage_id: Mapped[str]
    expected_amount_reporting: Mapped[int | None]
    deleted_at: Mapped[str | None]


class StageRow(Base):
    __tablename__ = "stage"
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]


class ValueRow(Base):
    __tablename__ = "value_tiering_customer_value"
    record_id: Mapped[str] = mapped_column(primary_key=True)
    tier: Mapped[str | None]
    rank: Mapped[int | None]
    current: Mapped[int | None]


def top_of_each(model: Any, parent: Any, ids: Sequence[str], limit: int) -> Any:
    """The first rows of each parent by id, in one windowed SELECT."""
    place = func.row_number().over(partition_by=parent, order_by=model.id).label("place")
    ranked = select(model, place).where(parent.in_(ids), model.deleted_at.is_(None)).subquery()
    row = aliased(model, ranked)
    return select(row).where(ranked.c.place <= limit).order_by(ranked.c.place)


async def load_children(model: Any, column: str, keys: Sequence[tuple[str, int]]) -> list[list[Any]]:
    """The children of many parents."""
    found: dict[str, list[Any]] = defaultdict(list)
    limit = max(limit for _, limit in keys)
    async with sessions() as session:
        parent = getattr(model, column)
        for row in await session.scalars(top_of_each(model, parent, [id for id, _ in keys], limit)):
            found[getattr(row, column)].append(row)
    return [found[id] for id, _ in keys]


async def load_contacts(keys: list[tuple[str, int]]) -> list[list[Any]]:
    return await load_children(ContactRow, "customer_id", keys)


async def load_roles(keys: list[tuple[str, int]]) -> list[list[Any]]:
    return await load_children(RoleRow, "contact_id", keys)


async def load_opportunities(ids: list[str]) -> list[Any]:
    async with sessions() as session:
        rows = await session.scalars(select(OpportunityRow).where(OpportunityRow.id.in_(ids)))
        found = {row.id: row for row in rows}
    return [found.get(id) for id in ids]


async def load_values(ids: list[str]) -> list[Any]:
    async with sessions() as session:
        rows = await session.scalars(select(ValueRow).where(ValueRow.record_id.in_(ids)))
        found = {row.record_id: row for row in rows}
    return [found.get(id) for id in ids]


@strawberry.enum
class ValueTier(Enum):
    IMPORTANT = "IMPORTANT"
    MAIN = "MAIN"
    ORDINARY = "ORDINARY"
    SMALL = "SMALL"


@strawberry.enum
class Direction(Enum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.type
class Opportunity:
    id: strawberry.ID
    name: str


@strawberry.type
class Role:
    id: strawberry.ID
    buying_role: str | None
    opportunity_id: strawberry.Private[str]

    @strawberry.field
    async def opportunity(self, info: strawberry.Info) -> Opportunity | None:
        row = await info.context["opportunities"].load(self.opportunity_id)
        return row and Opportunity(id=row.id, name=row.name)


@strawberry.type
class RoleConnection:
    nodes: list[Role]


@strawberry.type
class Contact:
    id: strawberry.ID
    name: str
    attitude: str | None

    @strawberry.field
    async def opportunity_roles(self, info: strawberry.Info, first: int = 50) -> RoleConnection:
        rows = await info.context["roles"].load((self.id, first))
        return RoleConnection(
            nodes=[Role(id=row.id, buying_role=row.buying_role, opportunity_id=row.opportunity_id) for row in rows]
        )


@strawberry.type
class ContactConnection:
    nodes: list[Contact]


@strawberry.type
class Customer:
    id: strawberry.ID
    name: str
    industry: str | None
    region: str | None
    employee_count: int | None

    @strawberry.field
    async def contacts(self, info: strawberry.Info, first: int = 50) -> ContactConnection:
        rows = await info.context["contacts"].load((self.id, first))
        return ContactConnection(nodes=[Contact(id=row.id, name=row.name, attitude=row.attitude) for row in rows])

    @strawberry.field
    async def value_tier(self, info: strawberry.Info) -> ValueTier | None:
        row = await info.context["values"].load(self.id)
        return ValueTier(row.tier) if row and row.tier else None

    @strawberry.field
    async def value_rank(self, info: strawberry.Info) -> int | None:
        row = await info.context["values"].load(self.id)
        return row and row.rank

    @strawberry.field
    def label(self) -> str | None:
        return f"{self.name} ({self.region})"


@strawberry.type
class PageInfo:
    end_cursor: str | None


@strawberry.type
class CustomerConnection:
    nodes: list[Customer]
    page_info: PageInfo


@strawberry.input
class ValueTierFilter:
    in_: list[ValueTier] | None = strawberry.field(name="in", default=None)


@strawberry.input
class CustomerWhere:
    value_tier: ValueTierFilter | None = None


@strawberry.input
class CustomerOrder:
    name: Direction | None = None
    current_value: Direction | None = None


@strawberry.type
class StageKeys:
    key: str


@strawberry.type
class GroupKeys:
    stage: StageKeys


@strawberry.type
class Money:
    amount: str


@strawberry.type
class MoneySum:
    total: Money


@strawberry.type
class OpportunitySum:
    expected_amount: MoneySum


@strawberry.type
class OpportunityAggregate:
    count: int
    sum: OpportunitySum


@strawberry.type
class OpportunityGroup:
    keys: GroupKeys
    aggregate: OpportunityAggregate


@strawberry.input
class StageGroupKey:
    key: bool | None = None


@strawberry.input
class OpportunityGroupKey:
    stage: StageGroupKey | None = None


def shown(row: CustomerRow) -> Customer:
    return Customer(
        id=row.id, name=row.name, industry=row.industry, region=row.region, employee_count=row.employee_count
    )


def read_cursor(cursor: str) -> tuple[str, str]:
    key, id = json.loads(base64.urlsafe_b64decode(cursor))
    return key, id


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, id: strawberry.ID) -> Customer | None:
        async with sessions() as session:
            row = await session.get(CustomerRow, id)
        return shown(row) if row and row.deleted_at is None else None

    @strawberry.field
    async def customers(
        self,
        first: int = 50,
        after: str | None = None,
        where: CustomerWhere | None = None,
        order_by: list[CustomerOrder] | None = None,
    ) -> CustomerConnection:
        query = select(CustomerRow).where(CustomerRow.deleted_at.is_(None))
        by_value = bool(order_by and order_by[0].current_value)
        if by_value or (where and where.value_tier):
            query = query.outerjoin(ValueRow, ValueRow.record_id == CustomerRow.id)
        if where and where.value_tier and where.value_tier.in_ is not None:
            query = query.where(ValueRow.tier.in_([tier.value for tier in where.value_tier.in_]))
        if by_value:
            query = query.order_by(ValueRow.current.desc().nulls_last(), CustomerRow.id.desc())
        elif order_by:
            query = query.order_by(CustomerRow.name_folded, CustomerRow.id)
        else:
            query = query.order_by(CustomerRow.id)
        if after:
            query = query.where(tuple_(CustomerRow.name_folded, CustomerRow.id) > read_cursor(after))
        async with sessions() as session:
            rows = (await session.scalars(query.limit(first))).all()
        last = rows[-1] if rows else None
        cursor = last and base64.urlsafe_b64encode(json.dumps([last.name_folded, last.id]).encode()).decode()
        return CustomerConnection(nodes=[shown(row) for row in rows], page_info=PageInfo(end_cursor=cursor))

    @strawberry.field
    async def opportunities_group_by(self, by: list[OpportunityGroupKey]) -> list[OpportunityGroup]:
        query = (
            select(StageRow.key, func.count(), func.sum(OpportunityRow.expected_amount_reporting))
            .join(StageRow, StageRow.id == OpportunityRow.stage_id)
            .where(OpportunityRow.deleted_at.is_(None))
            .group_by(StageRow.key)
            .order_by(StageRow.key)
        )
        async with sessions() as session:
            rows = (await session.execute(query)).all()
        return [
            OpportunityGroup(
                keys=GroupKeys(stage=StageKeys(key=key)),
                aggregate=OpportunityAggregate(
                    count=count,
                    sum=OpportunitySum(
                        expected_amount=MoneySum(total=Money(amount=f"{int(total) // 100}.{int(total) % 100:02d}"))
                    ),
                ),
            )
            for key, count, total in rows
        ]


@strawberry.input
class MoneyInput:
    amount: Decimal
    currency: str


@strawberry.enum
class CustomerMatchKey(Enum):
    ID = "ID"


@strawberry.input
class CustomerUpsertItem:
    id: strawberry.ID
    name: str
    industry: str | None = None
    region: str | None = None
    employee_count: int | None = None
    annual_revenue: MoneyInput | None = None


@strawberry.input
class UpsertCustomersInput:
    items: list[CustomerUpsertItem]
    match_by: CustomerMatchKey


@strawberry.type
class UpsertCustomersPayload:
    created: int = 0
    updated: int = 0
    unchanged: int = 0


def stored(item: CustomerUpsertItem) -> dict[str, Any]:
    """The values of a row, as columns."""
    minor = item.annual_revenue and int(item.annual_revenue.amount * 100)
    return {
        "name": item.name,
        "name_folded": item.name.casefold(),
        "industry": item.industry,
        "industry_folded": item.industry and item.industry.casefold(),
        "region": item.region,
        "region_folded": item.region and item.region.casefold(),
        "employee_count": item.employee_count,
        "annual_revenue_minor": minor,
        "annual_revenue_currency": item.annual_revenue and item.annual_revenue.currency,
        "annual_revenue_reporting": minor,
    }


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def upsert_customers(self, input: UpsertCustomersInput) -> UpsertCustomersPayload:
        payload = UpsertCustomersPayload()
        async with sessions.begin() as session:
            ids = [item.id for item in input.items]
            rows = await session.scalars(select(CustomerRow).where(CustomerRow.id.in_(ids)))
            found = {row.id: row for row in rows}
            for item in input.items:
                row, values = found.get(item.id), stored(item)
                if row is None:
                    session.add(CustomerRow(id=item.id, **values))
                    payload.created += 1
                elif any(getattr(row, name) != value for name, value in values.items()):
                    for name, value in values.items():
                        setattr(row, name, value)
                    row.version += 1
                    payload.updated += 1
                else:
                    payload.unchanged += 1
        return payload


class App(GraphQL[dict[str, Any], None]):
    """The endpoint, with fresh loaders per request."""

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {
            "contacts": DataLoader(load_fn=load_contacts),
            "roles": DataLoader(load_fn=load_roles),
            "opportunities": DataLoader(load_fn=load_opportunities),
            "values": DataLoader(load_fn=load_values),
        }


schema = strawberry.Schema(
    Query, Mutation, extensions=[lambda: ParserCache(maxsize=500), lambda: ValidationCache(maxsize=500)]
)
app = App(schema, graphql_ide=None)
