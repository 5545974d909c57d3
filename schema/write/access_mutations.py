"""Mutations of administrators: API keys created, rotated and revoked, identities linked to users."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.access import keys
from core.access.identities import UserIdentity, link, linked_user, unlink
from core.access.keys import ApiKey
from core.access.permissions import ADMINISTER, check
from core.access.reach import user_actor
from core.access.storage import locked
from core.base.actors import Identity
from core.base.errors import InputError, UserError
from core.base.sentences import sentence
from core.records.checks import check_text
from core.records.columns import column_info
from core.unit.drafts import OutcomeStatus, RowOutcome, failure
from core.unit.unit import Unit
from schema.request.context import RequestContext
from schema.types.builder import Argument, Builder, Member
from schema.write.answers import Mutation, MutationInput, record_id
from schema.write.mutations import DRY_RUN, ERRORS, KEY, REQUEST_ID, WARNINGS

_OVERLAP_MINUTES = 1440
_LONGEST_OVERLAP_MINUTES = 43_200
_LONGEST_NAME = 500


@dataclass(slots=True)
class _Issued(RowOutcome):
    """The outcome that has a secret to show, which is stored nowhere: a repetition of the request shows none."""

    secret: str | None = field(default=None, repr=False)


class _Faulty(Exception):  # noqa: N818  (carries the error that is answered)
    def __init__(self, code: str, name: str, message: str) -> None:
        super().__init__(message)
        self.error = UserError(code, sentence("{name}: {message}", name=name, message=message), (name,))


def access_mutations(builder: Builder) -> dict[str, Mutation]:
    """`createApiKey`, `rotateApiKey`, `revokeApiKey`, `linkIdentity` and `unlinkIdentity`."""
    _add_types(builder)

    def mutation(
        name: str, payload: str, description: str, input_: str, work: Any, present: Any, **more: Any
    ) -> Mutation:
        member = Member(name, payload, description, [Argument("input", input_, "The input.")])
        return Mutation(member, name, _refusing(work), present, permission=ADMINISTER, **more)

    return {
        "createApiKey": mutation(
            "createApiKey",
            "IssuedApiKeyPayload",
            "Creates an API key. From the first one on, every request must say who asks.",
            "CreateApiKeyInput",
            _create,
            _key_payload,
            refusal=_scopes_refusal,
        ),
        "rotateApiKey": mutation(
            "rotateApiKey",
            "IssuedApiKeyPayload",
            "Replaces the secret of an API key; the present one is accepted for a while longer, so that nothing fails "
            "while it is replaced.",
            "RotateApiKeyInput",
            _rotate,
            _key_payload,
        ),
        "revokeApiKey": mutation(
            "revokeApiKey",
            "ApiKeyPayload",
            "Revokes an API key for good; within five seconds no server accepts it.",
            "RevokeApiKeyInput",
            _revoke,
            _key_payload,
            is_lasting=True,
        ),
        "linkIdentity": mutation(
            "linkIdentity",
            "UserIdentityPayload",
            "Links somebody whom an issuer of tokens, or a plugin, knows to the user that person is.",
            "LinkIdentityInput",
            _link,
            _identity_payload,
        ),
        "unlinkIdentity": mutation(
            "unlinkIdentity",
            "UserIdentityPayload",
            "Removes such a link; the person can no longer sign in by it.",
            "UnlinkIdentityInput",
            _unlink,
            _identity_payload,
            removes=True,
        ),
    }


def _add_types(builder: Builder) -> None:
    id_, dry = Member("id", "ID", "Its id."), DRY_RUN
    builder.input(
        "CreateApiKeyInput",
        "A new API key.",
        [
            Member("name", "str", "What it is for."),
            Member("role", "UserRole", "The role whose permissions it has."),
            Member(
                "scopes",
                "list[str] | None",
                "Permissions to which it is narrowed, such as `Customer.read` or `*.read:team`; by default all of its "
                "role.",
            ),
            Member(
                "userId",
                "ID | None",
                "The user as whom it sees records, where its role sees those of a person, team or region.",
            ),
            Member("expiresAt", "DateTime | None", "From when it is no longer accepted; never if left out."),
            dry,
            KEY,
        ],
    )
    builder.input(
        "RotateApiKeyInput",
        "The rotation of an API key.",
        [
            id_,
            Member(
                "overlapMinutes",
                "int",
                f"For how long the present secret is still accepted; 0 for not at all, {_LONGEST_OVERLAP_MINUTES:,} at "
                "most. An earlier secret ends at once.",
                default=_OVERLAP_MINUTES,
            ),
            dry,
            KEY,
        ],
    )
    builder.input("RevokeApiKeyInput", "The API key to revoke.", [id_, dry, KEY])
    builder.input(
        "LinkIdentityInput",
        "A link of an identity to a user.",
        [
            Member("issuer", "str", "The issuer, as its tokens name it in `iss`; of a plugin `plugin:` and its name."),
            Member("subject", "str", "The person, as the issuer names them in `sub`."),
            Member("userId", "ID", "The user that person is."),
            dry,
            KEY,
        ],
    )
    builder.input("UnlinkIdentityInput", "The link to remove.", [id_, dry, KEY])
    key = Member("apiKey", "ApiKey | None", "The key as it is now; null if the change was refused.")
    secret = Member(
        "secret",
        "str | None",
        "The key itself, to be sent as `Authorization: Bearer`. It is shown this once: a repetition of the request "
        "with its idempotency key shows null.",
    )
    builder.output(
        "IssuedApiKeyPayload", "An API key whose secret is new.", [key, secret, ERRORS, WARNINGS, REQUEST_ID]
    )
    builder.output("ApiKeyPayload", "The result of a change of an API key.", [key, ERRORS, WARNINGS, REQUEST_ID])
    builder.output(
        "UserIdentityPayload",
        "The result of a change of an identity.",
        [
            Member("userIdentity", "UserIdentity | None", "The link, as it was where it was removed; null if refused."),
            Member("deletedId", "ID | None", "Its id if it was removed."),
            ERRORS,
            WARNINGS,
            REQUEST_ID,
        ],
    )


def _refusing(work: Callable[[Unit, MutationInput], RowOutcome]) -> Callable[[Unit, MutationInput], list[RowOutcome]]:
    """The work, what it finds wrong given as the outcome."""

    def refusing(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        try:
            return [work(unit, given)]
        except _Faulty as faulty:
            return [failure(0, [faulty.error])]

    return refusing


def _scopes_refusal(context: RequestContext, given: MutationInput) -> Mapping[str, Any] | None:
    """The payload where a key is to be narrowed to what is no permission."""
    services = context.services
    try:
        check(_scopes(given), services.catalog.records, {*services.control.names, *services.control.scope_names})
    except InputError as error:
        return _key_payload(
            given,
            [failure(0, [UserError("INVALID", sentence("scopes: {problem}", problem=error.message), ("scopes",))])],
        )
    return None


def _scopes(given: MutationInput) -> list[str]:
    return list(dict.fromkeys(given.get("scopes") or ()))


def _create(unit: Unit, given: MutationInput) -> RowOutcome:
    name = _text(given["name"], "name", int(column_info(ApiKey.__table__.c.name).max_length or 0))
    expires_at = given.get("expiresAt")
    if expires_at is not None and expires_at <= unit.now:
        raise _Faulty(
            "INVALID", "expiresAt", sentence("{expires_at} is over; give a later moment", expires_at=expires_at)
        )
    user_id = given.get("userId")
    if user_id is not None:
        _check_user(unit, user_id)
    key = ApiKey(name=name, role=given["role"], scopes=_scopes(given), user_id=user_id, expires_at=expires_at)
    secret = keys.create(unit.transaction, key, unit.actor.id, unit.now, unit.request_id)
    return _Issued(0, OutcomeStatus.CREATED, key.id, secret=secret)


def _rotate(unit: Unit, given: MutationInput) -> RowOutcome:
    key = _living_key(unit, given["id"])
    minutes = given["overlapMinutes"]
    if not 0 <= minutes <= _LONGEST_OVERLAP_MINUTES:
        raise _Faulty(
            "INVALID",
            "overlapMinutes",
            sentence(
                "{minutes} is outside 0 to {longest_overlap_minutes}",
                minutes=minutes,
                longest_overlap_minutes=_LONGEST_OVERLAP_MINUTES,
            ),
        )
    overlap = timedelta(minutes=minutes)
    secret = keys.rotate(unit.transaction, key, overlap, unit.actor.id, unit.now, unit.request_id)
    return _Issued(0, OutcomeStatus.UPDATED, key.id, secret=secret)


def _revoke(unit: Unit, given: MutationInput) -> RowOutcome:
    key = locked(unit.transaction, ApiKey, given["id"])
    if key is None:
        raise _Faulty("NOT_FOUND", "id", sentence("there is no API key {given!r}", given=given["id"]))
    if key.revoked_at is not None:
        return RowOutcome(0, OutcomeStatus.UNCHANGED, key.id)
    keys.revoke(unit.transaction, key, unit.actor.id, unit.now, unit.request_id)
    return RowOutcome(0, OutcomeStatus.UPDATED, key.id)


def _living_key(unit: Unit, id: str) -> ApiKey:
    key: ApiKey | None = locked(unit.transaction, ApiKey, id)
    if key is None:
        raise _Faulty("NOT_FOUND", "id", sentence("there is no API key {id!r}", id=id))
    if not keys.is_living(key, unit.now):
        raise _Faulty("IMMUTABLE", "id", sentence("{start} is revoked or expired; create a new key", start=key.start))
    return key


def _link(unit: Unit, given: MutationInput) -> RowOutcome:
    issuer = _text(given["issuer"], "issuer", _LONGEST_NAME)
    identity = Identity(_text(given["subject"], "subject", _LONGEST_NAME), issuer=issuer)
    _check_user(unit, given["userId"])
    if (known := linked_user(unit.transaction, identity)) is not None:
        raise _Faulty(
            "TAKEN",
            "subject",
            sentence("{subject!r} is {user} already; remove that link first", subject=identity.subject, user=known),
        )
    id = link(unit.transaction, identity, given["userId"], unit.actor.id, unit.now, unit.request_id)
    return RowOutcome(0, OutcomeStatus.CREATED, id)


def _unlink(unit: Unit, given: MutationInput) -> RowOutcome:
    found: UserIdentity | None = locked(unit.transaction, UserIdentity, given["id"])
    if found is None:
        raise _Faulty("NOT_FOUND", "id", sentence("there is no identity {given!r}", given=given["id"]))
    unit.announce_removal()
    unlink(unit.transaction, found, unit.actor.id, unit.now, unit.request_id)
    return RowOutcome(0, OutcomeStatus.DESTROYED, found.id)


def _check_user(unit: Unit, id: str) -> None:
    if "\0" in id or user_actor(unit.transaction, id) is None:
        raise _Faulty("NOT_FOUND", "userId", sentence("there is no active user {id!r}", id=id))


def _text(value: str, name: str, longest: int) -> str:
    try:
        check_text(value, longest)
    except InputError as error:
        raise _Faulty("INVALID", name, error.message) from None
    return value.strip()


def _key_payload(given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    (outcome,) = outcomes
    secret = getattr(outcome, "secret", None)
    return {**_payload("apiKey", given, outcome), "secret": None if given["dryRun"] else secret}


def _identity_payload(given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    (outcome,) = outcomes
    gone = outcome.id if outcome.status is OutcomeStatus.DESTROYED else None
    return {**_payload("userIdentity", given, outcome), "deletedId": gone}


def _payload(name: str, given: MutationInput, outcome: RowOutcome) -> dict[str, Any]:
    id = record_id(outcome, dry=given["dryRun"])
    return {name: id, "userErrors": outcome.errors, "warnings": outcome.warnings}
