"""Input checked against the catalog: many rows together as each alone."""

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.checks import Conventions
from guanxi import load_settings
from guanxi.design import design
from plugins.credit_scoring import CreditScoring
from plugins.value_tiering import ValueTiering
from schema.catalog.kinds import ChoiceKind, IdKind, IntKind, MoneyKind, TextKind
from schema.write.input_checks import InputFields, checked_input, checked_together

CONVENTIONS = Conventions("CNY", "CN")
TEXTS = ["Acme", " Acme ", "acme@example.com", "+86 10 6552 9988", "", "  ", "a\0b", "\u115f", "x" * 20_001, "华东"]
IDS = ["cus_01h455vb4pex5vsknk084sn02q", "usr_01h455vb4pex5vsknk084sn02q", "cus_1", ""]
MONEY = [
    {"amount": Decimal(amount), **currency}
    for amount in ("12.5", "-0.00", "0.001", "1E+13", "1E+30", "NaN", "-Infinity")
    for currency in ({}, {"currency": None}, {"currency": "CNY"}, {"currency": "JPY"}, {"currency": "XXX"})
]
NUMBERS = [0, 1, -1, 1990, 2**31 - 1, 2**31]


@cache
def fields_of(record):
    return InputFields(design(load_settings(), [ValueTiering, CreditScoring]).catalog.records[record])


def values_of(field):
    pools = {TextKind: TEXTS, IdKind: IDS, IntKind: NUMBERS, MoneyKind: MONEY}
    if isinstance(field.kind, ChoiceKind):
        return st.sampled_from([None, *(choice.value for choice in field.kind.enum)])
    return st.sampled_from([None, *next((pool for kind, pool in pools.items() if isinstance(field.kind, kind)), ())])


@st.composite
def alike(draw, record):
    """Rows that give the same fields in the same order."""
    fields = fields_of(record)
    names = draw(st.lists(st.sampled_from(sorted(fields.checks)), min_size=1, max_size=4, unique=True))
    row = st.tuples(*(values_of(fields.checks[name][0]) for name in names))
    return [dict(zip(names, values, strict=True)) for values in draw(st.lists(row, min_size=2, max_size=5))]


@pytest.mark.parametrize("record", ["Customer", "Contact", "Opportunity"])
@given(data=st.data())
def test_rows_are_checked_together_as_each_alone_unless_one_is_at_fault(record, data):
    rows, fields = data.draw(alike(record)), fields_of(record)

    together = checked_together(fields, rows, CONVENTIONS)

    for creating in (True, False):
        alone = [checked_input(fields, row, CONVENTIONS, creating=creating, keeps_malformed=False) for row in rows]
        if any(checked.errors for checked in alone):
            assert together is None
        elif together is not None:
            assert [(one.values, [*one.facets], one.said) for one in together] == [
                (one.values, one.facets, one.said) for one in alone
            ]
        else:
            # Null of what is required is as if it had been left out, which only a row alone is.
            assert any(row[name] is None for row in rows for name in row if fields.checks[name][1].required)
