"""Persisted documents: those a frontend was built with, asked for by id instead of by text."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import orjson

from core.base.errors import ConfigurationError
from core.base.sentences import sentence
from schema.serve.bad_request import BadRequest

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)


class PersistedDocuments:
    """The documents of a file, and whether there are any others."""

    def __init__(self, path: Path | None, *, only: bool) -> None:
        """Reads the file.

        Args:
            path: of a JSON object from ids to texts, as Relay, Apollo and GraphQL Code Generator write it; None for
                none.
            only: nothing but these documents is answered.

        Raises:
            ConfigurationError: the file cannot be read, or an id is the hash of another text.
        """
        if only and path is None:
            raise ConfigurationError(
                "GUANXI_DOCUMENTS_ONLY=true without GUANXI_DOCUMENTS_FILE would refuse everything; name the file"
            )
        self._only = only
        self._by_id = {} if path is None else _read(path)
        self._texts = frozenset(self._by_id.values())

    def text(self, text: str | None, id: str | None) -> str:
        """The document that a request asks for by its text, its id or both.

        Raises:
            BadRequest: it is not known, or not allowed.
        """
        if id is not None:
            known = self._by_id.get(_normal(id))
            if known is None:
                message = sentence(
                    "documentId: no document {id!r} is known to this server; send its text as query", id=id[:80]
                )
                if self._only:
                    message = sentence(
                        "documentId: no document {id!r} is known to this server; deploy its file first", id=id[:80]
                    )
                raise BadRequest(400, message, "DOCUMENT_NOT_FOUND")
            if text is not None and text != known:
                raise BadRequest(400, sentence("documentId: query is another document; send one of them"))
            return known
        assert text is not None
        if self._only and text not in self._texts:
            raise BadRequest(
                403,
                sentence("query: only the documents of this server's file are answered; send documentId"),
                "FORBIDDEN",
            )
        return text


def _normal(id: str) -> str:
    """An id as it is looked up: hashes in small letters, without what says that they are."""
    found = _SHA256.fullmatch(id)
    return found[1].lower() if found else id


def _read(path: Path) -> Mapping[str, str]:
    try:
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"GUANXI_DOCUMENTS_FILE={path}: cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"GUANXI_DOCUMENTS_FILE={path}: is not JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ConfigurationError(f"GUANXI_DOCUMENTS_FILE={path}: must be an object from ids to texts of documents")
    documents = {_normal(id): text for id, text in found.items()}
    for id, text in documents.items():
        if _SHA256.fullmatch(id) and hashlib.sha256(text.encode()).hexdigest() != id:
            raise ConfigurationError(
                f"GUANXI_DOCUMENTS_FILE={path}: {id} is not the SHA-256 of its text; build it anew"
            )
    return documents
