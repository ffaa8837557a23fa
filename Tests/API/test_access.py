"""Who may come in: only requests for this server, by its own page or by programs, with the token where there is one."""

import os
import subprocess

import pytest

from server import BINARY, check_problem, status

TOKEN = "0123456789abcdef-token"


@pytest.mark.parametrize("host", [
    "example.com", "localhost.example.com", "127.0.0.1.example.com", "example.com:8080", "evil@localhost", "",
    "localhost:80@example.com", "[::1]example.com", "[::1", "0.0.0.0", "localhost, example.com",
])
def test_other_hosts(server, host):
    """A name that another site made point here (DNS rebinding) is not this server's."""
    answer = server.raw(f"GET /api/statistics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert status(answer) in (400, 421), answer[:200]


@pytest.mark.parametrize("lines", [
    "", "Host: example.com\r\nHost: localhost\r\n",
])
def test_one_host(server, lines):
    """A request without Host, or with two, is wrong (RFC 9112, 3.2)."""
    answer = server.raw(f"GET /api/statistics HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
    assert status(answer) in (400, 421), answer[:200]


def test_own_hosts(server):
    """The names of this machine are, in any case and with any port."""
    for host in ("localhost", "LocalHost:1", "127.0.0.1", "[::1]:8080"):
        assert server.request("GET", "/api/statistics", headers={"Host": host}).status == 200, host


def test_other_sites(server):
    """A page of another site gets nothing and changes nothing; a link from it may open the page."""
    for headers in (
        {"Origin": "http://example.com"}, {"Origin": "null"}, {"Origin": f"https://localhost.example.com:{server.port}"},
        {"Origin": f"http://127.0.0.1:{server.port + 1}"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ):
        check_problem(server.request("POST", "/api/uploads", b"picture", headers), 403)
    check_problem(server.request("GET", "/api/statistics", headers={"Origin": "http://example.com"}), 403)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.request("GET", "/", headers=link).status == 200
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert server.request("GET", "/api/statistics", headers=own).status == 200


def test_no_answer_is_for_other_sites(server):
    """No answer has a header that opens it to other sites."""
    for headers in ({}, {"Origin": server.url}, {"Origin": "http://example.com"}):
        answer = server.request("GET", "/api/statistics", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.fixture
def guarded(start, tmp_path):
    """A server that wants a token."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return start(os.environ["BLIP_INDEX"], "--token-file", path)


def test_token(guarded):
    """Without the token there is nothing but the form, its style, /health and /ready; with it there is all."""
    for path in ("/api/statistics", "/api/search?q=a", "/api/pictures/1", "/metrics", "/openapi.json", "/assets/app.js", "/none"):
        check_problem(guarded.get(path), 401)
        assert "bearer" in guarded.get(path).headers["www-authenticate"].lower()
    check_problem(guarded.request("POST", "/mcp", b"{}"), 401)
    check_problem(guarded.request("POST", "/api/uploads", b"a"), 401)
    answer = guarded.get("/")
    assert answer.status == 303 and answer.headers["location"] == "/login"
    for path in ("/login", "/health", "/ready", "/assets/style.css"):
        assert guarded.get(path).status == 200, path
    for value in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
        assert guarded.request("GET", "/api/statistics", headers={"Authorization": value}).status == 200
    for value in (
        TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Bearer {TOKEN.upper()}",
        f"Bearer  {TOKEN}x", "Bearer " + "x" * 10_000,
    ):
        check_problem(guarded.request("GET", "/api/statistics", headers={"Authorization": value}), 401)
    for path in ("//api/statistics", "/login/../api/statistics", "/login%2f..%2fapi/statistics", "/health/../metrics"):
        answer = guarded.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert status(answer) in (401, 404), path


def test_sign_in(guarded):
    """The form sets a cookie that scripts cannot read and other sites cannot send; a wrong token sets none."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": guarded.url}
    answer = guarded.request("POST", "/login", f"token={TOKEN}", form)
    assert answer.status == 303 and answer.headers["location"] == "/"
    cookie, *attributes = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert {"httponly", "samesite=strict", "path=/"} <= {attribute.lower() for attribute in attributes}
    assert TOKEN not in cookie
    assert guarded.request("GET", "/api/statistics", headers={"Cookie": cookie}).status == 200
    for other in (cookie[:-1], cookie + "0", cookie.split("=")[0] + "=" + TOKEN, "blip_session="):
        check_problem(guarded.request("GET", "/api/statistics", headers={"Cookie": other}), 401)
    for body in ("token=wrong", "token=", ""):
        answer = guarded.request("POST", "/login", body, form)
        assert answer.status == 303 and "set-cookie" not in answer.headers and "wrong" in answer.headers["location"]
    for body in (f"token={TOKEN}&token={TOKEN}", "other=1", "token=%ff"):
        check_problem(guarded.request("POST", "/login", body, form), 400)
    check_problem(guarded.request("POST", "/login", "token=" + "x" * 5000, form), 413)
    check_problem(guarded.request("POST", "/login", f"token={TOKEN}", {**form, "Origin": "http://example.com"}), 403)


def test_no_open_door(tmp_path):
    """A server for other machines does not start without a token, nor with a token that is short or not there."""
    short = tmp_path / "short"
    short.write_text("secret\n")
    for arguments in (
        ["--listen", "0.0.0.0:8299"], ["--listen", ":8299"], ["--listen", ":8299", "--token-file", str(short)],
        ["--listen", ":8299", "--token-file", str(tmp_path / "none")],
    ):
        done = subprocess.run(
            [BINARY, "serve", "--index", os.environ["BLIP_INDEX"], *arguments], capture_output=True, timeout=60)
        assert done.returncode in (1, 64), arguments
