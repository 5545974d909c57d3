"""Facts about a database that settings must agree with."""

from core.records.columns import column
from core.records.record import Table


class Installation(Table):
    """Facts about this database that settings must agree with, such as its reporting currency."""

    name: str = column("Name of the fact.", primary_key=True, exact=True)
    value: str = column("The fact.", exact=True)
