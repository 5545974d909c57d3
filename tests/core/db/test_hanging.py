"""A process of PostgreSQL that hangs before it reads a commit: nobody is told that nothing was written."""

import os
import signal

import pytest

from core.db.transaction import COMMIT


def test_what_a_hanging_process_may_still_commit_is_not_said_to_be_unwritten(crm, databases):
    if databases.engine == "sqlite":
        pytest.skip("SQLite has no process of its own")
    client = crm(statement_timeout_ms=200, write_deadline_ms=200)
    stopped = []

    def on_trip(process, statements):
        if COMMIT in statements and not stopped and len(statements) > 3:
            stopped.append(process)
            os.kill(process, signal.SIGSTOP)

    client.app.database.on_trip = on_trip
    try:
        answer = client.execute('mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }')
    finally:
        os.kill(stopped[0], signal.SIGCONT)
    assert answer["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"
