"""A thousand requests of fuzz_requests.py; run it alone for more."""

from fuzz_requests import fuzz


def test_fuzz(server):
    """Nothing that a client sends ends the server, or is answered by an error of the server itself."""
    before = server.memory()
    statuses, failures = fuzz(server.port, 1000, seed=1, seconds=120)
    assert not failures, failures[:5]
    assert statuses[b"200"] and statuses[b"400"]
    assert server.memory() - before < 300
    server.check_alive()
