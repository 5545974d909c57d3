"""A trial: the app with the world in its database, asked on each of its paths, and the oracle with the same world."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from guanxi import FixedClock, create_app, load_settings
from guanxi.app import App
from guanxi.testing import Client, running
from plugins.credit_scoring import CreditScoring
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from schema.serve.engine import Engine
from tests.oracle import tiers
from tests.oracle.asking import Ask, Step, ask_both, ask_on
from tests.oracle.comparing import DifferenceError
from tests.oracle.loading import load
from tests.oracle.oracle import Oracle
from tests.oracle.plugin import Probing
from tests.oracle.queries import Asked
from tests.oracle.shrinking import shrink
from tests.oracle.world import ASKED, make_world

_DEFAULT_SIZE, _LARGEST_SIZE = 20, 1000
_WORLD = 7

#: Random queries are wider than the limits that a server should have.
_LIMITS = {
    "maximum_aliases": 5000,
    "maximum_fields": 50_000,
    "maximum_directives": 5000,
    "maximum_tokens": 100_000,
    "maximum_root_fields": 5000,
    "maximum_conditions": 50_000,
    "maximum_cost": 10**15,
}


class Trial:
    """One app and the oracle.

    Attributes:
        client: asks the app.
        oracle: answers from what was sent.
        paths: the ways on which the app answers: by plans alone, and by graphql-core with plans.
    """

    def __init__(self, client: Client, oracle: Oracle) -> None:
        self.client = client
        self.oracle = oracle
        self.paths: dict[str, Ask] = {"plans": self.ask, "executor": self._ask_executor}

    def ask(self, text: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The app's answer as any client gets it."""
        return self.client.execute(text, **variables)

    def _ask_executor(self, text: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        async def never(*_: Any) -> None:
            return None

        with patch.object(Engine, "_by_plans", never):
            return self.ask(text, variables)

    def agree(self, asked: Asked, seed: int, most: int) -> dict[str, int]:
        """Asks a query on each path, and what follows from it; says how often each was answered as the oracle does.

        Raises:
            DifferenceError: an answer differs; the message has the smallest query that shows it.
        """
        answered = {}
        for name, ask in self.paths.items():
            steps: list[Step] = []
            try:
                answered[name] = ask_on(self.oracle, ask, asked, seed, most, steps.append)
            except DifferenceError as error:
                raise DifferenceError(
                    f"query {seed}, path {name}: {self._explained(error, ask, asked.text, steps[-1])}"
                ) from None
        return answered

    def _explained(self, error: DifferenceError, ask: Ask, text: str, step: Step) -> str:
        """What is wrong, with the smallest query that shows it."""

        def differs(smaller: str) -> DifferenceError | None:
            variables, cursors = (
                {name: value for name, value in given.items() if f"${name}" in smaller}
                for given in (step.variables, step.cursors)
            )
            try:
                ask_both(self.oracle, ask, smaller, variables, cursors)
            except DifferenceError as other:
                return other
            except Exception:  # no query any more
                return None
            return None

        if differs(text) is None:
            return f"{error}\nshown once by\n{text}\nwith {step}"
        small = shrink(text, lambda smaller: differs(smaller) is not None)
        given = {**step.variables, **step.cursors}
        used = {name: value for name, value in given.items() if f"${name}" in small}
        return f"{differs(small)}\nshown by\n{small}\nwith {used}"


#: Records of other plugins, of which only what is entered is known, and the lists of them.
AS_ENTERED = ("Receivable", "Survey")
_OTHERS = {*AS_ENTERED, "receivables", "receivablesAggregate", "surveys", "surveysAggregate"}


def _knows(plugin: str, name: str) -> bool:
    """Whether the oracle knows what a plugin declares; value tiering has more than it does."""
    return plugin == Probing.name or name in tiers.KNOWN or name in _OTHERS


def _app(url: str, clock: FixedClock) -> App:
    settings = load_settings(
        database_url=url, default_page_size=_DEFAULT_SIZE, maximum_page_size=_LARGEST_SIZE, **_LIMITS
    )
    return create_app(settings, [ValueTiering, CreditScoring, SatisfactionSurveys, Probing], clock)


@contextmanager
def trial(url: str) -> Iterator[Trial]:
    """A trial on an empty database."""
    clock = FixedClock(ASKED)
    app = _app(url, clock)
    app.migrate()
    enumerations = {name: [member.value for member in enum] for name, enum in app.catalog.enums.items()}
    oracle = Oracle(app.sdl, _knows, _DEFAULT_SIZE, _LARGEST_SIZE, enumerations, AS_ENTERED)
    prefixes = {record.name: record.prefix for record in app.catalog.records.values()}
    with running(app) as client:
        oracle.records = load(client, clock, make_world(oracle.schema, oracle.shapes, prefixes, _WORLD), oracle.shapes)
        yield Trial(client, oracle)
