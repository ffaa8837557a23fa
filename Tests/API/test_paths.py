"""Nothing but the routes is served, however an address is written."""

import http.client

import pytest

from server import check_problem, status

SECRETS = (b"root:", b"nameserver", b"BEGIN ")
TARGETS = [
    b"/api/pictures/../../etc/passwd", b"/api/pictures/..%2f..%2fetc%2fpasswd", b"/assets/../../../etc/passwd",
    b"/assets/..%2f..%2f..%2fetc%2fpasswd", b"/assets/%2e%2e/%2e%2e/etc/passwd", b"/assets/..%5c..%5cetc%5cpasswd",
    b"/assets/..%252f..%252fetc/passwd", b"/assets/%c0%ae%c0%ae/etc/passwd", b"/assets//etc/passwd",
    b"/assets/....//....//etc/passwd", b"/assets/..;/..;/etc/passwd", b"/assets/%00", b"/assets/style.css%00.html",
    b"/assets/style.css/../../etc/passwd", b"//etc/passwd", b"/./../etc/passwd", b"/..", b"/%2e%2e/",
    b"/etc/passwd", b"http://localhost/etc/passwd", b"http://localhost/../etc/passwd", b"file:///etc/passwd",
    b"/api/pictures/1/original/../../../../etc/passwd", b"/api/pictures/%2fetc%2fpasswd/original",
    b"/api/pictures/1%00/original", b"/api/pictures/1/original%2f..%2f..", b"/assets/\x00", b"/assets/\xff\xfe",
    b"/api/pictures/-1/original", b"/api/pictures/1.0/original", b"/api/pictures/18446744073709551616/original",
    b"*", b"", b"etc/passwd", b"/\\..\\etc\\passwd", b"/assets/login.html", b"/assets/openapi.json", b"/Page/index.html",
]


@pytest.mark.parametrize("target", TARGETS)
def test_traversal(server, target):
    """A path out of the routes is answered by an error, never by a file."""
    answer = server.raw(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status(answer) in (400, 404, 421), answer[:300]
    assert not any(secret in answer for secret in SECRETS)
    server.check_alive()


def test_assets_are_served(server):
    """The page, its files and the description are, with headers by which browsers run nothing else."""
    for path in ("/", "/assets/style.css", "/assets/app.js", "/openapi.json", "/login", "/health", "/ready", "/metrics"):
        answer = server.get(path)
        assert answer.status == 200, path
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods(server, method):
    """What a path is not made for is refused, as RFC 9110 wants: 405, and Allow says what it is made for."""
    answer = server.request(method, "/api/search?q=a")
    check_problem(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_head(server):
    """HEAD has the headers of GET and no body, and the connection goes on after it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for path in ("/", "/api/search?q=a", "/api/pictures/4611686018427387904"):
        connection.request("HEAD", path)
        response = connection.getresponse()
        assert response.read() == b"" and response.getheader("Content-Length")
    connection.close()
