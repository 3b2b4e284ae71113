"""Tests of the guard: foreign hosts and origins, tokens, paths and headers."""

import pytest
from starlette.testclient import TestClient

from latentclust.errors import LatentclustError
from latentclust.viewer.app import make_app
from latentclust.viewer.responses import message_of
from latentclust.viewer.security import hostname, security_headers
from latentclust.viewer.session import Session

HOST = "http://127.0.0.1:8000"
STYLE = "/secret/static/style.css"


@pytest.fixture
def client() -> TestClient:
    app = make_app(Session("a <b>", token="secret"))
    return TestClient(app, HOST, raise_server_exceptions=False, follow_redirects=False)


def test_an_address_with_the_token_is_answered(client: TestClient) -> None:
    answer = client.get(STYLE)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "access-control-allow-origin" not in answer.headers
    again = client.get(STYLE, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/secret").headers["location"] == "/secret/"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:8000"},
        {"host": "evil.example@127.0.0.1"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "https://127.0.0.1:8000"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    ],
)
def test_foreign_requests_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.get(STYLE, headers=headers)
    assert answer.status_code == 403
    assert list(answer.json()) == ["error"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_loopback_names_are_answered_at_any_port(client: TestClient, host: str) -> None:
    headers = {"host": host, "origin": f"http://{host}"}
    assert client.get(STYLE, headers=headers).status_code == 200


def test_the_address_of_the_server_is_answered(client: TestClient) -> None:
    bound = TestClient(make_app(Session("a", token="secret"), "127.0.0.2"), "http://127.0.0.2:8000")
    assert bound.get(STYLE).status_code == 200
    assert bound.get(STYLE, headers={"host": "127.0.0.3:8000"}).status_code == 403
    assert client.get(STYLE, headers={"host": "127.0.0.2:8000"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/static/style.css", "/wrong/static/style.css", "/secre/", "/secret2/", "/%C3%A9/"]
)
def test_a_missing_or_wrong_token_is_refused(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 403
    assert "token" in answer.json()["error"]
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/secret/static/%2e%2e/app.py", 400),
        ("/secret/static%2Fstyle.css", 400),
        ("/secret/static/..%5capp.py", 400),
        ("/secret/static/%00", 400),
        ("/secret/static/app.py", 404),
        ("/secret/static/", 404),
        ("/secret//etc/passwd", 404),
    ],
)
def test_nothing_outside_the_table_is_served(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


def test_only_the_base_map_allows_another_host() -> None:
    closed, opened = (security_headers(base_map) for base_map in (False, True))
    assert "http" not in closed["Content-Security-Policy"]
    assert closed["Referrer-Policy"] == "no-referrer"
    assert "img-src 'self' data: blob: https://tile.openstreetmap.org;" in opened["Content-Security-Policy"]


def test_messages_name_files_without_their_folders() -> None:
    error = LatentclustError.at(
        "/home/a b/model.safetensors", "differs from '/data/c/d.tif' of https://h/e/f", "Pass it"
    )
    assert message_of(error) == "model.safetensors: differs from 'd.tif' of https://h/e/f. Pass it"


@pytest.mark.parametrize("host", ["a:b", "a:99999999", "[::1", "a/b", "a?b", "a#b", "u@a"])
def test_a_damaged_host_has_no_name(host: str) -> None:
    assert hostname(host) == ""
