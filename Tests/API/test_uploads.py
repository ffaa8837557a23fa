"""Uploads: pictures are kept, all else is one clear problem, and neither takes more memory than it must."""

import gzip
import http.client
import os
import struct
import threading
import zlib
from io import BytesIO

import pytest
from PIL import Image

from server import Answer, check_problem

MEMORY = int(os.environ.get("BLIP_MEMORY", "300"))
HEADERS = {"Content-Type": "application/octet-stream"}
MOST = 64 << 20


def encoded(format, size=(64, 48), mode="RGB"):
    buffer = BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, format)
    return buffer.getvalue()


def png(width, height, data=b""):
    """A PNG that says so of its size, whatever it has."""
    def chunk(name, contents):
        return struct.pack(">I", len(contents)) + name + contents + struct.pack(">I", zlib.crc32(name + contents))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_pictures(server, format):
    """A picture is kept: its token finds pictures, and the answer says its size."""
    answer = server.request("POST", "/api/uploads", encoded(format), HEADERS)
    assert answer.status == 201, answer.body
    assert (answer.json["width"], answer.json["height"]) == (64, 48)
    token = answer.json["upload"]
    for path in ("search", "similar", "match"):
        assert server.get(f"/api/{path}", upload=token, limit=1).status == 200, path
    assert server.request("POST", "/api/uploads", encoded(format), HEADERS).json["upload"] == token


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
HOSTILE = {
    "text": b"hello", "HTML": b"<!doctype html><script>alert(1)</script>", "SVG": SVG, "SVG in gzip": gzip.compress(SVG),
    "XML with entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>',
    "a program": b"\x7fELF\x02\x01\x01" + bytes(100), "a shell script": b"#!/bin/sh\nrm -rf /\n", "PDF": b"%PDF-1.7\n%%EOF\n",
    "zeros": bytes(1 << 20), "a PNG of 65535 x 65535": png(65_535, 65_535), "a PNG of 2^31 - 1": png(2**31 - 1, 2**31 - 1),
    "a PNG bomb": png(60_000, 60_000, bytes(100 << 20)), "a PNG without pixels": png(0, 0), "half a PNG": encoded("PNG")[:100],
    "the start of a JPEG": encoded("JPEG")[:30], "a JPEG's signature": b"\xff\xd8\xff\xe0", "half a WebP": encoded("WEBP")[:40],
    "half a TIFF": encoded("TIFF")[:50], "an empty GIF": b"GIF89a" + bytes(7), "MVG": b"push graphic-context\nimage over 0,0 '/etc/passwd'",
    "an image of 1 GiB in BMP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (w) file\n", "a ZIP": b"PK\x03\x04" + bytes(60),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_pictures(server, name):
    """What is no picture, or one too large to decode, is one problem whose sentence names no file of the server."""
    before = server.memory()
    answer = server.request("POST", "/api/uploads", HOSTILE[name], HEADERS, timeout=120)
    check_problem(answer, 400, 413, 415, 422)
    assert "/" not in answer.json["detail"].replace("HTTP/", "")
    server.check_alive()
    assert server.memory() - before < MEMORY


def test_nothing(server):
    """An upload without a body, or with parameters, is refused."""
    check_problem(server.request("POST", "/api/uploads", b"", HEADERS), 400)
    check_problem(server.request("POST", "/api/uploads?name=a", encoded("PNG"), HEADERS), 400)
    check_problem(server.get("/api/search", upload="0" * 32), 404)


def send(server, headers, pieces, timeout=60):
    """Sends a body in pieces as far as the server takes it; returns the answer, None where there is none."""
    with server.connect(timeout) as connection:
        connection.sendall(b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n")
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException):
            return None


def test_large_bodies(server):
    """A body above 64 MiB is refused while it comes, in chunks too, and takes no more memory than one of 64 MiB."""
    before = server.memory()
    piece = bytes(1 << 20)
    sized = send(server, b"Content-Length: %d\r\n" % (200 << 20), (piece for _ in range(200)))
    chunked = send(
        server, b"Transfer-Encoding: chunked\r\n", (b"100000\r\n" + piece + b"\r\n" for _ in range(200)))
    for answer in (sized, chunked):
        assert answer, "no answer"
        check_problem(answer, 413)
    server.check_alive()
    assert server.memory("VmHWM") - before < (MOST >> 20) * 3 + MEMORY


def test_length_that_is_too_large(server):
    """A length above 64 MiB is refused before the body comes."""
    answer = send(server, b"Content-Length: %d\r\n" % (1 << 31), [b"abc"], timeout=5)
    assert answer, "no answer in 5 s"
    check_problem(answer, 413)


def test_many_large_bodies(server):
    """Bodies that come at the same time take no more memory together than the server has set aside for them."""
    before = server.memory()
    connections = []
    try:
        for _ in range(16):
            connection = server.connect(5)
            connections.append(connection)
            try:
                connection.sendall(b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % MOST)
                for _ in range(60):
                    connection.sendall(bytes(1 << 20))
            except OSError:
                pass
        grown = server.memory() - before
        assert server.get("/health").status == 200
    finally:
        for connection in connections:
            connection.close()
    assert grown < MEMORY + 4 * (MOST >> 20), f"{grown:.0f} MiB for 16 uploads that have not ended"


def test_at_the_same_time(server):
    """Good and bad uploads side by side each get their own answer."""
    answers = {}

    def upload(number):
        body = encoded("PNG", (32 + number, 32)) if number % 2 else HOSTILE["half a PNG"]
        answers[number] = server.request("POST", "/api/uploads", body, HEADERS, timeout=120)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, answer in answers.items():
        assert answer.status == (201 if number % 2 else 422), answer.body
        if number % 2:
            assert answer.json["width"] == 32 + number
