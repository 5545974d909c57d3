"""The channel for e-mail: messages handed to an SMTP server."""

import smtplib
import ssl
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from guanxi import GuanxiError, Message, Reject, UserError, sentence
from plugins.satisfaction_surveys.settings import SatisfactionSettings, SmtpSecurity

#: From here on a reply of the server is its last word.
_PERMANENT = 500


def send_mail(settings: SatisfactionSettings, message: Message, now: datetime) -> None:
    """Hands a message to the server.

    Raises:
        Reject: it can never be sent to this address.
        GuanxiError: the server could not be reached, or did not take it now.
    """
    mail = _mail(settings, message, now)
    try:
        with _connect(settings) as server:
            if settings.smtp_username is not None and settings.smtp_password is not None:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _refusal(code, said) from None
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise Reject(
            UserError("UNDELIVERABLE", sentence("address: the server cannot take it: {error}", error=error))
        ) from None
    except smtplib.SMTPResponseException as error:
        raise GuanxiError(f"the mail server said: {_said(error.smtp_code, error.smtp_error)}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise GuanxiError(f"the mail server {settings.smtp_host}:{settings.smtp_port} failed: {error}") from None


def _mail(settings: SatisfactionSettings, message: Message, now: datetime) -> EmailMessage:
    sender = _address(settings.smtp_sender or "")
    mail = EmailMessage(policy=SMTP)
    # A line break would begin another header.
    mail["Subject"] = " ".join(message.subject.split())
    mail["From"] = sender
    mail["To"] = _address(message.address)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    mail["Content-Language"] = message.language
    return mail


def _address(text: str) -> Address:
    """An address as it stands in a header.

    Raises:
        Reject: it is not one.
    """
    name, address = parseaddr(text)
    try:
        if not text.isprintable() or "@" not in address:
            raise ValueError
        return Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError):
        raise Reject(
            UserError("INVALID", sentence("address: {text!r} is not an e-mail address; correct it", text=text))
        ) from None


def _connect(settings: SatisfactionSettings) -> smtplib.SMTP:
    assert settings.smtp_host is not None
    where = settings.smtp_host, settings.smtp_port
    # Given, for else the machine's name is looked up, which may take long.
    name = _address(settings.smtp_sender or "").domain
    if settings.smtp_security is SmtpSecurity.TLS:
        return smtplib.SMTP_SSL(
            *where, name, timeout=settings.smtp_timeout_seconds, context=ssl.create_default_context()
        )
    server = smtplib.SMTP(*where, name, timeout=settings.smtp_timeout_seconds)
    if settings.smtp_security is SmtpSecurity.STARTTLS:
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _refusal(code: int, said: bytes | str) -> Exception:
    if code >= _PERMANENT:
        return Reject(
            UserError("UNDELIVERABLE", sentence("the mail server refused it: {said}", said=_said(code, said)))
        )
    return GuanxiError(f"the mail server did not take it: {_said(code, said)}")


def _said(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())[:300]}"
