"""Settings: read from `GUANXI_…` environment variables and an optional `.env` file, checked once at start."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict, SettingsError

from core.base.calendar import Calendar, zone_of
from core.base.errors import ConfigurationError, InputError
from core.base.money import exponent
from core.base.setting_faults import explain

#: What a commit waits for on SQLite.
SqliteSynchronous = Literal["FULL", "NORMAL"]

#: How a server writes its log, and what.
LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

#: What becomes of a change that is possible but implausible.
Plausibility = Literal["WARN", "REFUSE"]

#: A family of signatures, all of whose algorithms an issuer may use; no other is accepted from it.
AlgorithmFamily = Literal["RS", "PS", "ES", "HS", "EdDSA"]

_PREFIX = "GUANXI_"
#: Settings by a name that operators choose: GUANXI_PLUGINS__NAME__SETTING.
_NAMED = ("GUANXI_PLUGINS__", "GUANXI_ISSUERS__")
#: Pairs of settings of which the first must not exceed the second.
_ORDERED = (
    ("default_page_size", "maximum_page_size"),
    ("small_below_employees", "large_from_employees"),
    ("new_for_months", "long_term_from_months"),
)


class IssuerSettings(BaseModel):
    """An issuer of signed tokens, by which users sign in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1, description="The `iss` of its tokens, to the letter.")
    audience: str = Field(min_length=1, description="What their `aud` must name: this server.")
    algorithms: AlgorithmFamily = Field(
        description="The one family of algorithms its tokens are signed by: RS, PS, ES or EdDSA with its public keys, "
        "HS with a secret."
    )
    key_file: Path | None = Field(
        default=None, description="File with its public key in PEM form; with HS, the secret of 32 bytes or more."
    )
    jwks_url: str | None = Field(
        default=None, description="Address of its public keys, instead of a file: https, or http on this machine."
    )
    leeway_seconds: int = Field(
        default=30, ge=0, le=300, description="How far its clock and this server's may be apart, in seconds."
    )
    link_by_email: bool = Field(
        default=True,
        description="Whether someone who signs in for the first time is found by e-mail, if the token says it is "
        "verified and exactly one active user has it.",
    )

    @field_validator("jwks_url")
    @classmethod
    def _safe_address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if not parts.hostname or not (
                parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))
            ):
                raise ValueError("give an https address; http only on this machine")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.key_file is None) == (self.jwks_url is None):
            raise ValueError("give either key_file or jwks_url")
        if self.algorithms == "HS" and self.key_file is None:
            raise ValueError("HS is verified by a secret; give it as key_file")
        return self


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


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
    time_zone: str = Field(
        default="UTC",
        description="Time zone in which the days of the business begin, such as Europe/Berlin: days, weeks, months, "
        "quarters and years are of this zone. Users may have another for what is today and what is due.",
    )
    fiscal_year_start: int = Field(
        default=1, ge=1, le=12, description="Month in which the fiscal year begins; quarters and years follow it."
    )
    phone_region: str = Field(
        default="CN",
        description="Country of telephone numbers that are typed without a country code, by its two letters.",
    )
    default_page_size: int = Field(
        default=50, ge=1, description="Rows in a page of a list when neither first nor last is given."
    )
    maximum_page_size: int = Field(default=1000, ge=1, description="Most rows in one page of a list.")
    maximum_batch_size: int = Field(
        default=10_000, ge=1, description="Most rows that the mutations of one request may write in bulk."
    )
    maximum_body_bytes: int = Field(default=8_388_608, ge=1024, description="Largest request body accepted, in bytes.")
    body_deadline_ms: int = Field(
        default=30_000, ge=100, description="How long a client may take to send the body of a request."
    )
    maximum_cost: int = Field(
        default=10_000_000,
        ge=1,
        description="Most objects that an answer may have: records, amounts and others, the sizes of pages multiplied "
        "through nested lists.",
    )
    maximum_conditions: int = Field(
        default=1000,
        ge=1,
        description="Most members of the filters, orders and groups of a query, in its text and its variables.",
    )
    maximum_values: int = Field(
        default=20_000,
        ge=1,
        description="Most values in a request, such as ids in a list; rows in bulk have 30 more each.",
    )
    maximum_tokens: int = Field(default=5_000, ge=1, description="Most tokens in a query.")
    maximum_depth: int = Field(default=20, ge=1, description="Most levels of selection in a query.")
    maximum_fields: int = Field(default=2000, ge=1, description="Most fields in a query.")
    maximum_root_fields: int = Field(default=100, ge=1, description="Most fields at the root of a query.")
    maximum_fragments: int = Field(default=100, ge=0, description="Most fragments in a query.")
    maximum_aliases: int = Field(default=200, ge=0, description="Most aliases in a query.")
    maximum_directives: int = Field(default=50, ge=0, description="Most directives in a query.")
    plausibility: Plausibility = Field(
        default="WARN",
        description="What becomes of what is possible but implausible, such as an opportunity won before the day it "
        "originated, or a negative transaction. WARN: it is written, with a warning; REFUSE: it is refused.",
    )
    unmerge_days: int = Field(
        default=30, ge=0, le=36_500, description="Days within which a merge of customers or contacts can be undone."
    )
    stale_after_days: int = Field(
        default=180, ge=1, le=36_500, description="Days without a change after which a customer is stale."
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
    log_format: LogFormat = Field(
        default="auto",
        description="How a server writes its log: json, one object per line; text, for people; auto, text in a "
        "terminal and json elsewhere.",
    )
    log_level: LogLevel = Field(
        default="INFO",
        description="What a server logs. INFO: mutations, and requests that failed or were slow; DEBUG: every request.",
    )
    slow_request_ms: int = Field(default=1000, ge=1, description="A request that takes longer is logged as a warning.")
    statement_timeout_ms: int = Field(
        default=30_000,
        ge=1,
        description="A read that takes longer is cancelled, and so is a statement of a request that writes; what jobs "
        "and after-commit hooks do may take longer.",
    )
    write_deadline_ms: int = Field(
        default=10_000, ge=1, description="How long a write is repeated while others change the same records."
    )
    queue_deadline_ms: int = Field(
        default=10_000,
        ge=1,
        description="A request that waits longer for its turn on the database is answered with 503.",
    )
    shutdown_deadline_ms: int = Field(
        default=9_000,
        ge=100,
        le=3_600_000,
        description="A server asked to stop ends after this time at the latest, whatever is still under way.",
    )
    delivery_deadline_ms: int = Field(
        default=50_000, ge=1, le=3_600_000, description="An async after-commit hook that takes longer has failed."
    )
    issuers: dict[str, IssuerSettings] = Field(
        default_factory=dict,
        description="Issuers of signed tokens: GUANXI_ISSUERS__NAME__SETTING. With one, or with an API key, every "
        "request must say who asks.",
    )
    session_hours: int = Field(
        default=12,
        ge=1,
        le=8760,
        description="Hours after which people have to log in again at the page, unless their key or token ends sooner.",
    )
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Without authentication: names by which the server may be addressed, besides localhost and "
        "loopback addresses, as a JSON list.",
    )
    allowed_origins: list[str] = Field(
        default_factory=list,
        description="Origins of pages that may ask, besides the server's own, as a JSON list such as "
        '["http://localhost:5173"]; browsers let them read the answers (CORS).',
    )
    trusted_proxies: list[IPv4Network | IPv6Network] = Field(
        default_factory=list,
        description="Addresses of proxies whose X-Forwarded-For says who the client is, as a JSON list such as "
        '["10.0.0.0/8"].',
    )
    requests_per_minute: int = Field(
        default=6000,
        ge=1,
        description="Requests per minute that one user or API key may send, to all servers together.",
    )
    requests_at_once: int = Field(
        default=50, ge=1, description="Requests that one user or API key may have under way on one server."
    )
    subscriptions_at_once: int = Field(
        default=100, ge=1, description="Subscriptions that one user or API key may have on one server."
    )
    maximum_subscribed_records: int = Field(
        default=100_000,
        ge=1,
        description="Most records that the filter of a subscription may select when it begins; each takes eight bytes "
        "of memory.",
    )
    public_requests_per_minute: int = Field(
        default=60, ge=1, description="Requests per minute that one address may send without a key or token."
    )
    failed_authentications_per_minute: int = Field(
        default=30,
        ge=1,
        description="Requests per minute that one address may send with a key or token that proves nothing.",
    )
    maximum_public_body_bytes: int = Field(
        default=65_536, ge=1024, description="Largest body of a request without a key or token, in bytes."
    )
    journal_file: Path | None = Field(
        default=None,
        description="File outside the database, best on another disk, that lists what a restore must not undo: erased "
        "personal data and revoked API keys, by id. `guanxi restore --journal` does it again.",
    )
    page: bool = Field(default=True, description="Whether browsers are shown the CRM's own page, at `/`.")
    graphiql: bool = Field(
        default=True, description="Whether browsers are shown GraphiQL, whose scripts come from unpkg.com."
    )
    documents_file: Path | None = Field(
        default=None,
        description="File of documents that may be asked for by `documentId`: a JSON object from ids to texts, as "
        "Relay, Apollo and GraphQL Code Generator write it.",
    )
    documents_only: bool = Field(
        default=False, description="Whether the documents of that file are all that is answered by HTTP."
    )
    refusals_kept_days: int = Field(
        default=30, ge=1, le=36_500, description="Days for which refused requests stay in the audit list."
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

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone_of(value)
        return value

    @property
    def calendar(self) -> Calendar:
        """The days and periods of the business."""
        return Calendar(self.time_zone, self.fiscal_year_start)

    @field_validator("phone_region")
    @classmethod
    def _known_region(cls, value: str) -> str:
        # To load it takes longer than most commands; the default is not checked.
        from phonenumbers import SUPPORTED_REGIONS

        if value not in SUPPORTED_REGIONS:
            raise ValueError("it must be the two letters of a country, such as CN or DE")
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
        raise ConfigurationError(explain(error, _PREFIX, Settings)) from None
    except SettingsError as error:
        raise ConfigurationError(
            f"{error}; write {_PREFIX}PLUGINS as a JSON object, or {_NAMED[0]}NAME__SETTING for each; lists as JSON"
        ) from None


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _refuse_unknown(names: Iterable[str]) -> None:
    """Stops at a misspelt name, which would otherwise be silently ignored."""
    known = list(Settings.model_fields)
    for name in map(str.upper, names):
        asked = name.removeprefix(_PREFIX).lower()
        if name.startswith(_PREFIX) and not name.startswith(_NAMED) and asked not in known:
            near = get_close_matches(asked, known, 1)
            remedy = f"did you mean {_variable(near[0])}?" if near else f"available: {', '.join(map(_variable, known))}"
            raise ConfigurationError(f"{name}: there is no such setting; {remedy}")
