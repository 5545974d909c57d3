"""A request that is refused before anything is executed."""

from collections.abc import Sequence

from graphql import GraphQLError


class Refused(Exception):  # noqa: N818  (an answer, not a failure)
    """A request that is not executed at all, with the errors that say why."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors
