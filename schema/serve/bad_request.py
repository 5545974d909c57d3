"""What is answered by a status instead of by GraphQL."""

from collections.abc import Mapping

Headers = Mapping[str, str]


class BadRequest(Exception):  # noqa: N818  (an HTTP status with its message)
    """The request is not a GraphQL request, or may not be answered."""

    def __init__(self, status: int, message: str, code: str = "BAD_REQUEST", headers: Headers | None = None):
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.headers = headers or {}
