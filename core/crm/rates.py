"""Conversion into the reporting currency at the rate of a day. An amount without a known rate is refused."""

from datetime import date
from decimal import Decimal

from core.base.errors import NotFoundError
from core.base.money import Money
from core.base.sentences import sentence
from core.crm.sales import ExchangeRate
from core.db.transaction import DatabaseTransaction, mark
from core.records.rows import rows_of


class Rates:
    """Exchange rates as one transaction sees them."""

    def __init__(self, transaction: DatabaseTransaction, reporting_currency: str) -> None:
        self._transaction = transaction
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
                sentence(
                    "no rate from {currency} to {reporting_currency} is known on {day}; create one with "
                    "createExchangeRate, valid from that day or earlier",
                    currency=money.currency,
                    reporting_currency=self.reporting_currency,
                    day=day,
                )
            )
        converted = money.convert(rate, self.reporting_currency)
        converted.check_size()
        return converted.minor

    def _rate(self, currency: str, day: date) -> Decimal | None:
        key = (currency, day)
        if key not in self._known:
            rows = rows_of(ExchangeRate, self._transaction.dialect)
            first, second = (mark(self._transaction.dialect, number) for number in (1, 2))
            where = f"WHERE currency = {first} AND valid_from <= {second} AND deleted_at IS NULL"
            order = "ORDER BY valid_from DESC, is_old_twin IS NOT NULL LIMIT 1"
            last = rows.select(f"{where} {order}", currency, day.isoformat())
            found = rows.all_made(self._transaction.rows(last))
            self._known[key] = found[0].rate if found else None
        return self._known[key]
