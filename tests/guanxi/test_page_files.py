"""The files of the page: which there are, what browsers may do with them, and how they are kept."""

import gzip

import pytest

import guanxi.page.serving as serving


@pytest.fixture(scope="module")
def client():
    from guanxi.testing import app_with

    with app_with() as client:
        yield client


def got(client, path, headers=None, method="GET"):
    return client.post(b"", headers, method, path=path)


def test_everybody_is_shown_the_page_which_runs_its_own_scripts_alone(client):
    status, headers, body = got(client, "/")
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8" and b"guanxi" in body
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert got(client, "/page/index.html")[2] == body


def test_a_file_is_packed_and_not_sent_twice(client):
    status, headers, body = got(client, "/page/plotly.js", {"accept-encoding": "gzip, br"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert headers["content-type"] == "text/javascript; charset=utf-8" and headers["cache-control"] == "no-cache"
    assert "Accept-Encoding" in headers["vary"]
    assert b"plotly.js" in gzip.decompress(body)[:200] and len(body) < 2_000_000
    again = {"accept-encoding": "gzip, br", "if-none-match": headers["etag"]}
    assert got(client, "/page/plotly.js", again)[::2] == (304, b"")
    assert got(client, "/page/plotly.js", {"if-none-match": headers["etag"]})[0] == 200


def test_without_its_package_charts_say_what_to_install(client, monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    status, _, body = got(client, "/page/plotly.js")
    assert status == 404 and b"pip install 'guanxi[page]'" in body
    assert got(client, "/")[0] == 200


@pytest.mark.parametrize("name", ["serving.py", "../serving.py", "..%2fserving.py", "static", ".", "..", "none.js", ""])
def test_no_other_file_can_be_reached(client, name):
    assert got(client, f"/page/{name}")[0] == 404
    assert got(client, "/page/index.html", method="POST")[0] == 405


def test_the_page_can_be_switched_off():
    from guanxi.testing import app_with

    with app_with(page=False) as client:
        status, headers, _ = got(client, "/")
        assert (status, headers["location"]) == (307, "/graphql")
        assert got(client, "/page/index.html")[0] == 404
