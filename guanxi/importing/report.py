"""The report of an import: counts, refused rows, warnings."""

from collections import Counter
from dataclasses import dataclass, field

from core.unit.drafts import OutcomeStatus


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """Why a row is rejected.

    Attributes:
        record: the record of the mapping that is at fault; empty for the row as a whole.
        reason: names the field, the value and the remedy.
        waits: a later row may make what this one refers to.
    """

    record: str
    reason: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class RowWarning:
    """A warning of a policy; the row was imported."""

    line: int
    record: str
    message: str


@dataclass(slots=True)
class ImportReport:
    """The result of an import.

    Attributes:
        rows: those of the source that were settled.
        rejected: those of them that were rejected.
        left_out: those of which the mapping makes nothing.
        counts: record of the mapping to how many rows were `CREATED`, `UPDATED`, `UNCHANGED` or `FAILED` there.
        warnings: of rows that went through.
    """

    rows: int = 0
    rejected: int = 0
    left_out: int = 0
    counts: dict[str, Counter[OutcomeStatus]] = field(default_factory=dict)
    warnings: list[RowWarning] = field(default_factory=list)
