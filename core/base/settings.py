"""Settings: read from `GUANXI_…` environment variables and an optional `.env` file, checked once at start."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict, SettingsError

from core.base.errors import ConfigurationError, InputError
from core.base.money import exponent

#: What a commit waits for on SQLite.
SqliteSynchronous = Literal["FULL", "NORMAL"]

_PREFIX = "GUANXI_"
_PLUGINS = "GUANXI_PLUGINS__"
#: Pairs of settings of which the first must not exceed the second.
_ORDERED = (
    ("default_page_size", "maximum_page_size"),
    ("small_below_employees", "large_from_employees"),
    ("new_for_months", "long_term_from_months"),
)


class Settings(BaseSettings):
    """The settings of an operator. Every name is an environment variable `GUANXI_NAME`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    database_url: str = Field(
        default="sqlite:///guanxi.db",
        description="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.",
    )
    sqlite_synchronous: SqliteSynchronous = Field(
        default="FULL",
        description="What a commit waits for on SQLite. FULL: until it is on disk, so that it survives a power "
        "loss. NORMAL: faster; it survives a crash of the process, but a power loss may undo the last commits.",
    )
    reporting_currency: str = Field(
        default="CNY",
        description="The currency in which amounts are compared and summed. Cannot be changed once there is data.",
    )
    default_page_size: int = Field(
        default=50, ge=1, description="Rows in a page of a list when neither first nor last is given."
    )
    maximum_page_size: int = Field(default=1000, ge=1, description="Most rows in one page of a list.")
    maximum_batch_size: int = Field(default=10_000, ge=1, description="Most rows in one upsert.")
    maximum_body_bytes: int = Field(default=33_554_432, ge=1024, description="Largest request body accepted, in bytes.")
    maximum_tokens: int = Field(default=10_000, ge=1, description="Most tokens in a query.")
    maximum_depth: int = Field(default=20, ge=1, description="Most levels of selection in a query.")
    maximum_fields: int = Field(default=2000, ge=1, description="Most fields in a query.")
    maximum_aliases: int = Field(default=200, ge=0, description="Most aliases in a query.")
    maximum_directives: int = Field(default=50, ge=0, description="Most directives in a query.")
    stale_after_days: int = Field(
        default=180, ge=1, description="Days without a change after which a customer is stale."
    )
    small_below_employees: int = Field(default=300, ge=1, description="Customers with fewer employees are SMALL_MICRO.")
    large_from_employees: int = Field(
        default=1000, ge=1, description="Customers with this many employees or more are LARGE."
    )
    new_for_months: int = Field(
        default=12, ge=1, le=1200, description="Months after the first transaction during which a customer is NEW."
    )
    long_term_from_months: int = Field(
        default=36,
        ge=1,
        le=1200,
        description="Months after the first transaction from which on a customer is LONG_TERM.",
    )
    hook_warning_ms: int = Field(
        default=100, ge=1, description="A hook that takes longer is logged as slow; in a batch, per hundred rows."
    )
    python_field_deadline_ms: int = Field(
        default=2000, ge=1, description="A Python field that takes longer is null, with an error."
    )
    statement_timeout_ms: int = Field(default=30_000, ge=1, description="A read that takes longer is cancelled.")
    write_deadline_ms: int = Field(
        default=10_000, ge=1, description="How long a write is repeated while others change the same records."
    )
    delivery_attempts: int = Field(
        default=5, ge=1, description="Attempts at an after-commit hook before the batch is set aside."
    )
    delivery_backoff_ms: int = Field(
        default=1000, ge=0, description="Wait before the second attempt; doubles each time."
    )
    delivery_deadline_ms: int = Field(
        default=50_000, ge=1, le=3_600_000, description="An async after-commit hook that takes longer has failed."
    )
    plugins: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Settings of plugins: GUANXI_PLUGINS__NAME__SETTING."
    )

    @field_validator("reporting_currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        try:
            exponent(value)
        except InputError as error:
            raise ValueError(error.message) from None
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for smaller, larger in _ORDERED:
            if getattr(self, smaller) > getattr(self, larger):
                raise ValueError(
                    f"{_variable(smaller)}={getattr(self, smaller)} is more than "
                    f"{_variable(larger)}={getattr(self, larger)}"
                )
        return self


def load_settings(**overrides: Any) -> Settings:
    """The settings of the environment, with `overrides` on top.

    Raises:
        ConfigurationError: names each setting at fault and what it may be.
    """
    _refuse_unknown([*map(_variable, overrides), *os.environ, *DotEnvSettingsSource(Settings).env_vars])
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise ConfigurationError(explain(error, _PREFIX)) from None
    except SettingsError as error:
        raise ConfigurationError(
            f"{error}; write {_PREFIX}PLUGINS as a JSON object, or {_PLUGINS}NAME__SETTING for each"
        ) from None


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _refuse_unknown(names: Iterable[str]) -> None:
    """Stops at a misspelt name, which would otherwise be silently ignored."""
    known = list(Settings.model_fields)
    for name in map(str.upper, names):
        asked = name.removeprefix(_PREFIX).lower()
        if name.startswith(_PREFIX) and not name.startswith(_PLUGINS) and asked not in known:
            near = get_close_matches(asked, known, 1)
            remedy = f"did you mean {_variable(near[0])}?" if near else f"available: {', '.join(map(_variable, known))}"
            raise ConfigurationError(f"{name}: there is no such setting; {remedy}")


def explain(error: ValidationError, prefix: str) -> str:
    """One line per fault: the environment variable, its value, what is wrong."""

    def line(fault: Any) -> str:
        name = prefix + "__".join(str(part) for part in fault["loc"]).upper()
        if fault["type"] == "missing":
            return f"{name} is not set"
        problem = fault["msg"].removeprefix("Value error, ")
        # A fault of all settings together has no value of its own, and shows none: one might be a password.
        return f"{name}={fault['input']!r}: {problem}" if fault["loc"] else f"{name}…: {problem}"

    return "; ".join(line(fault) for fault in error.errors())
