"""What tests of forecasting use: the statements that queries of operations cost."""

from contextlib import contextmanager

import pytest

from schema.write import plugin_work


@pytest.fixture
def statements(monkeypatch):
    """Collects the statements that are run for queries inside a transaction."""

    @contextmanager
    def collected():
        found, fetch = [], plugin_work.fetch_in_transaction

        def noted(connection, sql, values):
            found.append(sql)
            return fetch(connection, sql, values)

        with monkeypatch.context() as patch:
            patch.setattr(plugin_work, "fetch_in_transaction", noted)
            yield found

    return collected
