"""Sends wrong requests to a server on this machine: `python fuzz_requests.py PORT COUNT SEED`.

Each is a valid request that is changed at random, an odd method or address, or nothing but bytes. The same seed sends the
same requests. The server must answer 200 on /health at the end and now and then before; a status of 500 is a failure,
too. The requests that came before a failure are printed.
"""

import collections
import random
import socket
import sys
import time

HOST = b"Host: localhost\r\n"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415478da63f8cfc0000003010100f7"
    "03414300000000 49454e44ae426082".replace(" ", ""))
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PATCH", b"PRI", b"get", b"", b"G\x00T", b"M-SEARCH"]
VALUES = [
    b"a", b"", b"0", b"1", b"-1", b"17", b"+1", b"1e309", b"NaN", b"inf", b"9223372036854775807", b"18446744073709551616", b"0x10",
    b"true", b"p0", b"p50", b"p9999", b"p-1", b"2024-02-30", b"2024-05", b"48.86,2.35", b"91,181", b"-0,-0", b"a + b - c", b'"a', b"a+*+b",
    b"1.5*", b"%00", b"%ff%fe", b"%", b"%F0%9F%90%95", b"%E2%80%AE", b"..%2f..%2fetc", b"a" * 3000, b"(" * 200, b"%22" * 50, b"jpeg",
    b"portrait", b"captions", b"0" * 32, b"320", b"1280",
]
NAMES = [
    b"q", b"like", b"unlike", b"upload", b"under", b"not_under", b"since", b"until", b"camera", b"near", b"within", b"type", b"shape", b"has",
    b"limit", b"cursor", b"rerank", b"min_match", b"all", b"picture", b"text", b"size", b"unknown", b"",
]
PATHS = [
    b"/", b"/health", b"/ready", b"/metrics", b"/openapi.json", b"/login", b"/assets/app.js", b"/api/search", b"/api/similar", b"/api/match",
    b"/api/statistics", b"/api/uploads", b"/api/pictures/1", b"/api/pictures/2/thumbnail", b"/api/pictures/3/original", b"/mcp",
    b"/api/pictures/", b"/api", b"//", b"/../x", b"*",
]
# They compute for long in a debug or sanitizer build: now and then only.
SLOW_PATHS = [b"/api/caption", b"/api/explain"]
MESSAGES = [
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}',
    b'{"jsonrpc":"2.0","id":"a","method":"tools/list"}',
    b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"search","arguments":{"q":"a","limit":3}}}',
    b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"picture","arguments":{"picture":1}}}',
    b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
]
HEADERS = [
    b"Accept: text/event-stream\r\n", b"Origin: http://evil.example\r\n", b"Origin: http://localhost\r\n", b"If-None-Match: \"a\"\r\n",
    b"Range: bytes=0-1\r\n", b"Cookie: blip_session=a; b=\"\r\n", b"Authorization: Bearer\r\n", b"Accept-Encoding: gzip\r\n",
    b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"Sec-Fetch-Site: cross-site\r\n", HOST, b"X: " + b"a" * 5000 + b"\r\n",
    b"Content-Type: multipart/form-data; boundary=a\r\n", b"Transfer-Encoding: identity\r\n", b"Host: evil\r\n",
]


def request(random):
    """The bytes of a request that is valid but for its parameters."""
    path = random.choice(SLOW_PATHS if random.random() < 0.002 else PATHS)
    if random.random() < 0.7:
        pairs = [random.choice(NAMES[:-2] if random.random() < 0.9 else NAMES) + b"=" + random.choice(VALUES)
                 for _ in range(random.choice([1, 1, 1, 2, 2, 3, 5, 300 if random.random() < 0.02 else 4]))]
        path += b"?" + b"&".join(pair.replace(b" ", b"+") for pair in pairs)
    lines = HOST + b"".join(random.choice(HEADERS) for _ in range(random.choice([0, 0, 1, 2, 4])))
    method, body = b"GET", b""
    if path.startswith((b"/api/uploads", b"/mcp", b"/login")) and random.random() < 0.8:
        method = b"POST"
        body = PNG if path.startswith(b"/api/uploads") else random.choice(MESSAGES + [b"token=a"])
        if random.random() < 0.6:
            body = mutated(body, random)
    elif random.random() < 0.1:
        method = random.choice(METHODS)
    if random.random() < 0.2 and body:
        lines += b"Transfer-Encoding: chunked\r\n"
        body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    elif body or random.random() < 0.05:
        length = len(body) + (random.choice([-1, 1, 100, 1 << 40]) if random.random() < 0.1 else 0)
        lines += b"Content-Length: %d\r\n" % length
    return method + b" " + path + b" HTTP/1.1\r\n" + lines + b"\r\n" + body


def mutated(data, random):
    """Bytes with a few changes: flipped, cut out, doubled, inserted."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 4, 8])):
        at = random.randrange(len(data) + 1)
        match random.randrange(5):
            case 0 if at < len(data): data[at] ^= 1 << random.randrange(8)
            case 1: del data[at:at + random.randrange(1, 20)]
            case 2: data[at:at] = data[at:at + random.randrange(1, 40)]
            case 3: data[at:at] = random.randbytes(random.randrange(1, 8))
            case _: data[at:at] = random.choice([b"\r\n", b"\x00", b" ", b"%", b":", b"\xff", b"\r\n\r\n", b"0\r\n\r\n"])
    return bytes(data)


def next_request(random):
    kind = random.random()
    if kind < 0.5:
        return request(random)
    if kind < 0.9:
        return mutated(request(random), random)
    if kind < 0.95:
        return request(random) + mutated(request(random), random)
    return random.randbytes(random.choice([1, 10, 100, 5000]))


def send(port, data, linger):
    """Sends bytes, and ends the connection when the answer has begun; returns the statuses that came."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        try:
            connection.sendall(data)
            if linger:
                return []
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(60)
            answer = b""
            while len(answer) < 1 << 20 and (part := connection.recv(1 << 16)):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            return []
    return [line[9:12] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def healthy(port):
    try:
        return send(port, b"GET /health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", False)[:1] == [b"200"]
    except OSError:
        return False


def fuzz(port, count, seed, seconds=None):
    """Sends so many requests, or as many as fit in so many seconds. Returns the statuses counted, and what failed."""
    source = random.Random(seed)
    latest, statuses, failures = collections.deque(maxlen=8), collections.Counter(), []
    end = time.monotonic() + seconds if seconds else None
    for number in range(count):
        if end and time.monotonic() > end:
            break
        data = next_request(source)
        latest.append(data)
        try:
            codes = send(port, data, linger=source.random() < 0.05)
        except TimeoutError:
            failures.append(("no answer in 60 s", data))
            continue
        except OSError as error:
            failures.append((f"after {number} requests: {error}", *latest))
            break
        statuses.update(codes)
        if b"500" in codes:
            failures.append(("500", data))
        if number % 500 == 499 and not healthy(port):
            failures.append((f"not healthy after {number + 1} requests", *latest))
            break
    if not healthy(port):
        failures.append(("not healthy at the end", *latest))
    return statuses, failures


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    found, failed = fuzz(*map(int, sys.argv[1:]))
    print(", ".join(f"{code.decode(errors='replace')}: {count}" for code, count in sorted(found.items())))
    for failure in failed[:20]:
        print(*failure, sep="\n  ")
    print(f"{len(failed)} failures")
    sys.exit(1 if failed else 0)
