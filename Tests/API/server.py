"""Starts `blip serve`, speaks to it (also in ways that no HTTP library lets through), and makes small indexes."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw

BINARY = os.environ.get("BLIP_BINARY", "")


@dataclass
class Answer:
    """The status, the headers with lowercase names, and the body of an answer."""

    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A running `blip serve`."""

    def __init__(self, index, log, arguments=(), descriptors=None, wait=True):
        self.log = Path(log)
        self.port = free_port()
        words = [BINARY, "serve", "--index", str(index), "--listen", f"127.0.0.1:{self.port}", *arguments]
        if descriptors:
            words = ["sh", "-c", f"ulimit -n {descriptors}; exec \"$@\"", "sh", *words]
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(words, stdout=output, stderr=output)
        if wait:
            self.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def logged(self):
        return self.log.read_text(errors="replace")

    def wait(self, seconds=60):
        """Waits for the line that says where it serves."""
        end = time.monotonic() + seconds
        while "serving at" not in self.logged:
            assert self.process.poll() is None, f"the server did not start: {self.logged}"
            assert time.monotonic() < end, f"the server did not start in {seconds} s: {self.logged}"
            time.sleep(0.05)

    def stop(self, seconds=30):
        """Sends SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop {seconds} s after SIGTERM") from None

    def memory(self, name="VmRSS"):
        """Resident memory in MiB; `VmHWM` is the most so far."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise AssertionError("the server has ended: " + self.logged)

    def request(self, method, path, body=None, headers=None, timeout=60, **parameters):
        """An answer to a request. Parameters whose value is a list are repeated."""
        if parameters:
            path += "?" + urllib.parse.urlencode(parameters, doseq=True)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def get(self, path, **parameters):
        return self.request("GET", path, **parameters)

    def connect(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def raw(self, data, timeout=10, half_close=False):
        """All that is answered to bytes, until the connection is closed."""
        with self.connect(timeout) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return receive(connection)

    def check_alive(self):
        """It runs and answers."""
        assert self.process.poll() is None, f"the server has ended ({self.process.returncode}): {self.logged[-2000:]}"
        assert self.get("/health", timeout=20).status == 200


class Load:
    """Requests one after the other in a thread, until it is left; what fails is kept."""

    def __init__(self, server, paths, pause=0.02):
        self.server, self.paths, self.pause = server, paths, pause
        self.failures, self.count = [], 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopped.is_set():
            path = self.paths[self.count % len(self.paths)]
            try:
                answer = self.server.get(path)
                if answer.status != 200:
                    self.failures.append((path, answer.status, answer.body[:300]))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((path, repr(error)))
            self.count += 1
            time.sleep(self.pause)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def receive(connection):
    """All bytes until the other side closes the connection."""
    parts = []
    while True:
        try:
            part = connection.recv(1 << 16)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def status(answer):
    """The status in the first line of a raw answer; None where there is no answer."""
    words = answer.split(b"\r\n", 1)[0].split()
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") else None


def check_problem(answer, *statuses):
    """The answer is a problem with one of the statuses, with all that RFC 9457 and the document want."""
    assert answer.status in statuses, f"{answer.status}: {answer.body[:300]}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["status"] == answer.status
    assert problem["type"] == "about:blank" and problem["title"] and problem["detail"]
    assert "\n" not in problem["detail"]


def blip(*arguments, statuses=(0,), timeout=120):
    """Runs blip to its end; returns what it writes."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    assert done.returncode in statuses, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def draw(path, number, size=(160, 120)):
    """A picture that differs from those of other numbers."""
    picture = Image.new("RGB", size, ((number * 67) % 256, (number * 31) % 256, (number * 149) % 256))
    pencil = ImageDraw.Draw(picture)
    for line in range(8):
        x = (number * 17 + line * 23) % size[0]
        pencil.line((x, 0, size[0] - x, size[1]), fill=(255 - line * 20, (number * 7) % 256, line * 30), width=3)
    pencil.ellipse((number % 80, 20, number % 80 + 50, 80), fill=(number * 5 % 256, 200, 90))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def collection(folder, count=6):
    """A folder of pictures, and an index of it."""
    pictures = folder / "pictures"
    for number in range(count):
        draw(pictures / f"{number}.png", number)
    blip("index", pictures, "--index", folder / "index")
    return pictures, folder / "index"
