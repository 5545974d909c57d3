"""The stages A to F with their win probabilities and control parameters (O1, O2, O5)

Revision of core: 0002

Win probabilities, and for stage C pass rate, duration, participants and key result, are the domain's; what the domain
leaves open is filled with a proposal that an operator changes with updateStage. The nine key actions belong to stage D
(O3, X5).
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from core.base.text import fold
from core.db import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ENTERED = datetime(2025, 1, 1, tzinfo=UTC)

_STAGES: list[dict[str, Any]] = [
    {
        "id": "stg_00000000000000000000000001",
        "key": "A",
        "name": "Understand the opportunity",
        "win_probability": 10,
        "preset_pass_rate": 40,
        "preset_win_rate": 10,
        "planned_duration_days": 15,
        "goal": "Know what the customer needs and whether there is an opportunity.",
        "main_content": "First contact, background, need, purchasing group.",
        "diagnostic_key": "Is there a need?",
        "diagnostic_indicators": ["need described", "customer's group known"],
        "verification_mark": "The need is written down and the customer agrees with it.",
        "participant_roles": ["account manager"],
        "key_result": "The need and the people concerned are known.",
        "key_actions": [],
    },
    {
        "id": "stg_00000000000000000000000002",
        "key": "B",
        "name": "Confirm the opportunity",
        "win_probability": 25,
        "preset_pass_rate": 50,
        "preset_win_rate": 25,
        "planned_duration_days": 15,
        "goal": "Know need, key person and budget.",
        "main_content": "Confirm need, decision circle and budget; assess competitors.",
        "diagnostic_key": "Need, key person, budget?",
        "diagnostic_indicators": ["key person met", "budget known", "schedule known"],
        "verification_mark": "The key person has confirmed need and budget.",
        "participant_roles": ["account manager"],
        "key_result": "A valid opportunity.",
        "key_actions": [],
    },
    {
        "id": "stg_00000000000000000000000003",
        "key": "C",
        "name": "Solution proof",
        "win_probability": 50,
        "preset_pass_rate": 60,
        "preset_win_rate": 50,
        "planned_duration_days": 10,
        "goal": "Convince the customer that our solution fits.",
        "main_content": "Offer the product and introduce it in detail for the customer's situation.",
        "diagnostic_key": "Does the solution fit?",
        "diagnostic_indicators": ["solution presented", "objections answered"],
        "verification_mark": "Users and technical experts accept the solution.",
        "participant_roles": ["account manager", "consultant"],
        "key_result": "Product offered and introduced in detail for the customer's situation.",
        "key_actions": [],
    },
    {
        "id": "stg_00000000000000000000000004",
        "key": "D",
        "name": "Business negotiation",
        "win_probability": 75,
        "preset_pass_rate": 75,
        "preset_win_rate": 75,
        "planned_duration_days": 20,
        "goal": "Agree on terms.",
        "main_content": "Negotiate price, delivery and contract with the decision circle.",
        "diagnostic_key": "Who decides, and what is in the way?",
        "diagnostic_indicators": ["decision circle's concerns known", "terms discussed"],
        "verification_mark": "Basic agreement with the customer.",
        "participant_roles": ["account manager", "customer director"],
        "key_result": "Framework intent.",
        "key_actions": [
            "Learn progress and the decision circle's concerns through an informant",
            "Let the customer director or the branch's general manager support the negotiation",
            "Make an individual plan against the concerns",
            "Push the approval through users and technical experts",
            "Reach basic agreement with the customer",
            "Weaken competitors' influence from several sides",
            "Weaken internal opposition",
            "Request company support and give added value",
            "Reach framework intent",
        ],
    },
    {
        "id": "stg_00000000000000000000000005",
        "key": "E",
        "name": "Sale closed",
        "win_probability": 90,
        "preset_pass_rate": 90,
        "preset_win_rate": 90,
        "planned_duration_days": 15,
        "may_win": True,
        "goal": "Sign the contract.",
        "main_content": "Contract, order, start of delivery.",
        "diagnostic_key": "Is it signed?",
        "diagnostic_indicators": ["contract signed"],
        "verification_mark": "The signed contract.",
        "participant_roles": ["account manager"],
        "key_result": "Signed contract.",
        "key_actions": [],
    },
    {
        "id": "stg_00000000000000000000000006",
        "key": "F",
        "name": "Handover and collection",
        "win_probability": 100,
        "preset_pass_rate": 100,
        "preset_win_rate": 100,
        "planned_duration_days": 30,
        "wins": True,
        "may_win": True,
        "goal": "Hand over and collect.",
        "main_content": "Delivery, acceptance, payment, after-sales.",
        "diagnostic_key": "Is it delivered and paid?",
        "diagnostic_indicators": ["accepted", "paid"],
        "verification_mark": "Acceptance and payment.",
        "participant_roles": ["account manager", "delivery"],
        "key_result": "Payment received.",
        "key_actions": [],
    },
]


def upgrade() -> None:
    """Enters the stages."""
    percent, text, moment = sa.BigInteger(), types.Text(), types.Timestamp()
    table = sa.table(
        "stage",
        *(sa.column(name, text) for name in ("id", "key", "name", "name_folded", "created_by", "updated_by")),
        *(sa.column(name, text) for name in ("goal", "main_content", "diagnostic_key", "verification_mark")),
        sa.column("key_result", text),
        *(sa.column(name, percent) for name in ("win_probability", "preset_pass_rate", "preset_win_rate")),
        *(sa.column(name, sa.BigInteger()) for name in ("position", "planned_duration_days", "version")),
        *(sa.column(name, sa.Boolean()) for name in ("wins", "may_win")),
        *(sa.column(name, types.Json()) for name in ("diagnostic_indicators", "participant_roles", "key_actions")),
        *(sa.column(name, moment) for name in ("created_at", "updated_at")),
    )
    common = {
        "version": 1,
        "created_at": _ENTERED,
        "updated_at": _ENTERED,
        "created_by": "setup",
        "updated_by": "setup",
    }
    rows = []
    for position, stage in enumerate(_STAGES, 1):
        percents = {name: stage[name] * 100 for name in ("win_probability", "preset_pass_rate", "preset_win_rate")}
        row = {"wins": False, "may_win": False, **common, **stage, **percents}
        rows.append({**row, "position": position, "name_folded": fold(stage["name"])})
    op.bulk_insert(table, rows)


def downgrade() -> None:
    """Takes them out."""
    op.execute("DELETE FROM stage WHERE created_by = 'setup'")
