"""The server while it is stopped or killed, and while other processes change its index."""

import shutil
import signal
import socket
import subprocess
import threading
import time

from server import BINARY, Load, blip, draw, status

PATHS = ["/api/search?q=a+picture", "/api/statistics", "/health", "/api/search?q=blue&limit=3", "/ready"]


def test_stop(start, small):
    """SIGTERM, and SIGINT, end an idle server soon, with the exit status 0 and no error in the log."""
    for number in (signal.SIGTERM, signal.SIGINT):
        server = start(small[1])
        idle = server.connect()
        server.process.send_signal(number)
        assert server.process.wait(10) == 0, server.logged
        assert "rror" not in server.logged
        idle.close()


def test_stop_during_requests(start, small):
    """Answers in flight are finished; a new connection gets 503 or is refused."""
    server = start(small[1])
    answers = []

    def ask(number):
        try:
            answers.append(server.get("/api/search", q=f"picture {number}").status)
        except OSError as error:
            answers.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert server.stop() == 0, server.logged
    for thread in threads:
        thread.join()
    assert set(answers) <= {200, 503}, answers
    assert 200 in answers


def test_stop_with_a_half_request(start, small):
    """A client that never finishes its request does not hold up the end for long."""
    server = start(small[1])
    with server.connect() as connection:
        connection.sendall(b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
        assert server.stop(seconds=45) == 0, server.logged


def test_new_pictures_are_found(start, small):
    """What `blip index` adds is found 1.5 s after it has ended; what it removes is not found any more."""
    pictures, index = small
    server = start(index)
    with Load(server, PATHS) as load:
        new = draw(pictures / "new.png", 42)
        blip("index", pictures, "--index", index)
        time.sleep(1.5)
        assert server.get("/api/statistics").json["pictures"] == 7
        hits = server.get("/api/search", q="a picture", all="true").json["results"]
        assert "new.png" in [hit["path"] for hit in hits]
        new.unlink()
        blip("index", pictures, "--index", index)
        time.sleep(1.5)
        assert server.get("/api/statistics").json["pictures"] == 6
    assert not load.failures and load.count > 10


def test_compact_and_repair(start, small):
    """Those who need the index alone get it, and no request fails meanwhile."""
    pictures, index = small
    server = start(index)
    with Load(server, PATHS) as load:
        for _ in range(3):
            blip("compact", "--index", index)
            blip("check", "--repair", "--index", index)
        (pictures / "0.png").unlink()
        blip("index", pictures, "--index", index)
        blip("index", pictures, "--index", index, "--rebuild")
        time.sleep(1.5)
        assert server.get("/api/statistics").json["pictures"] == 5
    assert not load.failures and load.count > 20


def test_another_index_in_its_place(start, small, tmp_path):
    """A folder that is moved to the index's place is taken over; until then, the old one answers."""
    pictures, index = small
    for number in range(20, 29):
        draw(tmp_path / "others" / f"{number}.png", number)
    blip("index", tmp_path / "others", "--index", tmp_path / "other-index")
    server = start(index)
    assert server.get("/api/statistics").json["pictures"] == 6
    with Load(server, PATHS) as load:
        index.rename(tmp_path / "old-index")
        (tmp_path / "other-index").rename(index)
        time.sleep(2)
        assert server.get("/api/statistics").json["pictures"] == 9
        hits = server.get("/api/search", q="a picture").json["results"]
        assert hits and all(hit["location"].startswith(str(tmp_path / "others")) for hit in hits)
    assert not load.failures


def test_no_index_for_a_while(start, small, tmp_path):
    """While there is no index the answers are the old ones or 503; when it is back, all is well."""
    _, index = small
    server = start(index)
    index.rename(tmp_path / "away")
    time.sleep(1.5)
    for path in PATHS:
        assert server.get(path).status in (200, 503), path
    (tmp_path / "away").rename(index)
    time.sleep(1.5)
    for path in PATHS:
        assert server.get(path).status == 200, path
    shutil.copytree(index, tmp_path / "copy")
    shutil.rmtree(index)
    time.sleep(1.5)
    server.check_alive()


def test_kill_while_the_index_is_written(start, small):
    """`kill -9` of the server, amid requests and while `blip index` writes, loses nothing."""
    pictures, index = small
    for number in range(40):
        draw(pictures / "more" / f"{number}.png", 100 + number)
    server = start(index)
    writer = subprocess.Popen([BINARY, "index", pictures, "--index", index], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with Load(server, PATHS):
        time.sleep(1)
        server.process.kill()
        server.process.wait()
    output, _ = writer.communicate(timeout=300)
    assert writer.returncode == 0, output
    blip("check", "--index", index)
    server = start(index)
    assert server.get("/api/statistics").json["pictures"] == 46


def test_kill_of_the_writer(start, small):
    """`kill -9` of `blip index` harms neither the index nor the server, and the next run ends its work."""
    pictures, index = small
    for number in range(40):
        draw(pictures / "more" / f"{number}.png", 100 + number)
    server = start(index)
    with Load(server, PATHS) as load:
        for _ in range(2):
            writer = subprocess.Popen(
                [BINARY, "index", pictures, "--index", index], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(1.5)
            writer.kill()
            writer.wait()
        blip("index", pictures, "--index", index, timeout=300)
        time.sleep(1.5)
        assert server.get("/api/statistics").json["pictures"] == 46
    assert not load.failures
    blip("check", "--index", index)


def test_port_that_is_taken(start, small):
    """A second server at the same address ends with an error that says so."""
    server = start(small[1])
    done = subprocess.run(
        [BINARY, "serve", "--index", small[1], "--listen", f"127.0.0.1:{server.port}"], capture_output=True, text=True,
        timeout=60)
    assert done.returncode == 1 and str(server.port) in done.stderr, done.stderr
    server.check_alive()


def test_socket(start, small, tmp_path):
    """A Unix socket serves, too, and is gone after the end, so that the next server can use its path."""
    path = tmp_path / "socket"
    for _ in range(2):
        server = start(small[1], "--listen", f"unix:{path}")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert status(connection.recv(1000)) == 200
        assert server.stop() == 0, server.logged
