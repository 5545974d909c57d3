"""A CRM with files: sends and gets them as clients do."""

import json
from pathlib import Path

from plugins.files import Files
from plugins.files.removal import JOB

PREPARE = """mutation ($input: PrepareUploadInput!) { prepareUpload(input: $input) {
    uploadId url expiresAt userErrors { code message field } } }"""
CREATE = """mutation ($input: CreateFileInput!) { createFile(input: $input) {
    file { id name size mediaType sha256 downloadUrl } userErrors { code message field } } }"""


class World:
    """A running CRM whose files are in a store."""

    def __init__(self, crm, clock, store, **settings):
        self.store, self.clock = store, clock
        self.client = crm(Files, clock=clock, plugins={"files": {"store": store, **settings}})

    def stored(self):
        """The paths in a store that is a folder."""
        root = Path(self.store.removeprefix("file://"))
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def prepare(self, size, media_type="text/plain", client=None, **more):
        input = {"mediaType": media_type, "size": size, **more}
        return (client or self.client).query(PREPARE, input=input)["prepareUpload"]

    def put(self, url, body, **headers):
        """Status and answer to bytes that are sent."""
        status, _, answer = self.client.post(body, headers, method="PUT", path=url)
        return status, json.loads(answer)

    def send(self, url, messages):
        """The status of an upload whose body arrives message by message; None where nobody waits for it any more."""
        sent = []
        scope = {"type": "http", "method": "PUT", "path": url, "headers": [], "query_string": b"", "client": None}

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message)

        self.client.run(self.client.app({**scope, "http_version": "1.1", "scheme": "http"}, receive, send))
        return sent[0]["status"] if sent else None

    def upload(self, body, client=None, **more):
        """The id of an upload whose bytes are there."""
        made = self.prepare(len(body), client=client, **more)
        assert self.put(made["url"], body)[0] == 201
        return made["uploadId"]

    def create(self, client=None, **input):
        """The file that is made, and the errors."""
        made = (client or self.client).query(CREATE, input=input)["createFile"]
        return made["file"], made["userErrors"]

    def file(self, body=b"Hello", name="hello.txt", client=None, **input):
        """A new file."""
        found, errors = self.create(client, uploadId=self.upload(body, client), name=name, **input)
        assert errors == []
        return found

    def path(self, file):
        """Where a file is in the store."""
        found = self.client.query("query ($id: ID!) { file(id: $id) { storedAs } }", id=file["id"])
        return found["file"]["storedAs"]

    def get(self, url, method="GET", **headers):
        """Status, headers and body of a download."""
        path = url.partition("?")[0]
        return self.client.post(
            b"", {name.replace("_", "-"): value for name, value in headers.items()}, method, path=path
        )

    def remove(self):
        """What the job reports that removes bytes."""
        self.client.deliver()
        return self.client.run_job(JOB)
