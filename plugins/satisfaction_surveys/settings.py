"""Settings of satisfaction surveys, with the domain's defaults."""

from decimal import Decimal
from email.utils import parseaddr
from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from guanxi import Vocabulary


# S4
class SatisfiedBy(Vocabulary):
    """Who counts as satisfied."""

    GAP = "GAP", "Those whose actual rating meets or exceeds the expected one."
    RATING = "RATING", "Those whose actual rating is high enough."


# T12
class PerceivedValueMode(Vocabulary):
    """How perceived benefit and perceived cost are compared."""

    DIFFERENCE = "DIFFERENCE", "Benefit minus cost."
    RATIO = "RATIO", "Benefit divided by cost."


class SmtpSecurity(Vocabulary):
    """How the connection to the mail server is secured."""

    STARTTLS = "STARTTLS", "It begins in the clear and is encrypted before anything is sent."
    TLS = "TLS", "It is encrypted from the beginning."
    NONE = "NONE", "Not at all: for a server on the same machine."


class SatisfactionSettings(BaseModel):
    """Policy of satisfaction surveys."""

    target_percent: Decimal = Field(
        default=Decimal(90), ge=0, le=100, description="Target share of satisfied respondents in percent, inclusive."
    )
    satisfied_by: SatisfiedBy = Field(default=SatisfiedBy.GAP, description="Who counts as satisfied.")
    satisfied_from_rating: Decimal = Field(
        default=Decimal(4), ge=1, le=5, description="RATING: lowest rating that counts as satisfied."
    )
    csat_top_marks: int = Field(default=2, ge=1, le=5, description="Number of top marks that count for CSAT.")
    perceived_value: PerceivedValueMode = Field(
        default=PerceivedValueMode.DIFFERENCE, description="How benefit and cost are compared."
    )
    confidence_percent: Decimal = Field(
        default=Decimal(95), ge=50, lt=100, description="Confidence level of intervals in reports, in percent."
    )
    driver_respondents: int = Field(
        default=10, ge=3, le=1_000_000, description="Fewest respondents for which drivers are computed."
    )
    result_valid_days: int = Field(
        default=365,
        ge=1,
        le=36_500,
        description="Answers older than a customer's latest by this many days do not count.",
    )
    cadence_days: int = Field(
        default=90, ge=1, le=36_500, description="Days from one round of a regular survey to the next; a quarter."
    )
    cool_down_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="Days for which someone invited to one survey is not invited to another.",
    )
    invitation_valid_days: int = Field(default=30, ge=1, le=365, description="Days for which an invitation is valid.")
    reminder_after_days: int = Field(
        default=7, ge=1, le=36_500, description="Days without an answer after which a reminder is due."
    )
    reminders_at_most: int = Field(default=2, ge=0, description="Most reminders per invitation.")
    anonymous_from: int = Field(
        default=5, ge=2, description="Fewest respondents an anonymous survey invites at a time."
    )
    follow_up_days: int | None = Field(
        default=2,
        ge=0,
        le=36_500,
        description="Days until the follow-up of a detractor is due; null creates no such tasks.",
    )
    follow_up_within_days: int = Field(
        default=30, ge=0, le=36_500, description="Days after which answers, such as imported ones, are not followed up."
    )
    answer_address: str | None = Field(
        default=None,
        pattern=r"^https?://\S*\{token\}\S*$",
        description="Address of the page on which surveys are answered, for the link in invitations that are sent, "
        "with {token}, and {language} if the page takes one: https://example.com/survey?token={token}.",
    )
    smtp_host: str | None = Field(default=None, description="Mail server that sends invitations; none sends no mail.")
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Its port.")
    smtp_security: SmtpSecurity = Field(
        default=SmtpSecurity.STARTTLS, description="How the connection to it is secured."
    )
    smtp_username: str | None = Field(default=None, description="Name to log in with; none does not log in.")
    smtp_password: SecretStr | None = Field(default=None, description="Password to log in with.")
    smtp_sender: str | None = Field(
        default=None, description="Sender of the mail, such as Acme <surveys@example.com>; required with SMTP_HOST."
    )
    smtp_timeout_seconds: int = Field(default=15, ge=1, le=20, description="Longest wait for a reply of the server.")

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        sender = self.smtp_sender or ""
        if self.smtp_host is not None and not (sender.isprintable() and "@" in parseaddr(sender)[1]):
            raise ValueError("smtp_sender: give an address that mail is sent from, as smtp_host is given")
        if (self.smtp_username is None) is not (self.smtp_password is None):
            raise ValueError("smtp_username: give it together with smtp_password, or neither")
        return self
