"""What plugins have sent to people, whichever plugin serves the channel."""

from dataclasses import dataclass

from core.records.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one person.

    Attributes:
        id: the same whenever it is sent again, so that a channel can make use of it.
        channel: by which it is to be sent.
        address: whom it is for: an e-mail address; for other channels a telephone number.
        subject: one line.
        text: plain text.
        language: tag of the language it is written in, such as `en` or `zh-CN`.
    """

    id: str
    channel: Channel
    address: str
    subject: str
    text: str
    language: str
