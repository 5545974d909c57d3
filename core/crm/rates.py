"""Conversion into the reporting currency at the rate of a day. An amount without a known rate is refused."""

from datetime import date
from decimal import Decimal

from sqlmodel import Session, col, select

from core.base.errors import NotFoundError
from core.base.money import Money
from core.crm.sales import ExchangeRate


class Rates:
    """Exchange rates as one transaction sees them."""

    def __init__(self, session: Session, reporting_currency: str) -> None:
        self._session = session
        self.reporting_currency = reporting_currency
        self._known: dict[tuple[str, date], Decimal | None] = {}

    def in_reporting_currency(self, money: Money, day: date) -> int:
        """Minor units of the reporting currency that the money is worth on the day.

        Raises:
            NotFoundError: no rate of the currency is known for the day.
            InputError: the money is worth more than the system can store.
        """
        if money.currency == self.reporting_currency:
            return money.minor
        rate = self._rate(money.currency, day)
        if rate is None:
            raise NotFoundError(
                f"no rate from {money.currency} to {self.reporting_currency} is known on {day}; "
                f"create one with createExchangeRate, valid from that day or earlier"
            )
        return money.convert(rate, self.reporting_currency).minor

    def _rate(self, currency: str, day: date) -> Decimal | None:
        key = (currency, day)
        if key not in self._known:
            found = self._session.exec(
                select(ExchangeRate)
                .where(
                    ExchangeRate.currency == currency,
                    ExchangeRate.valid_from <= day,
                    col(ExchangeRate.deleted_at).is_(None),
                )
                .order_by(col(ExchangeRate.valid_from).desc(), col(ExchangeRate.is_old_twin).is_not(None))
                .limit(1)
            ).first()
            self._known[key] = None if found is None else found.rate
        return self._known[key]
