"""One server of $BLIP_INDEX for all tests that only read, and servers of small indexes for the others."""

import os
import resource

import pytest

import server as servers
from server import Server


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes half a minute or more")
    if not {"BLIP_BINARY", "BLIP_INDEX"} <= os.environ.keys():
        pytest.exit("Set BLIP_BINARY and BLIP_INDEX.", returncode=2)
    # The tests of many connections need one here for each of the server's.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server of $BLIP_INDEX; at the end SIGTERM must stop it, with the exit status 0."""
    server = Server(os.environ["BLIP_INDEX"], tmp_path_factory.mktemp("server") / "log")
    yield server
    assert server.stop() == 0, server.logged[-2000:]


@pytest.fixture
def start(tmp_path):
    """Starts further servers; those that still run at the end of the test must stop by SIGTERM."""
    started = []

    def start(index, *arguments, **options):
        started.append(Server(index, tmp_path / f"log-{len(started)}", arguments, **options))
        return started[-1]

    yield start
    ends = [(server.stop(), server.logged[-2000:]) for server in started if server.process.poll() is None]
    assert not [end for end in ends if end[0] != 0]


@pytest.fixture
def small(tmp_path):
    """A folder of six pictures, and its index, which the test may change."""
    return servers.collection(tmp_path)


@pytest.fixture(scope="session")
def picture(server):
    """The id of a picture of the index."""
    results = server.get("/api/search", q="a picture", limit=1).json["results"]
    if not results:
        pytest.skip("The index holds no pictures.")
    return results[0]["id"]
