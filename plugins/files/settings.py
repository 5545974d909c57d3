"""Settings of files."""

import re
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

if TYPE_CHECKING:
    from plugins.files.store import Store

#: A name of RFC 6838, of which a media type has two.
_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}")
_MEDIA_TYPES = re.compile(rf"{_NAME}/(\*|{_NAME})")

_DOCUMENTS = "application/vnd.openxmlformats-officedocument"
_ALLOWED = (
    "application/pdf",
    "application/zip",
    "application/json",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    f"{_DOCUMENTS}.wordprocessingml.document",
    f"{_DOCUMENTS}.spreadsheetml.sheet",
    f"{_DOCUMENTS}.presentationml.presentation",
    "audio/*",
    "image/*",
    "message/rfc822",
    "text/csv",
    "text/plain",
    "video/*",
)


class FileSettings(BaseModel):
    """Where files are kept, and which."""

    store: str | None = Field(
        default=None,
        description="Where files are kept: a folder, file:///var/lib/guanxi/files, or a bucket, s3://bucket/prefix. "
        "Without it nobody can attach any.",
    )
    endpoint: str | None = Field(
        default=None, description="Address of an S3-like server other than Amazon's, such as https://minio.example.com."
    )
    region: str | None = Field(default=None, description="Region of the bucket.")
    access_key_id: str | None = Field(
        default=None,
        description="Access key of the bucket; by default AWS_ACCESS_KEY_ID, else what the role of the machine gives.",
    )
    secret_access_key: SecretStr | None = Field(default=None, description="The secret that goes with it.")
    maximum_bytes: int = Field(
        default=26_214_400, ge=1, le=5_368_709_120, description="No file has more bytes than this."
    )
    media_types: list[str] = Field(
        default=list(_ALLOWED), description="Media types that files may have, as a JSON list; image/* stands for all."
    )
    upload_seconds: int = Field(
        default=3_600, ge=10, le=86_400, description="For how long a file can be sent and created after prepareUpload."
    )
    link_seconds: int = Field(default=300, ge=1, le=604_800, description="For how long a downloadUrl is good.")
    unfinished_uploads: int = Field(
        default=100, ge=1, le=100_000, description="Uploads that one user or key may have begun and not finished."
    )
    idle_seconds: int = Field(
        default=30, ge=1, le=600, description="An upload of which nothing arrives for so long is broken off."
    )
    base_url: str = Field(
        default="",
        description="What links begin with, such as https://crm.example.com; by default they lead to the same server.",
    )

    @field_validator("media_types")
    @classmethod
    def _are_media_types(cls, values: list[str]) -> list[str]:
        for value in values:
            if not _MEDIA_TYPES.fullmatch(value):
                raise ValueError(f"{value!r} is not a media type; write it like application/pdf or image/*")
        return values

    @field_validator("store")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        if parts.query or parts.fragment:
            raise ValueError("it has a query or a fragment; leave it out")
        if parts.scheme == "file" and not parts.netloc and parts.path.strip("/"):
            return value
        if parts.scheme == "s3" and parts.netloc:
            return value
        raise ValueError("it must be like file:///var/lib/guanxi/files, with three slashes, or s3://bucket/prefix")

    @field_validator("base_url")
    @classmethod
    def _is_base(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("it must begin with https:// or http://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.store is not None and find_spec("obstore") is None:
            raise ValueError("store: obstore, which keeps files, is not installed; install guanxi[files]")
        if (self.access_key_id is None) is not (self.secret_access_key is None):
            raise ValueError("access_key_id: it needs secret_access_key, and the other way round; set both or neither")
        return self

    def allows(self, media_type: str) -> bool:
        """Whether a file may have a media type."""
        is_listed = media_type in self.media_types or f"{media_type.partition('/')[0]}/*" in self.media_types
        return is_listed and _MEDIA_TYPE.fullmatch(media_type) is not None

    @cached_property
    def opened(self) -> "Store":
        """The store; only where one is set.

        Raises:
            StoreError: it cannot be opened.
        """
        # It comes with the extra.
        from plugins.files.store import Store

        secret = self.secret_access_key
        options = {
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.access_key_id,
            "secret_access_key": secret and secret.get_secret_value(),
        }
        return Store(self.store or "", {name: value for name, value in options.items() if value})
