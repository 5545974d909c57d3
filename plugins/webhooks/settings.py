"""Settings of webhooks."""

from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_network
from typing import Self

from cryptography.fernet import Fernet
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from guanxi import Retries


class WebhookSettings(BaseModel):
    """How webhooks deliver, and where to."""

    enabled: bool = Field(
        default=False,
        description="Whether webhooks are sent what happens: then every commit is looked at, and what is to be "
        "delivered is stored.",
    )
    exceptions: list[str] = Field(
        default_factory=list,
        description="Hosts and networks that receivers may be on although they are internal, at any port, as a JSON "
        'list such as ["hooks.internal.example.com", "10.1.0.0/16"].',
    )
    ports: list[int] = Field(
        default=[80, 443, 8080, 8443], description="Ports of all other receivers, as a JSON list; [] allows any."
    )
    allow_http: bool = Field(
        default=False, description="Whether addresses may begin with http, so that others can read what is sent."
    )
    encryption_keys: list[SecretStr] = Field(
        default_factory=list,
        description="Keys by which secrets are encrypted in the database, as a JSON list of Fernet keys (32 bytes in "
        "URL-safe base64): the first encrypts, all decrypt. Without any, secrets are stored as they are.",
    )
    timeout_seconds: int = Field(
        default=10, ge=1, le=60, description="Longest time for one attempt, from reading the record to the response."
    )
    maximum_response_bytes: int = Field(
        default=65_536, ge=0, le=10_485_760, description="A response is read no further than this."
    )
    at_once: int = Field(default=8, ge=1, le=100, description="Deliveries that one webhook may have under way.")
    retry_hours: int = Field(
        default=72, ge=0, le=8_760, description="For how long a delivery is tried again before it is given up."
    )
    first_retry_seconds: int = Field(
        default=5, ge=1, le=3_600, description="Pause before the second attempt; each further one is twice as long."
    )
    longest_retry_seconds: int = Field(default=3_600, ge=1, le=86_400, description="No pause is longer.")
    pause_after_failures: int = Field(
        default=20, ge=1, description="Failures in a row, of any deliveries, after which a webhook is paused."
    )
    overlap_hours: int = Field(
        default=24, ge=0, le=8_760, description="For how long a secret that was replaced still signs, by default."
    )
    kept_days: int = Field(default=30, ge=1, le=36_500, description="Days for which deliveries are kept.")

    @field_validator("exceptions")
    @classmethod
    def _hosts_or_networks(cls, values: list[str]) -> list[str]:
        for value in values:
            if "/" in value:
                ip_network(value)
        return [value.lower().rstrip(".") for value in values]

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        # Not at the field: what is wrong there is shown with its value.
        try:
            for key in self.encryption_keys:
                Fernet(key.get_secret_value())
        except ValueError:
            raise ValueError(
                "encryption_keys: one is not a Fernet key; make one by `openssl rand -base64 32 | tr +/ -_`"
            ) from None
        if self.retry_hours > self.kept_days * 24:
            raise ValueError("retry_hours: deliveries are removed before; lower it, or raise kept_days")
        return self

    @model_validator(mode="after")
    def _check_extra(self) -> Self:
        if self.enabled and find_spec("httpcore") is None:
            raise ValueError("enabled: httpcore, which sends, is not installed; install guanxi[webhooks]")
        return self

    @property
    def retries(self) -> Retries:
        """How a delivery is tried again."""
        first = timedelta(seconds=self.first_retry_seconds)
        longest = max(first, timedelta(seconds=self.longest_retry_seconds))
        return Retries(timedelta(hours=self.retry_hours), first, longest)
