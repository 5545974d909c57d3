"""Settings: defaults, environment, and what is wrong with them said plainly."""

import pytest
from pydantic import BaseModel, ValidationError

from core.base.errors import ConfigurationError
from core.base.setting_faults import explain
from core.base.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """No `.env` file and no variables of the developer's own."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GUANXI_{name.upper()}", raising=False)


def problem(**overrides) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**overrides)
    return caught.value.message


def test_without_any_setting_there_is_a_database_file_and_the_domains_thresholds():
    settings = load_settings()
    assert settings.database_url == "sqlite:///guanxi.db"
    assert settings.reporting_currency == "CNY"
    assert (settings.small_below_employees, settings.large_from_employees) == (300, 1000)
    assert (settings.new_for_months, settings.long_term_from_months) == (12, 36)
    assert settings.stale_after_days == 180


def test_every_setting_says_what_it_is():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_come_from_the_environment_and_overrides_come_first(monkeypatch):
    monkeypatch.setenv("GUANXI_STALE_AFTER_DAYS", "90")
    monkeypatch.setenv("GUANXI_REPORTING_CURRENCY", "EUR")
    monkeypatch.setenv("GUANXI_PLUGINS__LOYALTY__GOLD_FROM", "500")
    settings = load_settings(reporting_currency="USD")
    assert settings.stale_after_days == 90
    assert settings.reporting_currency == "USD"
    assert settings.plugins == {"loyalty": {"gold_from": "500"}}


def test_settings_come_from_an_env_file_too_whatever_else_is_in_it(tmp_path):
    (tmp_path / ".env").write_text("OTHER=1\nGUANXI_STALE_AFTER_DAYS=60\n")
    assert load_settings().stale_after_days == 60


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("default_page_size", "many", "GUANXI_DEFAULT_PAGE_SIZE='many': it must be a whole number, 1 or more"),
        ("maximum_page_size", "0", "GUANXI_MAXIMUM_PAGE_SIZE='0': it must be a number, 1 or more"),
        ("new_for_months", "100000", "GUANXI_NEW_FOR_MONTHS='100000': it must be a number from 1 to 1200"),
        (
            "reporting_currency",
            "yuan",
            "GUANXI_REPORTING_CURRENCY='yuan': 'yuan' is not a current ISO 4217 currency code, such as CNY, EUR or USD",
        ),
        ("plugins", "{loyalty", "write GUANXI_PLUGINS as a JSON object, or GUANXI_PLUGINS__NAME__SETTING for each"),
        ("plugins", '{"loyalty": 5}', "GUANXI_PLUGINS__LOYALTY=5: it must be a JSON object"),
    ],
)
def test_a_value_that_cannot_be_names_variable_value_and_what_it_may_be(monkeypatch, name, value, said):
    monkeypatch.setenv(f"GUANXI_{name.upper()}", value)
    assert said in problem()


def test_all_that_is_wrong_is_said_at_once():
    said = problem(default_page_size=0, stale_after_days=0)
    assert "GUANXI_DEFAULT_PAGE_SIZE" in said
    assert "GUANXI_STALE_AFTER_DAYS" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"small_below_employees": 500, "large_from_employees": 300},
            "GUANXI_SMALL_BELOW_EMPLOYEES=500 is more than GUANXI_LARGE_FROM_EMPLOYEES=300",
        ),
        (
            {"new_for_months": 48},
            "GUANXI_NEW_FOR_MONTHS=48 is more than GUANXI_LONG_TERM_FROM_MONTHS=36",
        ),
        ({"maximum_page_size": 10}, "GUANXI_DEFAULT_PAGE_SIZE=50 is more than GUANXI_MAXIMUM_PAGE_SIZE=10"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, said):
    assert problem(database_url="postgresql://ann:secret@host/crm", **settings) == f"GUANXI_…: {said}"


def test_a_misspelt_setting_is_not_ignored(monkeypatch, tmp_path):
    assert problem(databse_url="x") == "GUANXI_DATABSE_URL: there is no such setting; did you mean GUANXI_DATABASE_URL?"
    monkeypatch.setenv("GUANXI_REPORTING_CURENCY", "EUR")
    assert "GUANXI_REPORTING_CURENCY: there is no such setting; did you mean GUANXI_REPORTING_CURRENCY?" in problem()
    monkeypatch.delenv("GUANXI_REPORTING_CURENCY")
    (tmp_path / ".env").write_text("GUANXI_COLOUR=blue\n")
    assert "GUANXI_COLOUR: there is no such setting; available: GUANXI_DATABASE_URL, " in problem()


def test_the_faults_of_a_plugins_settings_carry_its_prefix():
    class Levels(BaseModel):
        gold_from: int

    with pytest.raises(ValidationError) as caught:
        Levels.model_validate({"gold_from": "x"})
    assert explain(caught.value, "GUANXI_PLUGINS__LOYALTY__", Levels).startswith(
        "GUANXI_PLUGINS__LOYALTY__GOLD_FROM='x': "
    )
