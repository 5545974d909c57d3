"""Faults of the store, and how clients are answered then."""

from guanxi import BadRequest, Context, GuanxiError, sentence


class StoreError(GuanxiError):
    """The store cannot be used."""


def unavailable(ctx: Context, error: StoreError) -> BadRequest:
    """The answer where the store cannot be used; the log has the reason."""
    ctx.log.error("%s", error.message)
    message = sentence("the store of files cannot be reached; try again in a minute")
    return BadRequest(503, message, "UNAVAILABLE", {"retry-after": "60"})
