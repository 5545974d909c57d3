"""How a plugin's after-commit hook is tried again."""

from dataclasses import dataclass
from datetime import timedelta

#: So many doublings lead past any pause.
_MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class Retries:
    """How an after-commit hook is tried again on events it failed on: `retries = Retries(duration=timedelta(days=3))`.

    Attributes:
        duration: for how long after the first failure; then the events are set aside.
        first_pause: before the second attempt; each further pause is twice as long.
        longest_pause: no pause is longer.
        jitter: the part of a pause, from 0 to 1, by which it is longer or shorter at random, so that those who failed
            together do not all come back at the same moment.
    """

    duration: timedelta = timedelta(hours=24)
    first_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(minutes=5)
    jitter: float = 0.2

    def __post_init__(self) -> None:
        """Refuses what cannot be meant.

        Raises:
            ValueError: a time is negative, no pause is left, or the jitter is not from 0 to 1.
        """
        if self.duration < timedelta(0):
            raise ValueError(f"Retries: duration {self.duration} is negative; timedelta(0) means no second attempt")
        if not timedelta(0) < self.first_pause <= self.longest_pause:
            raise ValueError(
                f"Retries: first_pause {self.first_pause} must be more than nothing, and longest_pause "
                f"{self.longest_pause} no shorter"
            )
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"Retries: jitter {self.jitter} must be from 0 to 1")

    def pause(self, failures: int, chance: float) -> timedelta:
        """The pause after so many failures, one or more; `chance` from 0 to 1 places it within the jitter."""
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        seconds = min(self.first_pause.total_seconds() * 2.0**doublings, self.longest_pause.total_seconds())
        return timedelta(seconds=seconds * (1 + self.jitter * (2 * chance - 1)))
