"""What a commit waits for on SQLite."""

from contextlib import closing

import pytest

from core.db.database import Database
from guanxi import ConfigurationError, load_settings
from guanxi.testing import app_with


def synchronous(database):
    with database.transaction() as session:
        return session.connection().exec_driver_sql("PRAGMA synchronous").scalar()


def test_a_commit_is_on_disk_unless_a_setting_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("GUANXI_SQLITE_SYNCHRONOUS")
    with closing(Database(f"sqlite:///{tmp_path / 'plain.db'}")) as database:
        assert synchronous(database) == 2
    with app_with() as client:
        assert synchronous(client.app.database) == 2
    with app_with(sqlite_synchronous="NORMAL") as client:
        assert synchronous(client.app.database) == 1


def test_less_than_normal_is_refused_with_what_may_be_set():
    with pytest.raises(ConfigurationError, match=r"GUANXI_SQLITE_SYNCHRONOUS='OFF': .*'FULL' or 'NORMAL'"):
        load_settings(sqlite_synchronous="OFF")
