"""Enters the world through the public API, and keeps what was sent as the rows the oracle answers from."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from guanxi import FixedClock
from guanxi.testing import Client
from tests.oracle import plugin, rules, tiers
from tests.oracle.oracle import shown
from tests.oracle.records import Money, Records, Row
from tests.oracle.shapes import Kind, Shape
from tests.oracle.world import ASKED, CHANGED, DELETED, OVERRIDDEN, RANKED, SCALES, Sent, World

AUTHOR = "local"

#: Days that an amount's rate is of, the first that is known; else the day on which it is entered.
_DATED_BY = {"Transaction": ("occurredOn",), "Opportunity": ("closedOn", "openedOn"), "Receivable": ("invoicedOn",)}

#: Tiers that are set by hand: which of the ranked customers, the tier, its last day.
_OVERRIDES = [(0, "SMALL", None), (3, "IMPORTANT", date(2025, 6, 1)), (5, "MAIN", date(2025, 12, 31))]


def load(client: Client, clock: FixedClock, world: World, shapes: Mapping[str, Shape]) -> Records:
    """Enters, changes and deletes what the world has, computes tiers, and gives all of it as rows."""
    return _Loading(client, clock, world, shapes).run()


class _Loading:
    def __init__(self, client: Client, clock: FixedClock, world: World, shapes: Mapping[str, Shape]) -> None:
        self._client = client
        self._clock = clock
        self._world = world
        self._shapes = dict(shapes)
        self._rows: dict[str, Row] = {}
        self._steps: list[dict[str, Any]] = []

    def run(self) -> Records:
        """Does it all."""
        self._note_stages()
        for moment, batch in self._world.records:
            self._clock.moment = moment
            if batch:
                self._upsert(batch[0].type, batch)
            for sent in batch:
                self._note_new(sent)
        self._clock.moment = CHANGED
        for type, batch in groupby(sorted(self._world.changes, key=lambda sent: sent.type), key=lambda sent: sent.type):
            changes = list(batch)
            self._upsert(type, changes)
            for sent in changes:
                self._note_change(sent)
        self._clock.moment = DELETED
        self._remove("delete", self._world.deleted)
        self._remove("restore", self._world.restored)
        self._note_steps()
        records = Records(self._shapes, self._rows.values())
        rules.derive(records, ASKED)
        tiers.measure(records)
        self._rank(records)
        plugin.derive(records, ASKED)
        self._clock.moment = ASKED
        # What is noted about the loading itself is not part of the world.
        with self._client.app.database.connection() as connection:
            connection.exec_driver_sql("DELETE FROM audit_entry")
        return records

    # Sending

    def _upsert(self, type: str, batch: Iterable[Sent]) -> None:
        items = [{"id": sent.id} | {name: _written(value) for name, value in sent.values.items()} for sent in batch]
        plural = self._shapes[type].plural[:1].upper() + self._shapes[type].plural[1:]
        answer = self._client.query(
            f"""mutation ($items: [{type}UpsertItem!]!) {{ upsert{plural}(input: {{items: $items, matchBy: ID}}) {{
                failed userErrors {{ message field }} }} }}""",
            items=items,
        )[f"upsert{plural}"]
        assert not answer["failed"], answer["userErrors"][:5]

    def _remove(self, action: str, ids: Iterable[str]) -> None:
        parts = [
            f'm{number}: {action}{self._rows[id].type}(input: {{id: "{id}"}}) {{ userErrors {{ message }} }}'
            for number, id in enumerate(ids)
        ]
        for payload in self._client.query(f"mutation {{ {' '.join(parts)} }}").values():
            assert not payload["userErrors"], payload
        for id in ids:
            row = self._rows[id]
            self._stamp(row, DELETED)
            row.values["deletedAt"] = DELETED if action == "delete" else None

    # What follows from it

    def _note_stages(self) -> None:
        """The stages that every database begins with; all of their values are sent anew."""
        for stage in self._client.query("{ stages { id version createdAt createdBy } }")["stages"]:
            values = self._blank("Stage") | stage | {"createdAt": datetime.fromisoformat(stage["createdAt"])}
            self._rows[stage["id"]] = Row("Stage", values)

    def _blank(self, type: str) -> dict[str, Any]:
        """A row without any value."""
        lists = (Kind.LIST, Kind.TAGS, Kind.EXTERNAL_IDS)
        return {name: [] if kind in lists else None for name, kind in self._shapes[type].fields.items()}

    def _note_new(self, sent: Sent) -> None:
        moment = self._clock.moment
        row = Row(sent.type, self._blank(sent.type))
        row.values |= {"id": sent.id, "version": 1, "createdAt": moment, "createdBy": AUTHOR}
        row.values |= {"updatedAt": moment, "updatedBy": AUTHOR}
        plugin.fill(row, sent.values)
        self._put(row, sent)
        if row.type == "Task":
            row.values["completedAt"] = moment if row["status"] == "DONE" else None
        elif row.type == "Interaction" and row["customerId"] is None:
            about = [self._rows[id] for id in (row["opportunityId"], row["contactId"]) if id is not None]
            row.values["customerId"] = next((other["customerId"] for other in about if other["customerId"]), None)
        elif row.type == "Opportunity":
            self._decide(row)
        self._convert(row)
        self._rows[sent.id] = row

    def _put(self, row: Row, sent: Sent) -> None:
        for name, value in sent.values.items():
            if isinstance(value, Decimal):
                value = value.quantize(Decimal(1).scaleb(-SCALES.get((row.type, name), _places(value))))
            row.values[name] = sorted(value) if name == "tags" else value

    def _convert(self, row: Row) -> None:
        """Works out what amounts are worth in the reporting currency."""
        days = [row[name] for name in _DATED_BY.get(row.type, ()) if row[name] is not None]
        # What a plugin keeps of a record has no day of its own.
        today = self._clock.moment.date()
        for name, kind in self._shapes[row.type].fields.items():
            value = row[name]
            if kind is Kind.MONEY and isinstance(value, tuple) and not isinstance(value, Money):
                day = days[0] if days else today
                row.values[name] = rules.in_reporting_currency(*value, day, self._world.rates)

    def _decide(self, row: Row) -> None:
        """Dates what an opportunity came to, and its entry into its stage (X3)."""
        moment = self._clock.moment
        if row["status"] in rules.OPEN:
            entered = moment if row["openedOn"] is None else rules.midnight(row["openedOn"])
        else:
            won = row["status"] in ("WON", "EXECUTING") or row["wonAt"] is not None
            entered = row["wonAt" if won else "lostAt"] or rules.midnight(row["closedOn"])
            row.values["wonAt" if won else "lostAt"] = entered
        row.values["stageEnteredAt"] = entered
        self._note_step(row, None, entered)

    def _note_step(self, row: Row, before: str | None, moved_at: datetime) -> None:
        self._steps.append(
            self._blank("StageTransition")
            | {
                "version": 1,
                "createdAt": self._clock.moment,
                "createdBy": AUTHOR,
                "updatedAt": self._clock.moment,
                "updatedBy": AUTHOR,
                "opportunityId": row["id"],
                "fromStageId": before,
                "toStageId": row["stageId"],
                "fromStatus": None if before is None else row["status"],
                "toStatus": row["status"],
                "movedAt": moved_at,
                "movedBy": AUTHOR,
            }
        )

    def _note_change(self, sent: Sent) -> None:
        row = self._rows[sent.id]
        before = row["stageId"] if "stageId" in sent.values else None
        self._stamp(row, CHANGED)
        self._put(row, sent)
        if before is not None:
            row.values["stageEnteredAt"] = CHANGED
            self._note_step(row, before, CHANGED)

    def _stamp(self, row: Row, moment: datetime) -> None:
        row.values |= {"version": row["version"] + 1, "updatedAt": moment, "updatedBy": AUTHOR}

    def _note_steps(self) -> None:
        """The log of stages, with the ids that the system gave its entries."""
        query = "{ stageTransitions(first: 1000) { nodes { id opportunityId toStageId createdAt } } }"
        nodes = self._client.query(query)["stageTransitions"]["nodes"]
        ids = {(node["opportunityId"], node["toStageId"], node["createdAt"]): node["id"] for node in nodes}
        assert len(nodes) == len(ids) == len(self._steps)
        for step in self._steps:
            step["id"] = ids[step["opportunityId"], step["toStageId"], shown(step["createdAt"])]
            self._rows[step["id"]] = Row("StageTransition", step)

    # Tiers

    def _rank(self, records: Records) -> None:
        """Computes tiers, sets some by hand, and adds the history of both."""
        changes: list[dict[str, Any]] = []
        self._clock.moment = RANKED
        self._client.query("mutation { recomputeValueTiers(input: {}) { ranked } }")
        ranked = tiers.rank(records)
        for row in ranked:
            row.values |= {"valueTierSince": RANKED.date(), "valueTierSource": "RANKED"}
            changes.append(self._tier_change(row, None, RANKED, "RECOMPUTED", None))
        self._clock.moment = OVERRIDDEN
        for place, tier, until in _OVERRIDES:
            row = ranked[place]
            reason = f"for {tier}"
            self._client.query(
                """mutation ($input: OverrideValueTierInput!) { overrideValueTier(input: $input) {
                    userErrors { message } } }""",
                input={"customerId": row["id"], "tier": tier, "reason": reason, "until": _written(until)},
            )
            row.values |= {
                "valueTierOverrideReason": reason,
                "valueTierOverrideBy": AUTHOR,
                "valueTierOverrideAt": OVERRIDDEN,
                "valueTierOverrideUntil": until,
            }
            before = row["valueTier"]
            row.values["valueTier"] = tier
            # In force until the job restores the tier by rank, which has not run since.
            row.values["valueTierSource"] = "MANUAL"
            if before != tier:
                row.values["valueTierSince"] = OVERRIDDEN.date()
            changes.append(self._tier_change(row, before, OVERRIDDEN, "OVERRIDDEN", reason))
        tiers.classify(records)
        self._add_tier_changes(records, changes)

    def _tier_change(self, row: Row, before: str | None, moment: datetime, reason: str, note: str | None) -> Any:
        return self._blank("TierChange") | {
            "version": 1,
            "createdAt": moment,
            "createdBy": AUTHOR,
            "updatedAt": moment,
            "updatedBy": AUTHOR,
            "customerId": row["id"],
            "previousTier": before,
            "tier": row["valueTier"],
            "reason": reason,
            "note": note,
            "rank": row["valueRank"],
            "measure": "PROFIT",
            "value": row["lifetimeProfit"].amount.quantize(Decimal("0.0001")),
            "changedAt": moment,
            "changedBy": AUTHOR,
        }

    def _add_tier_changes(self, records: Records, changes: list[dict[str, Any]]) -> None:
        nodes = self._client.query("{ tierChanges(first: 1000) { nodes { id customerId changedAt } } }")["tierChanges"]
        ids = {(node["customerId"], node["changedAt"]): node["id"] for node in nodes["nodes"]}
        assert len(nodes["nodes"]) == len(ids) == len(changes)
        for change in changes:
            row = Row("TierChange", change | {"id": ids[change["customerId"], shown(change["changedAt"])]})
            records.lists["TierChange"].append(row)
            records.by_id[row["id"]] = row


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


def _written(value: Any) -> Any:
    """A value as an input takes it."""
    if isinstance(value, tuple):
        return {"amount": str(value[0]), "currency": value[1]}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal | date):
        return str(value)
    return value
