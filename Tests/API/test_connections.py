"""Connections that are slow, many, broken off or not HTTP at all. After each of them the server answers others."""

import http.client
import os
import re
import resource
import socket
import threading
import time

import pytest

from server import receive, status

# Resident memory, in MiB, that hostile requests may add.
MEMORY = int(os.environ.get("BLIP_MEMORY", "300"))
UPLOAD = b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(autouse=True)
def alive(server):
    """It answers after each test, and its memory has not grown much."""
    before = server.memory()
    yield
    server.check_alive()
    assert server.memory() - before < MEMORY


@pytest.mark.slow
def test_slow_headers(server):
    """Who sends a request's headers for longer than 30 seconds is cut off, however often a byte comes; so is who sends
    nothing. Others are answered meanwhile."""
    connections = [server.connect() for _ in range(50)]
    for number, connection in enumerate(connections):
        connection.settimeout(0.001)
        if number % 5:
            connection.sendall(GET + b"X: ")
    start, open_connections = time.monotonic(), list(enumerate(connections))
    while open_connections and time.monotonic() - start < 45:
        for number, connection in list(open_connections):
            try:
                if number % 5:
                    connection.sendall(b"a")
                ended = not connection.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if ended:
                open_connections.remove((number, connection))
        assert server.get("/health", timeout=5).status == 200
        time.sleep(2)
    for connection in connections:
        connection.close()
    assert not open_connections


@pytest.mark.slow
def test_slow_body(server):
    """Who sends a body a byte at a time is cut off in the end, too."""
    with server.connect() as connection:
        connection.sendall(UPLOAD + b"Content-Length: 1000\r\n\r\n")
        connection.settimeout(5)
        start = time.monotonic()
        while time.monotonic() - start < 120:
            try:
                connection.sendall(b"a")
                if not connection.recv(1000):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("still open after two minutes")


HEADERS = {
    "one of 20 KiB": GET + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    "many": GET + b"".join(b"X%d: 1\r\n" % number for number in range(500)) + b"\r\n",
    "many that are large": GET + b"".join(b"X%d: " % number + b"a" * 8000 + b"\r\n" for number in range(20)) + b"\r\n",
    "16 MiB": GET + b"X: " + b"a" * (16 << 20) + b"\r\n\r\n",
    "a long name": GET + b"a" * 40_000 + b": 1\r\n\r\n",
    "an address of 1 MiB": b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a NUL": GET + b"X: a\x00b\r\n\r\n",
    "a folded line": GET + b" continued\r\n\r\n",
    "no colon": GET + b"nothing\r\n\r\n",
    "a space before the colon": b"GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "line feeds only": b"GET /health HTTP/1.1\nHost: localhost\n\n",
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(server, name):
    """Headers that are too large or not headers are answered by 400 or 431, and the connection is closed."""
    try:
        answer = server.raw(HEADERS[name])
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        # It reads no more of them.
        return
    assert status(answer) in (400, 431, None), answer[:200]


BODIES = {
    "a chunk's size that is none": UPLOAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n",
    "a chunk that is longer": UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "a negative chunk": UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk of 2^64 bytes": UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabc\r\n",
    "another encoding": UPLOAD + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "encoding and length": UPLOAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two lengths": UPLOAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a negative length": UPLOAD + b"Content-Length: -3\r\n\r\nabc",
    "a length of 2^80": UPLOAD + b"Content-Length: 1208925819614629174706176\r\n\r\nabc",
    "a length in hexadecimal": UPLOAD + b"Content-Length: 0x3\r\n\r\nabc",
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(server, name):
    """A body whose end cannot be known is a wrong request, not an error of the server; nothing after it is taken for
    another request."""
    answer = server.raw(BODIES[name], half_close=True)
    assert status(answer) in (400, 411, 413, 501), answer[:300]
    assert answer.count(b"HTTP/1.1 ") == 1


def test_broken_off_body_is_not_an_error_of_the_server(server):
    """A client that goes away in the middle of an upload writes nothing to the log, and counts as no failure."""
    before = server.logged
    for _ in range(3):
        with server.connect() as connection:
            connection.sendall(UPLOAD + b"Content-Length: 1000\r\n\r\nabc")
    answer = server.raw(UPLOAD + b"Content-Length: 1000\r\n\r\nabc", half_close=True)
    assert status(answer) in (400, None), answer[:200]
    time.sleep(1)
    assert server.logged == before


def test_half_closed(server):
    """Who has sent a request and says that nothing follows gets the answer."""
    for path in (b"/health", b"/api/search?q=a", b"/"):
        answer = server.raw(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", timeout=60, half_close=True)
        assert status(answer) == 200


def test_expect(server):
    """Who asks before sending a body (curl does for 1 MiB and more) is told to go on, or gets the final answer."""
    with server.connect(timeout=5) as connection:
        connection.sendall(UPLOAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        try:
            answer = connection.recv(1000)
        except TimeoutError:
            pytest.fail("no answer in 5 s")
        assert status(answer) in (100, 417, 413), answer


def test_pipelining(server):
    """Requests sent at once are answered in their order."""
    paths = ["/health", "/none", "/api/statistics", "/api/search?q=a&limit=1", "/health"] * 4
    requests = "".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths[:-1])
    last = f"GET {paths[-1]} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = server.raw((requests + last).encode(), timeout=60)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"404" if path == "/none" else b"200" for path in paths]


def test_pipelining_without_end(server):
    """Thousands of requests whose answers nobody reads are not all answered into memory."""
    with server.connect() as connection:
        connection.settimeout(2)
        try:
            for _ in range(2000):
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10)
        except OSError:
            pass
        assert server.get("/health").status == 200


NOISE = {
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"a" * 200,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "WebSocket": b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n\r\n" + b"\x81\xfe\xff\xff" * 1000,
    "upgrade to HTTP/2": b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                         b"HTTP2-Settings: AAMAAABk\r\n\r\nPRI * HTTP/2.0\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": b"\x00" * 100_000,
    "an old request": b"GET /\r\n\r\n",
    "a version that does not exist": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", NOISE)
def test_other_protocols(server, name):
    """What is not HTTP/1 is refused; no other protocol is agreed to."""
    answer = server.raw(NOISE[name], half_close=True)
    assert b"101 Switching" not in answer
    assert status(answer) in (200, 400, 505, None), answer[:200]


def test_answers_that_nobody_reads(server, picture):
    """Clients that ask and go away, at once or after the first bytes, leave nothing behind."""
    for number in range(60):
        with server.connect() as connection:
            connection.sendall(f"GET /api/search?q=a+{number} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    assert server.get("/api/search", q="after", timeout=120).status == 200


@pytest.mark.slow
def test_many_idle_connections(server):
    """Idle connections cost little, and others are answered meanwhile."""
    count = int(os.environ.get("BLIP_CONNECTIONS", "2000"))
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < count + 200:
        pytest.skip(f"ulimit -n is below {count + 200}.")
    connections = []
    try:
        for _ in range(count):
            connections.append(server.connect())
        start = time.monotonic()
        assert server.get("/health", timeout=10).status == 200
        assert time.monotonic() - start < 5
        assert server.get("/api/search", q="a", limit=1).status == 200
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.slow
def test_more_connections_than_descriptors(start):
    """Where the system allows few descriptors, further connections wait; who came before is answered meanwhile, and the
    others are when connections end. (libdispatch ends a process that it finds without a descriptor left.)"""
    server = start(os.environ["BLIP_INDEX"], descriptors=200)
    busy = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(24)]
    failures = []

    def ask(connection):
        try:
            for number in range(40):
                path = f"/api/search?q=picture+{number}&limit=1" if number % 4 == 0 else f"/api/pictures/{number}"
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                if response.status >= 500:
                    failures.append((path, response.status))
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))

    for connection in busy:
        connection.request("GET", "/health")
        connection.getresponse().read()
    idle = [server.connect() for _ in range(300)]
    threads = [threading.Thread(target=ask, args=(connection,)) for connection in busy]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in [*idle, *busy]:
        connection.close()
    time.sleep(1)
    server.check_alive()
    assert not failures
    assert server.get("/api/search", q="a", limit=1).status == 200


def test_odd_methods_do_not_fill_the_metrics(server):
    """Metrics grow by no name that a client chooses."""
    for number in range(50):
        server.raw(b"X%d /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % number)
        server.raw(b"GET /none/%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % number)
    text = server.get("/metrics").body
    assert b"X49" not in text and b"/none/49" not in text


def test_keep_alive(server):
    """Requests one after the other on one connection, with and without bodies, each have their answer."""
    with server.connect(timeout=60) as connection:
        for _ in range(20):
            connection.sendall(GET + b"\r\n" + UPLOAD + b"Content-Length: 3\r\n\r\nabc")
        connection.sendall(GET + b"Connection: close\r\n\r\n")
        answer = receive(connection)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"422"] * 20 + [b"200"]
