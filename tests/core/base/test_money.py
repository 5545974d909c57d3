"""Money: exact amounts in minor units, with the decimal places of their currency."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import InputError
from core.base.money import EXPONENTS, LARGEST_MINOR, Money, exponent

CURRENCIES = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "shown"),
    [
        ("12.34", "CNY", 1234, "12.34 CNY"),
        ("12", "CNY", 1200, "12.00 CNY"),
        ("12.3000", "CNY", 1230, "12.30 CNY"),
        ("500", "JPY", 500, "500 JPY"),
        ("1.234", "KWD", 1234, "1.234 KWD"),
        ("1.2345", "CLF", 12345, "1.2345 CLF"),
        ("-0.05", "EUR", -5, "-0.05 EUR"),
        ("1E+3", "USD", 100000, "1000.00 USD"),
        ("0", "USD", 0, "0.00 USD"),
        ("-0", "USD", 0, "0.00 USD"),
    ],
)
def test_an_amount_has_the_places_of_its_currency(amount, currency, minor, shown):
    money = Money(Decimal(amount), currency)
    assert money.minor == minor
    assert str(money) == shown
    assert Money.from_minor(minor, currency) == money


@given(
    st.lists(st.decimals(places=3) | st.sampled_from([Decimal("12.5"), Decimal("-0"), Decimal("1E+20")])), CURRENCIES
)
def test_several_amounts_are_what_each_is_by_itself(amounts, currency):
    try:
        alone = [Money(amount, currency) for amount in amounts]
    except InputError as refused:
        with pytest.raises(InputError, match=re.escape(refused.message)):
            Money.several(amounts, currency)
    else:
        assert [*map(str, Money.several(amounts, currency))] == [*map(str, alone)]


@given(st.integers(-LARGEST_MINOR, LARGEST_MINOR), CURRENCIES)
def test_minor_units_there_and_back_lose_nothing(minor, currency):
    money = Money.from_minor(minor, currency)
    assert money.minor == minor
    assert money.amount == Decimal(minor) / 10 ** exponent(currency)
    assert Money(Decimal(str(money.amount)), currency) == money


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        ("0.001", "CNY", "more than the 2 decimal places of CNY"),
        ("0.5", "JPY", "more than the 0 decimal places of JPY"),
        ("0.0001", "KWD", "more than the 3 decimal places of KWD"),
        ("NaN", "CNY", "NaN is not a finite amount of CNY"),
        ("sNaN", "CNY", "sNaN is not a finite amount of CNY"),
        ("Infinity", "CNY", "Infinity is not a finite amount of CNY"),
        ("1E+40", "CNY", "larger than this system can store"),
        ("1", "cny", "'cny' is not a current ISO 4217 currency code"),
        ("1", "DEM", "'DEM' is not a current ISO 4217 currency code"),
        ("1", "", "'' is not a current ISO 4217 currency code"),
    ],
)
def test_what_is_no_amount_of_a_currency_is_refused_and_the_message_says_why(amount, currency, problem):
    with pytest.raises(InputError, match=problem):
        Money(Decimal(amount), currency)


def test_the_largest_amount_is_possible():
    assert Money(Decimal("1000000000000.00"), "CNY").minor == LARGEST_MINOR


@pytest.mark.parametrize("amount", ["1000000000000.01", "-1000000000000.01"])
def test_a_sum_may_be_larger_than_what_is_entered(amount):
    money = Money(Decimal(amount), "CNY")
    assert money == Money.from_minor(int(money.amount * 100), "CNY")
    with pytest.raises(InputError, match=r"larger than this system can store; the maximum is 1000000000000\.00"):
        money.check_size()


def test_a_float_is_refused_because_it_is_not_exact():
    with pytest.raises(
        InputError, match=r"0\.5 is a floating-point number, which is not exact; write Decimal\('0\.5'\)"
    ):
        Money(0.5, "CNY")


def test_a_text_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="amount 'ten' is not a number"):
        Money("ten", "CNY")


def test_whole_numbers_and_texts_of_digits_are_exact_too():
    assert Money(12, "CNY") == Money("12.00", "CNY") == Money(Decimal(12), "CNY")


@given(
    st.integers(-(10**8), 10**8),
    CURRENCIES,
    st.decimals("0.00000001", 100, places=8, allow_nan=False),
    CURRENCIES,
)
def test_conversion_is_exact_but_for_one_rounding_half_up(minor, currency, rate, target):
    converted = Money.from_minor(minor, currency).convert(rate, target)
    exact = Fraction(minor, 10 ** exponent(currency)) * Fraction(rate) * 10 ** exponent(target)
    assert abs(converted.minor - exact) <= Fraction(1, 2)
    if abs(converted.minor - exact) == Fraction(1, 2):
        assert abs(converted.minor) > abs(exact)


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "target", "found"),
    [
        ("100", "USD", "7.2", "CNY", "720.00"),
        ("0.01", "USD", "0.5", "EUR", "0.01"),
        ("-0.01", "USD", "0.5", "EUR", "-0.01"),
        ("1000", "JPY", "0.04865", "CNY", "48.65"),
        ("1.234", "KWD", "23.456789", "CNY", "28.95"),
        ("10.55", "CNY", "20.1", "JPY", "212"),
    ],
)
def test_conversion_between_currencies_of_different_places(amount, currency, rate, target, found):
    assert Money(Decimal(amount), currency).convert(Decimal(rate), target) == Money(Decimal(found), target)


def test_int_of_money_is_its_whole_units():
    assert int(Money(Decimal("12.99"), "CNY")) == 12


def test_every_currency_has_two_places_but_for_those_listed():
    assert set(EXPONENTS.values()) == {0, 2, 3, 4}
    assert (exponent("CNY"), exponent("JPY"), exponent("KWD"), exponent("CLF")) == (2, 0, 3, 4)
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
