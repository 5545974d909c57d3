"""Money: an exact decimal amount in an ISO 4217 currency, stored in minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any, Self

from core.base.errors import InputError
from core.base.sentences import sentence

_NO_MINOR = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_TEN_THOUSANDTHS = "CLF UYW"
_HUNDREDTHS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE
CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB
PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY
TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG
"""

#: Decimal places of each currency's minor unit.
EXPONENTS: dict[str, int] = {
    code: exponent
    for codes, exponent in ((_NO_MINOR, 0), (_HUNDREDTHS, 2), (_THOUSANDTHS, 3), (_TEN_THOUSANDTHS, 4))
    for code in codes.split()
}

#: The largest amount that is entered, in minor units: multiplied by a percentage with two decimal places it still fits
#: in 64 bits. What is added up of such amounts may be larger.
LARGEST_MINOR = 10**14
#: The largest sum in minor units, which 64 bits have room for.
_LARGEST_SUM = 9 * 10**18

#: One minor unit, the largest amount and the largest sum, by the decimal places of a currency.
_STEPS, _LARGEST_AMOUNTS, _LARGEST_SUMS = (
    {places: Decimal(units).scaleb(-places) for places in {*EXPONENTS.values()}}
    for units in (1, LARGEST_MINOR, _LARGEST_SUM)
)


def exponent(currency: str) -> int:
    """Decimal places of a currency.

    Raises:
        InputError: not a current ISO 4217 code.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise InputError(
            sentence("{currency!r} is not a current ISO 4217 currency code, such as CNY, EUR or USD", currency=currency)
        ) from None


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency, always with that currency's decimal places. `int(money)` gives whole units."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        amount, places = _exact(self.amount), exponent(self.currency)
        step, largest = _STEPS[places], _LARGEST_SUMS[places]
        if not amount.is_finite():
            raise InputError(
                sentence("amount {amount} is not a finite amount of {currency}", amount=amount, currency=self.currency)
            )
        if abs(amount) > largest:
            raise self._too_large(amount)
        rounded = amount.quantize(step, ROUND_HALF_UP)
        if rounded != amount:
            raise InputError(
                sentence(
                    "amount {amount} has more than the {places} decimal places of {currency}",
                    amount=amount,
                    places=places,
                    currency=self.currency,
                )
            )
        # Zero is neither positive nor negative.
        object.__setattr__(self, "amount", rounded or abs(rounded))

    def __int__(self) -> int:
        return int(self.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @property
    def minor(self) -> int:
        """The amount in minor units: 12.34 CNY is 1234."""
        return int(self.amount.scaleb(exponent(self.currency)))

    def check_size(self) -> None:
        """Refuses an amount that only a sum may have.

        Raises:
            InputError: it is larger than one amount may be.
        """
        if abs(self.amount) > _LARGEST_AMOUNTS[exponent(self.currency)]:
            raise self._too_large(self.amount)

    def _too_large(self, amount: Decimal) -> InputError:
        return InputError(
            sentence(
                "amount {amount} {currency} is larger than this system can store; the maximum is {limit}",
                amount=amount,
                currency=self.currency,
                limit=f"{_LARGEST_AMOUNTS[exponent(self.currency)]:f}",
            )
        )

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Self:
        """The money equal to `minor` minor units of `currency`."""
        return cls._made(Decimal(minor).scaleb(-exponent(currency)), currency)

    @classmethod
    def several(cls, amounts: list[Decimal], currency: str) -> "list[Money]":
        """Amounts in one currency, as if each were made by itself.

        Raises:
            InputError: one of them is not an amount of the currency.
        """
        places = exponent(currency)
        step, largest = _STEPS[places], _LARGEST_SUMS[places]
        if not all(map(Decimal.is_finite, amounts)) or any(abs(end) > largest for end in _ends(amounts)):
            return [Money(amount, currency) for amount in amounts]
        rounded = [amount.quantize(step, ROUND_HALF_UP) for amount in amounts]
        if rounded != amounts:
            return [Money(amount, currency) for amount in amounts]
        return [Money._made(amount or abs(amount), currency) for amount in rounded]

    @classmethod
    def _made(cls, amount: Decimal, currency: str) -> Self:
        """The money of an amount that has the currency's places already, so that there is nothing to check."""
        found = object.__new__(cls)
        object.__setattr__(found, "amount", amount)
        object.__setattr__(found, "currency", currency)
        return found

    def convert(self, rate: Decimal, currency: str) -> "Money":
        """This money in another currency, `rate` units of it for one unit of this, rounded half up."""
        places = _STEPS[exponent(currency)]
        # The product may have more digits than decimals keep by default; it is rounded only once.
        with localcontext(prec=60):
            converted = (self.amount * rate).quantize(places, ROUND_HALF_UP)
        return Money(converted, currency)


def _ends(amounts: Sequence[Decimal]) -> Sequence[Decimal]:
    return (min(amounts), max(amounts)) if amounts else ()


def _exact(amount: Any) -> Decimal:
    if isinstance(amount, float):
        raise InputError(
            sentence(
                "amount {amount} is a floating-point number, which is not exact; write Decimal('{amount}')",
                amount=amount,
            )
        )
    if type(amount) is Decimal:
        return amount
    try:
        return Decimal(amount)
    except (InvalidOperation, TypeError, ValueError):
        raise InputError(sentence("amount {amount!r} is not a number", amount=amount)) from None
