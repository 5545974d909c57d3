"""The log of a server: one line per event, JSON for machines and columns for people, whoever's logger wrote it."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import structlog

from core.base.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Has every logger of the process write such lines to standard error."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    written: list[Any] = [structlog.processors.format_exc_info, _as_json] if as_json else [_as_columns()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("guanxi").setLevel(settings.log_level)


def _as_json(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    said: Mapping[str, Any] = {"time": event.pop("timestamp"), "level": event.pop("level"), **event}
    return orjson.dumps(said, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _as_columns() -> Any:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
