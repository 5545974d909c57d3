"""A receiver of webhooks on this machine, and a CRM that is allowed to send to it."""

import json
import threading
from collections import namedtuple
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from plugins.webhooks import Webhooks
from plugins.webhooks.courier import JOB

Received = namedtuple("Received", "path headers body")

CREATE = """mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) {
    webhook { id status ownerId } secret userErrors { code field message } } }"""
DELIVERIES = """{ webhookDeliveries(orderBy: [{sequence: ASC}, {id: ASC}]) { nodes {
    id eventType recordId status attempts responseStatus problem nextAttemptAt } } }"""


class Receiver:
    """An HTTP server that keeps what it gets, and answers as it is told."""

    def __init__(self):
        self.received = []
        self.answer = lambda received: 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                received = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                receiver.received.append(received)
                status, headers = receiver.answer(received), {}
                if isinstance(status, tuple):
                    status, headers = status
                self.send_response(status)
                for name, value in {"content-length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            # As many as connect at once: who is not let in tries again a second later.
            request_queue_size = 128
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def url(self, host="127.0.0.1", path="/hook"):
        return f"http://{host}:{self.port}{path}"

    def reset(self):
        self.received.clear()
        self.answer = lambda received: 204

    def bodies(self):
        return [json.loads(one.body) for one in self.received]

    def told(self):
        """Type of event and record of what was received, in order."""
        return [(one["type"], one["recordId"]) for one in self.bodies()]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class World:
    """A running CRM with webhooks, and what tests do with it."""

    def __init__(self, crm, clock, receiver, url=None, **policy):
        settings = {
            "enabled": True,
            "allow_http": True,
            "exceptions": ["127.0.0.0/8"],
            "first_retry_seconds": 20,
            **policy,
        }
        self.client = crm(Webhooks, clock=clock, url=url, plugins={"webhooks": settings})
        self.clock, self.receiver = clock, receiver

    def user(self, name="Ada", role="ADMINISTRATOR"):
        return self.client.create("User", name=name, role=role)["id"]

    def asked(self, input, client=None, **given):
        """The payload of `createWebhook`."""
        return (client or self.client).query(CREATE, input={"url": self.receiver.url(), **input, **given})[
            "createWebhook"
        ]

    def hook(self, owner, **given):
        """A new webhook of somebody, which is told of what comes a moment later."""
        payload = self.asked({"ownerId": owner}, **given)
        assert payload["userErrors"] == [], payload
        self.wait(0.001)
        return payload["webhook"]["id"], payload["secret"]

    def change(self, field, selection="", **input):
        """The payload of another mutation of webhooks."""
        type_ = field[:1].upper() + field[1:]
        text = f"mutation ($input: {type_}Input!) {{ {field}(input: $input) {{ {selection} userErrors {{ code field }} }} }}"
        return self.client.query(text, input=input)[field]

    def rename(self, record, id, name):
        text = (
            f"mutation ($input: Update{record}Input!) {{ update{record}(input: $input) {{ userErrors {{ code }} }} }}"
        )
        assert self.client.query(text, input={"id": id, "name": name})[f"update{record}"]["userErrors"] == []

    def wait(self, seconds):
        self.clock.moment += timedelta(seconds=seconds)

    def deliver(self):
        """Delivers all that is due at the moment of the clock; returns what the job reports."""
        self.client.deliver()
        return self.client.run_job(JOB)

    def log(self):
        return self.client.query(DELIVERIES)["webhookDeliveries"]["nodes"]

    def states(self):
        return [(one["eventType"], one["status"], one["attempts"], one["problem"]) for one in self.log()]

    def webhook(self, id):
        text = "query ($id: ID!) { webhook(id: $id) { status failures pausedBecause url } }"
        return self.client.query(text, id=id)["webhook"]
