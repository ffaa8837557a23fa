"""A picture's file is served as it was indexed: nothing else that takes its place is."""

import http.client
import os
import shutil

import pytest

from server import blip, check_problem, draw


@pytest.fixture
def first(small, start):
    """A server of a small index; the id and the file of a picture of it."""
    pictures, index = small
    server = start(index)
    hit = server.get("/api/search", q="a picture", limit=1).json["results"][0]
    return server, hit["id"], pictures / hit["path"]


def check_not_served(server, picture, secret):
    for path in ("original", "thumbnail", "thumbnail?size=1280"):
        answer = server.get(f"/api/pictures/{picture}/{path}")
        assert secret not in answer.body, path
        if path == "original":
            check_problem(answer, 404, 409, 410, 422)
        else:
            # A thumbnail made before may still be shown: it is of the picture.
            assert answer.status != 200 or answer.headers["content-type"] == "image/webp"
            assert answer.status < 500
    server.check_alive()


def test_original(first):
    """The file itself, byte by byte, with a name and a type that a browser cannot take for anything else."""
    server, picture, path = first
    answer = server.get(f"/api/pictures/{picture}/original")
    assert answer.body == path.read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("target", ["/etc/passwd", "outside.png", "/dev/zero", "/proc/self/environ", ".", "/dev/stdin"])
def test_symbolic_link(first, tmp_path, target):
    """A symbolic link out of the collection in the place of the picture is not followed, not even to a picture."""
    server, picture, path = first
    draw(tmp_path / "outside.png", 99, size=(300, 200))
    path.unlink()
    path.symlink_to(tmp_path / target if not target.startswith("/") else target)
    secret = (tmp_path / "outside.png").read_bytes() if target == "outside.png" else b"root:"
    check_not_served(server, picture, secret)


def test_folder_that_became_a_link(tmp_path, start):
    """The same where a folder on the way to it became a link."""
    inside = draw(tmp_path / "pictures" / "deep" / "a.png", 1)
    draw(tmp_path / "pictures" / "b.png", 2)
    outside = draw(tmp_path / "outside" / "a.png", 3)
    blip("index", tmp_path / "pictures", "--index", tmp_path / "index")
    server = start(tmp_path / "index")
    hits = server.get("/api/search", q="a picture").json["results"]
    picture = next(hit["id"] for hit in hits if hit["path"] == "deep/a.png")
    shutil.rmtree(inside.parent)
    inside.parent.symlink_to(outside.parent)
    check_not_served(server, picture, outside.read_bytes())


@pytest.mark.parametrize("contents", [
    b"root:secret\n" * 100, b"<!doctype html><script>alert('root:')</script>", b"\x89PNG\r\n\x1a\nroot:", b"",
])
def test_other_contents(first, tmp_path, contents):
    """What is no picture any more is not served under the name of one."""
    server, picture, path = first
    other = tmp_path / "other"
    other.write_bytes(contents)
    os.replace(other, path)
    answer = server.get(f"/api/pictures/{picture}/original")
    if contents.startswith(b"\x89PNG"):
        assert answer.status >= 400 or answer.headers["content-type"] == "image/png"
    else:
        check_problem(answer, 404, 409, 410, 422)
    assert server.get(f"/api/pictures/{picture}/thumbnail?size=1280").status < 500
    server.check_alive()


def test_special_files(first):
    """A pipe in the place of a picture does not hold up the server."""
    server, picture, path = first
    path.unlink()
    os.mkfifo(path)
    check_problem(server.get(f"/api/pictures/{picture}/original", timeout=20), 404, 409, 410, 422)
    assert server.get(f"/api/pictures/{picture}/thumbnail?size=1280", timeout=20).status < 500
    server.check_alive()


def test_vanished_and_unreadable(first):
    """A file that is gone is a problem of its own, not one of the server."""
    server, picture, path = first
    path.unlink()
    check_problem(server.get(f"/api/pictures/{picture}/original"), 404, 410, 422)
    assert server.get(f"/api/pictures/{picture}").status == 200


def test_file_that_shrinks_while_it_is_sent(first):
    """An answer that cannot be finished is cut off: the client sees that bytes are missing."""
    server, picture, path = first
    with open(path, "ab") as file:
        file.truncate(64 << 20)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", f"/api/pictures/{picture}/original")
    response = connection.getresponse()
    if response.status == 200:
        response.read(1000)
        os.truncate(path, 1000)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
            raise http.client.IncompleteRead(b"") if response.length else AssertionError("all of it came")
    connection.close()
    server.check_alive()
