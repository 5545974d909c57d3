"""The keys by which duplicates are found, stored for each customer and contact."""

from guanxi import Table, column


class DuplicateKey(Table, plugin="duplicates"):
    """A key of a living record. It is a hash, so that it tells nobody what it is made of."""

    hash: str = column("Of the key.", primary_key=True, exact=True)
    record_id: str = column("The record.", primary_key=True, exact=True, index=True)
