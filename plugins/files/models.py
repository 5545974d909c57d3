"""Files, what is known of their bytes, and uploads."""

from datetime import datetime

from guanxi import Facet, Record, Table, column, reference
from guanxi.records import Contact, Customer, Interaction, Opportunity, Task, Transaction

_INVERSE = "Its files."


class File(Record, plugin="files", prefix="fil"):
    """A file that is attached to one record."""

    __part_of__ = ("customer", "contact", "opportunity", "interaction", "task", "transaction")
    __aggregates__ = False
    __search__ = ("name",)
    __order__ = (("createdAt", True),)

    name: str = column("Its name, such as offer.pdf.", max_length=200, index=True, personal=True, permission=None)
    customer_id: str | None = reference(
        Customer,
        "The customer it is attached to.",
        inverse="files",
        inverse_description=_INVERSE,
        default=None,
        on_destroy="CASCADE",
    )
    contact_id: str | None = reference(
        Contact,
        "The contact it is attached to.",
        inverse="files",
        inverse_description=_INVERSE,
        default=None,
        on_destroy="CASCADE",
    )
    opportunity_id: str | None = reference(
        Opportunity,
        "The opportunity it is attached to.",
        inverse="files",
        inverse_description=_INVERSE,
        default=None,
        on_destroy="CASCADE",
    )
    interaction_id: str | None = reference(
        Interaction,
        "The interaction it is attached to.",
        inverse="files",
        inverse_description=_INVERSE,
        default=None,
        on_destroy="CASCADE",
    )
    task_id: str | None = reference(
        Task,
        "The task it is attached to.",
        inverse="files",
        inverse_description=_INVERSE,
        default=None,
        on_destroy="CASCADE",
    )
    transaction_id: str | None = reference(
        Transaction,
        "The transaction it is attached to.",
        inverse="files",
        inverse_description=_INVERSE,
        default=None,
        on_destroy="CASCADE",
    )


#: The columns of which one says what a file is attached to.
ATTACHED_BY = ("customer_id", "contact_id", "opportunity_id", "interaction_id", "task_id", "transaction_id")


class FileContent(Facet, of=File, plugin="files"):
    """What is known of a file's bytes. Erasing personal data empties where they are, so that they are removed."""

    size: int | None = column("In bytes.", default=None, index=True)
    media_type: str | None = column("As it was said to be.", default=None, exact=True, index=True)
    sha256: str | None = column(
        "SHA-256, in hexadecimal.", default=None, exact=True, index=True, personal=True, permission=None
    )
    stored_as: str | None = column(
        "Path in the store.", default=None, exact=True, index=True, personal=True, permission=None
    )


class FileUpload(Table, plugin="files"):
    """Bytes that somebody is about to send, or has sent. Its row is there before them, and goes after them.

    In the store everything of an upload is in a folder named by its id. Each attempt to send it writes an object of its
    own, so that two at once do not mix.
    """

    id: str = column("Its id, which cannot be guessed.", primary_key=True, exact=True)
    owner: str = column("Who asked for it.", exact=True, index=True)
    size: int = column("In bytes.")
    media_type: str = column("As it is said to be.", exact=True)
    sha256: str | None = column("SHA-256, as it has to be, later as it is.", default=None, exact=True)
    stored_as: str | None = column("Path in the store, once all of it is there.", default=None, exact=True)
    expires_at: datetime = column("From when on it is kept only for a file.", index=True)
    is_going: bool = column("It is being removed.", default=False)
