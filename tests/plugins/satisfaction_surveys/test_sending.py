"""Invitations that guanxi sends: by SMTP to a local server, once each, in the respondent's language, tried again."""

import json
import re
import socket
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from guanxi import Message, Plugin, Reject, UserError, hookimpl
from guanxi.vocabulary import Channel
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.smtp import send_mail
from tests import data
from tests.plugins.satisfaction_surveys.asking import World

INVITED = "invited issued { token invitation { delivery } }"
DELIVERED = """query ($id: ID!) { surveyInvitations(where: {surveyId: {eq: $id}}) {
    nodes { contact { name } delivery deliveryProblem reminders sentAt } } }"""


class Inbox:
    """A mail server's handler: keeps mails by recipient, and refuses recipients as it is told."""

    def __init__(self):
        self.mails = {}
        self.refused = {}

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  (the library's name)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        for address in envelope.rcpt_tos:
            self.mails.setdefault(address, []).append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def token(self, address):
        """The token of the last mail to an address."""
        return re.search(r"token=(\S+)", self.mails[address][-1].get_content())[1]


@pytest.fixture(scope="module")
def server():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def inbox(server):
    server.handler.__init__()
    return server.handler


@pytest.fixture
def policy(server):
    return {
        "answer_address": "https://example.com/{language}?token={token}",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "NONE",
        "smtp_sender": "Acme Surveys <surveys@example.com>",
    }


@pytest.fixture
def world(crm, clock, policy):
    made = World(crm(SatisfactionSurveys, clock=clock, plugins={"satisfaction_surveys": policy}))
    made.customers("Ann", "Ben", "Cleo", "Dan")
    emails = {name: f"{name.lower()}@example.com" for name in ("Ann", "Ben", "Cleo")}
    data.upsert(
        made.client,
        "contacts",
        [
            {"externalIds": [made.key(f"{name}-0")], "email": email, "language": "de-AT" if name == "Ann" else None}
            for name, email in emails.items()
        ],
    )
    return made


def test_invitations_are_sent_once_tried_again_and_marked(world, clock, inbox, caplog):
    caplog.set_level("DEBUG")
    survey = world.opened("Spring", introduction="Two questions.")
    question = {"questionId": world.questions(survey)[1], "text": "Wie war die Lieferung?"}
    world.done("setSurveyTranslation", surveyId=survey, language="de", title="Frühling", questions=[question])
    inbox.refused = {"ben@example.com": "451 later", "cleo@example.com": "550 no such user"}
    payload = world.done("inviteToSurvey", INVITED, surveyId=survey, send=True)
    assert payload["issued"] == [{"token": None, "invitation": {"delivery": "QUEUED"}}] * 4
    world.client.deliver()

    def states():
        nodes = world.query(DELIVERED, id=survey)["surveyInvitations"]["nodes"]
        return {one["contact"]["name"]: (one["delivery"], one["deliveryProblem"]) for one in nodes}

    assert states() == {
        "Ann-0": ("SENT", None),
        "Ben-0": ("QUEUED", "plugin 'satisfaction_surveys', send: the mail server did not take it: 451 later"),
        "Cleo-0": ("FAILED", "the mail server refused it: 550 no such user"),
        "Dan-0": ("FAILED", "the respondent has no e-mail address; enter one, and send a reminder"),
    }
    (mail,) = inbox.mails["ann@example.com"]
    assert (mail["Subject"], mail["From"], mail["To"], mail["Content-Language"]) == (
        "Frühling",
        "Acme Surveys <surveys@example.com>",
        "ann@example.com",
        "de",
    )
    token = inbox.token("ann@example.com")
    assert mail.get_content().replace("\r\n", "\n") == f"Two questions.\n\nhttps://example.com/de?token={token}\n"
    # The server is well again; who has the mail does not get it twice.
    inbox.refused.clear()
    clock.moment += timedelta(minutes=1)
    world.client.deliver()
    assert states()["Ben-0"] == ("SENT", None)
    assert {address: len(mails) for address, mails in inbox.mails.items()} == {
        "ann@example.com": 1,
        "ben@example.com": 1,
    }
    assert inbox.mails["ben@example.com"][0]["Subject"] == "Spring"
    form = world.query(
        "query ($token: String!) { surveyForm(token: $token, language: \"de-CH\") { title language languages "
        "introduction questions { text } } }",
        token=token,
    )["surveyForm"]  # fmt: skip
    texts = [one["text"] for one in form.pop("questions")]
    assert form == {"title": "Frühling", "language": "de", "languages": ["en", "de"], "introduction": "Two questions."}
    assert texts[:2] == ["Wie war die Lieferung?", "How was the advice?"]
    assert world.answer(token, world.answers(survey))["accepted"]
    # A reminder is another mail with another token, to whoever has not answered.
    clock.moment += timedelta(days=7)
    assert world.done("remindSurveyRespondents", "reminded", surveyId=survey, send=True)["reminded"] == 3
    world.client.deliver()
    assert {address: len(mails) for address, mails in inbox.mails.items()} == {
        "ann@example.com": 1,
        "ben@example.com": 2,
        "cleo@example.com": 1,
    }
    # Tokens are in the mails alone, and in the log of the test's own server.
    ours = " ".join(one.getMessage() for one in caplog.records if one.name != "mail.log")
    logged = json.dumps(world.query("{ events(first: 500) { nodes { type changes { field current } data } } }"))
    assert "SURVEY_INVITATION_UPDATED" in logged
    for address in inbox.mails:
        assert inbox.token(address) not in logged + ours


def test_what_cannot_be_sent_is_refused(world, other):
    world.customers("Eve")
    anonymous = world.opened("Quiet", isAnonymous=True)
    assert world.codes("inviteToSurvey", surveyId=anonymous, send=True) == [("ANONYMOUS", ["send"])]
    other.customers("Eve")
    assert other.codes("inviteToSurvey", surveyId=other.opened(), send=True) == [("INVALID", ["send"])]


def test_a_title_begins_no_header_and_an_address_is_one(policy, inbox, clock):
    settings = SatisfactionSettings.model_validate(policy)

    def send(**given):
        send_mail(settings, _message(**given), clock.now())

    send(subject="Hello\r\nBcc: eve@example.com")
    (mail,) = inbox.mails.pop("ann@example.com")
    assert (mail["Subject"], mail["Bcc"]) == ("Hello Bcc: eve@example.com", None)
    for address in ("ann@example.com\r\nBcc: eve@example.com", "nobody", ""):
        with pytest.raises(Reject, match="is not an e-mail address"):
            send(address=address)
    assert inbox.mails == {}


def _message(**given):
    values = {"id": "1", "address": "ann@example.com", "subject": "Hello", "text": "Hello.", "language": "en"}
    return Message(channel=Channel.EMAIL, **values | given)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"smtp_sender": None}, "smtp_sender"),
        ({"smtp_sender": "a@example.com\nBcc: b@example.com"}, "smtp_sender"),
        ({"smtp_username": "me"}, "smtp_username"),
        ({"answer_address": "https://example.com"}, "ANSWER_ADDRESS"),
    ],
)
def test_settings_that_cannot_send_stop_the_start(policy, wrong, name):
    with pytest.raises(ValueError, match=name.lower()):
        SatisfactionSettings.model_validate(policy | wrong)


class Gateway(Plugin):
    """Sends text messages."""

    name, version, api = "gateway", "1.0", ">=1,<2"

    def __init__(self):
        self.sent = []

    @hookimpl
    async def send(self, ctx, message):
        if message.channel != "SMS":
            return False
        if message.address == "+49 30 1":
            raise Reject(UserError("INVALID", "address: it is too short"))
        self.sent.append(message)
        return True


def test_hook_send_serves_another_channel_and_says_what_can_never_be_sent(crm, clock, policy):
    gateway = Gateway()
    world = World(crm(SatisfactionSurveys, gateway, clock=clock, plugins={"satisfaction_surveys": policy}))
    world.customers("Ann", "Ben")
    phones = {"Ann": "+49 30 123456", "Ben": "+49 30 1"}
    data.upsert(
        world.client,
        "contacts",
        [{"externalIds": [world.key(f"{name}-0")], "phone": phone} for name, phone in phones.items()],
    )
    survey = world.opened(channel="SMS")
    world.done("inviteToSurvey", surveyId=survey, send=True)
    world.client.deliver()
    assert [(one.address, one.subject) for one in gateway.sent] == [("+49 30 123456", "Quarterly")]
    nodes = world.query(DELIVERED, id=survey)["surveyInvitations"]["nodes"]
    assert {one["contact"]["name"]: one["deliveryProblem"] for one in nodes} == {
        "Ann-0": None,
        "Ben-0": "address: it is too short",
    }
    survey = world.opened("Chat", channel="CHAT", isRegular=False, where={"name": {"eq": "Ann-0"}})
    clock.moment += timedelta(days=60)
    world.done("inviteToSurvey", surveyId=survey, send=True)
    world.client.deliver()
    (node,) = world.query(DELIVERED, id=survey)["surveyInvitations"]["nodes"]
    assert node["deliveryProblem"] == "channel: no plugin sends by CHAT; configure or install one that does"
