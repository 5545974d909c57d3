"""Files in a bucket: an S3-like server in this process, spoken to as any other is."""

import logging
import secrets
from datetime import timedelta

import pytest

from guanxi import PluginError
from tests.plugins.files.sending import World

BUCKET = "files"
#: To a bucket the engine of the database makes no difference.
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")


@pytest.fixture(scope="module")
def bucket():
    """The settings of a bucket, and what is in it."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket=BUCKET)
    settings = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b"}
    yield settings, client
    client.close()
    server.stop()


def keys(client):
    return sorted(one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()))


def test_files_in_a_bucket_are_sent_in_parts_got_and_removed(crm, clock, bucket):
    settings, s3 = bucket
    world = World(crm, clock, f"s3://{BUCKET}/crm/files", **settings)
    assert keys(s3) == []
    ann = world.client.create("Customer", name="Ann")["id"]
    body = secrets.token_bytes(6_000_000)
    file = world.file(body, customerId=ann)
    assert keys(s3) == [f"crm/files/{world.path(file)}"]
    assert world.get(file["downloadUrl"])[2] == body
    assert world.get(file["downloadUrl"], range="bytes=5999990-")[2] == body[-10:]
    # What breaks off leaves nothing: neither an object nor parts of one.
    broken = world.prepare(6_000_001)
    assert world.put(broken["url"], body)[0] == 400
    assert len(keys(s3)) == 1 and "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    world.client.query("mutation ($id: ID!) { destroyFile(input: {id: $id}) { userErrors { code } } }", id=file["id"])
    world.clock.moment += timedelta(hours=1)
    assert world.remove() == "removed the bytes of 2 uploads"
    assert keys(s3) == []
    # What is lost in the store is said to be gone, and what cannot be reached to be unavailable.
    lost = world.file(customerId=ann)
    s3.delete_object(Bucket=BUCKET, Key=f"crm/files/{world.path(lost)}")
    assert world.get(lost["downloadUrl"])[0] == 410


def test_a_bucket_that_is_not_reached_holds_up_nothing_else(crm, clock, bucket, caplog):
    settings, _ = bucket
    # Nobody listens there.
    world = World(crm, clock, f"s3://{BUCKET}", **{**settings, "endpoint": "http://127.0.0.1:9"})
    assert "until it is reached" in caplog.text
    status, answer = world.put(world.prepare(5)["url"], b"Hello")
    assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")


def test_a_bucket_that_is_not_there_stops_the_start_and_says_so(crm, clock, bucket):
    settings, _ = bucket
    with pytest.raises(PluginError, match="store: s3://nowhere cannot be used"):
        World(crm, clock, "s3://nowhere", **settings)
