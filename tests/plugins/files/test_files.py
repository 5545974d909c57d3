"""Files through the API: sent, attached, got by links, and removed with what they are attached to."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from guanxi import PluginError
from guanxi.testing import Rival, together
from plugins.files import Files
from tests.keys import administrator, create_key
from tests.plugins.files.sending import CREATE

HELLO = hashlib.sha256(b"Hello").hexdigest()
FILES = """query ($id: ID!) { customer(id: $id) {
    files(where: {size: {gte: 3}}, orderBy: [{size: DESC}]) { nodes { name size mediaType } totalCount } } }"""
SEARCH = '{ search(text: "hello") { node { ... on File { name } } } }'
DESTROY = "mutation ($id: ID!) { destroyCustomer(input: {id: $id}) { userErrors { message } } }"
ERASE = 'mutation ($id: ID!) { erasePersonalData(input: {id: $id, reason: "asked"}) { userErrors { message } } }'
LOOK = "query ($id: ID!) { file(id: $id) { name size sha256 downloadUrl customer { name } contact { name } } }"


def test_a_file_is_sent_attached_found_and_got_as_a_download_only(world):
    client = world.client
    ann = client.create("Customer", name="Ann")["id"]
    prepared = world.prepare(5, sha256=HELLO)
    assert prepared["userErrors"] == [] and prepared["expiresAt"] == "2025-06-15T13:00:00.000Z"
    assert world.put(prepared["url"], b"Hello") == (
        201,
        {"uploadId": prepared["uploadId"], "size": 5, "sha256": HELLO},
    )
    file, errors = world.create(uploadId=prepared["uploadId"], name="../a\u202e<b>?.txt", customerId=ann)
    assert errors == []
    assert (file["size"], file["mediaType"], file["sha256"]) == (5, "text/plain", HELLO)
    assert world.stored() == [world.path(file)] and "txt" not in world.path(file)
    status, headers, body = world.get(file["downloadUrl"])
    assert (status, body) == (200, b"Hello")
    assert headers["content-disposition"] == ("attachment; filename=\"_a_b__.txt\"; filename*=UTF-8''_a_b__.txt")
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cache-control"] == "no-store"
    world.file(b"Hi", customerId=ann)
    found = client.query(FILES, id=ann)["customer"]["files"]
    assert found["nodes"] == [{"name": "../a\u202e<b>?.txt", "size": 5, "mediaType": "text/plain"}]
    assert found["totalCount"] == 1
    assert [one["node"]["name"] for one in client.query(SEARCH)["search"]] == ["hello.txt"]
    events = client.query("{ events(types: [FILE_CREATED]) { totalCount } }")["events"]
    assert events["totalCount"] == 2


def test_ranges_are_answered_and_the_head_alone(world):
    url = world.file(b"0123456789", customerId=world.client.create("Customer", name="Ann")["id"])["downloadUrl"]
    for range_, status, part, body in (
        ("bytes=2-4", 206, "bytes 2-4/10", b"234"),
        ("bytes=7-", 206, "bytes 7-9/10", b"789"),
        ("bytes=-3", 206, "bytes 7-9/10", b"789"),
        ("bytes=8-99", 206, "bytes 8-9/10", b"89"),
        ("bytes=0-1,4-5", 200, None, b"0123456789"),
        ("bytes=4-2", 200, None, b"0123456789"),
        ("bytes=0-" + 5000 * "9", 200, None, b"0123456789"),
    ):
        found = world.get(url, range=range_)
        assert (found[0], found[1].get("content-range"), found[2]) == (status, part, body), range_
    status, headers, _ = world.get(url, range="bytes=10-")
    assert (status, headers["content-range"]) == (416, "bytes */10")
    assert world.get(url, range="bytes=2-4", if_range='"of another"')[0] == 200
    status, headers, body = world.get(url, "HEAD")
    assert (status, headers["content-length"], body) == (200, "10", b"")


def test_links_that_were_changed_are_foreign_or_have_expired_are_refused(world):
    url = world.file(customerId=world.client.create("Customer", name="Ann")["id"])["downloadUrl"]
    other = world.file(customerId=world.client.create("Customer", name="Bo")["id"])["downloadUrl"]
    start, _, link = url.rpartition("/")
    id, expires, signature = link.split(".")
    wrong = (
        f"{id}.{int(expires) + 60}.{signature}",
        f"{other.rpartition('/')[2].split('.')[0]}.{expires}.{signature}",
        f"{id}.{expires}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'E'}",
        f"{id}.{expires}",
        "nothing",
    )
    for one in wrong:
        status, _, body = world.get(f"{start}/{one}")
        assert (status, b"LINK_INVALID" in body) == (403, True), one
    # What is for a download is for no upload.
    assert world.put(url.replace("downloads", "uploads"), b"x")[0] == 403
    assert "链接" in world.client.reading("zh-CN").post(b"", method="GET", path=f"{start}/nothing")[2].decode()
    world.clock.moment += timedelta(seconds=299)
    assert world.get(url)[0] == 200
    world.clock.moment += timedelta(seconds=1)
    status, _, body = world.get(url)
    assert (status, b"LINK_EXPIRED" in body) == (410, True)


def test_what_is_not_allowed_or_not_as_announced_is_refused(crm, clock, tmp_path, world):
    by_field = {
        error["field"][0]: error["message"] for error in world.prepare(0, "text/html", sha256="x")["userErrors"]
    }
    assert by_field.keys() == {"mediaType", "size", "sha256"}
    assert "application/pdf" in by_field["mediaType"] and "26,214,400" in by_field["size"]
    for media_type in ("image/*", "image/", "image/a\r\nb", "image/<b>", f"image/{128 * 'a'}"):
        (error,) = world.prepare(5, media_type)["userErrors"]
        assert error["field"] == ["mediaType"], media_type
    assert world.prepare(5, " IMAGE/svg+xml ")["url"]
    prepared = world.prepare(5, sha256=HELLO)
    for body, code in ((b"Hell", "WRONG_SIZE"), (b"Hello!", "WRONG_SIZE"), (b"hello", "WRONG_CHECKSUM")):
        status, answer = world.put(prepared["url"], body)
        assert (status, answer["errors"][0]["extensions"]["code"]) == (400, code)
    assert world.put(prepared["url"], b"", **{"content-length": "6"})[0] == 400
    assert world.stored() == []
    assert world.put(prepared["url"], b"Hello")[0] == 201
    assert world.put(prepared["url"], b"Hello")[0] == 409
    few = type(world)(crm, clock, f"file://{tmp_path}/few", unfinished_uploads=1, maximum_bytes=9)
    few.prepare(5)
    assert few.prepare(5)["userErrors"][0]["message"].startswith("you have 1 uploads")
    assert few.prepare(10)["userErrors"][0]["code"] == "INVALID"


def test_an_upload_that_breaks_off_or_outlasts_its_time_leaves_nothing(world):
    def arriving(*more):
        yield {"type": "http.request", "body": b"Hel", "more_body": True}
        for step in more:
            yield step() or {"type": "http.request", "body": b"lo", "more_body": False}

    def later():
        world.clock.moment += timedelta(hours=1)

    url = world.prepare(5)["url"]
    assert world.send(url, arriving(lambda: {"type": "http.disconnect"})) is None
    assert world.stored() == []
    assert world.send(url, arriving(later)) == 410
    assert world.stored() == []
    again = world.prepare(5)
    assert world.send(again["url"], arriving(lambda: None)) == 201
    assert len(world.stored()) == 1


def test_a_file_needs_an_upload_of_ones_own_and_one_record(world):
    client = world.client
    ann, bo = (client.create("Customer", name=name)["id"] for name in ("Ann", "Bo"))
    contact = client.create("Contact", name="Cy", customerId=ann)["id"]
    upload = world.upload(b"Hello")

    def code(**input):
        _, errors = world.create(name="a.txt", **input)
        return [(error["code"], error["field"][0]) for error in errors]

    assert code(customerId=ann) == [("REQUIRED", "uploadId")]
    assert code(customerId=ann, uploadId=world.prepare(5)["uploadId"]) == [("NOT_POSSIBLE", "uploadId")]
    assert code(uploadId=upload) == [("INVALID", "customerId")]
    assert code(uploadId=upload, customerId=ann, contactId=contact) == [("INVALID", "customerId")]
    made, _ = world.create(name="a.txt", customerId=ann, uploadId=upload)
    assert code(customerId=ann, uploadId=upload) == [("TAKEN", "uploadId")]
    late = world.upload(b"Hello")
    admin = administrator(client)
    assert world.create(admin, name="b.txt", customerId=ann, uploadId=late)[1][0]["code"] == "NOT_FOUND"
    update = "mutation ($input: UpdateFileInput!) { updateFile(input: $input) { file { name customer { name } } userErrors { code } } }"
    moved = admin.query(update, input={"id": made["id"], "name": "b.txt", "customerId": bo})["updateFile"]
    assert moved == {"file": {"name": "b.txt", "customer": {"name": "Bo"}}, "userErrors": []}
    again = admin.query(update, input={"id": made["id"], "uploadId": late, "name": "c.txt"})["updateFile"]
    assert again["userErrors"] == [{"code": "IMMUTABLE"}]


def test_rows_follow_the_record_and_who_only_reads_sends_nothing(world):
    admin = administrator(world.client)
    ann, bo = (
        admin.create("User", name=name, email=f"{name}@example.com", role="PARTNER")["id"] for name in ("ann", "bo")
    )
    customer = admin.create("Customer", name="Acme", ownerId=ann)["id"]
    mine, others = (world.client.acting_as(id) for id in (ann, bo))
    world.file(client=mine, customerId=customer)
    assert mine.execute("{ files { nodes { storedAs } } }")["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    asked = "{ files { nodes { name downloadUrl } } }"
    assert len(mine.query(asked)["files"]["nodes"]) == 1
    assert others.query(asked)["files"]["nodes"] == []
    upload = world.upload(b"Hello", client=others)
    assert world.create(others, uploadId=upload, name="x.txt", customerId=customer)[1][0]["code"] == "NOT_FOUND"
    reader = admin.bearing(create_key(admin, "SALES_OFFICE")["secret"])
    answer = reader.execute('mutation { prepareUpload(input: {mediaType: "text/plain", size: 1}) { url } }')
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_bytes_go_with_the_record_once_that_is_committed_and_abandoned_ones_with_time(world):
    client = world.client
    ann = client.create("Customer", name="Ann")["id"]
    task = client.create("Task", subject="Call", customerId=ann)["id"]
    kept, gone = world.file(taskId=task), world.file(customerId=ann)
    abandoned = world.upload(b"Hello")
    assert len(world.stored()) == 3 and world.remove() is None
    client.query("mutation ($id: ID!) { deleteFile(input: {id: $id}) { userErrors { code } } }", id=gone["id"])
    assert world.get(gone["downloadUrl"])[0] == 410
    assert world.remove() is None
    client.query(DESTROY, id=ann)
    assert world.remove() == "removed the bytes of 1 upload"
    assert world.get(kept["downloadUrl"])[0] == 200
    world.clock.moment += timedelta(hours=1)
    assert world.remove() == "removed the bytes of 1 upload"
    assert world.stored() == [world.path(kept)]
    assert world.create(uploadId=abandoned, name="a.txt", taskId=task)[1][0]["code"] == "NOT_FOUND"
    # What a process left behind that died while it wrote goes with the rest.
    prepared = world.prepare(5)
    folder = world.store.removeprefix("file://")
    (Path(folder) / prepared["uploadId"]).mkdir()
    (Path(folder) / prepared["uploadId"] / "obj#1").write_bytes(b"He")
    world.clock.moment += timedelta(hours=1)
    world.remove()
    assert world.stored() == [world.path(kept)]
    client.run(client.app.purge_elsewhere(client.app.host.named("files")))
    assert world.stored() == []


def test_what_is_erased_loses_name_and_bytes_and_what_is_merged_keeps_them(world):
    client = world.client
    ann, bo = (client.create("Customer", name=name, kind="INDIVIDUAL")["id"] for name in ("Ann", "Bo"))
    file = world.file(name="passport of Ann.txt", customerId=ann)
    merge = "mutation ($into: ID!, $ids: [ID!]!) { mergeCustomers(input: {id: $into, mergeIds: $ids}) { userErrors { message } } }"
    client.query(merge, into=bo, ids=[ann])
    assert client.query(LOOK, id=file["id"])["file"]["customer"] == {"name": "Bo"}
    assert client.query(ERASE, id=bo)["erasePersonalData"]["userErrors"] == []
    found = client.query(LOOK, id=file["id"])["file"]
    assert (found["name"], found["size"], found["sha256"], found["downloadUrl"]) == ("erased", 5, None, None)
    assert world.get(file["downloadUrl"])[0] == 410
    assert world.remove() == "removed the bytes of 1 upload"
    assert world.stored() == []


def test_two_files_of_one_upload_at_once_give_one_file(world):
    ann = world.client.create("Customer", name="Ann")["id"]
    upload = world.upload(b"Hello")
    rivals = [
        Rival(CREATE.replace("downloadUrl", ""), {"input": {"uploadId": upload, "name": name, "customerId": ann}})
        for name in "ab"
    ]
    together(world.client, *rivals, rounds=6)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"store": "ftp://x"}, "STORE='ftp://x': it must be like file:///"),
        ({"store": "file:///dev/null/files"}, "store: file:///dev/null/files cannot be used"),
        ({"media_types": ["pdf"]}, "'pdf' is not a media type"),
        ({"store": "s3://b", "access_key_id": "a"}, "access_key_id: it needs secret_access_key"),
        ({"base_url": "crm.example.com"}, "it must begin with https"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(crm, settings, problem):
    with pytest.raises(PluginError, match=problem):
        crm(Files, plugins={"files": settings})


def test_without_a_store_nothing_is_sent_and_the_schema_is_the_same(crm):
    client = crm(Files)
    answer = client.query(
        'mutation { prepareUpload(input: {mediaType: "text/plain", size: 1}) { url userErrors { message } } }'
    )["prepareUpload"]
    assert answer["url"] is None
    assert "GUANXI_PLUGINS__FILES__STORE" in answer["userErrors"][0]["message"]
