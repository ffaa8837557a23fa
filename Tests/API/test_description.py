"""The server does what its description says: requests made from /openapi.json, valid and invalid ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis

EXAMPLES = os.environ.get("BLIP_EXAMPLES", "15")


def test_generated_requests(server):
    """Status, media type and contents are among those described, and what the description forbids is refused."""
    program = Path(sys.executable).with_name("schemathesis")
    if not program.exists():
        pytest.skip("schemathesis is not installed.")
    done = subprocess.run(
        [
            program, "run", server.url + "/openapi.json", "--phases", "coverage,fuzzing", "--max-examples", EXAMPLES,
            # A valid request may be refused for what OpenAPI cannot say: picture and upload exclude each other.
            "--exclude-checks", "positive_data_acceptance",
            "--seed", "1", "--continue-on-failure", "--request-timeout", "120", "--warnings", "off", "--no-color",
        ], capture_output=True, text=True, timeout=900, cwd=server.log.parent)
    assert done.returncode == 0, done.stdout[-20_000:]
    server.check_alive()


@pytest.mark.parametrize("path", [
    "/api/similar", "/api/match", "/api/caption", "/api/explain", "/api/pictures/{id}", "/api/pictures/{id}/thumbnail",
    "/api/pictures/{id}/original", "/api/statistics", "/api/search",
])
def test_answers_have_the_described_form(server, picture, path):
    """Requests with a real id, which generated ones rarely have, succeed with what the description says."""
    query = {"similar": {"picture": picture}, "match": {"picture": picture}, "caption": {"picture": picture},
             "explain": {"picture": picture, "text": "a dog"}, "search": {"q": "a dog", "like": [picture]}}
    case = schemathesis.openapi.from_url(server.url + "/openapi.json")[path]["GET"].Case(
        path_parameters={"id": picture} if "{id}" in path else {}, query=query.get(path.split("/")[-1], {}))
    response = case.call(timeout=300)
    case.validate_response(response)
    assert response.status_code == 200 or (path, response.status_code) == ("/api/caption", 501), response.content


def test_largest_id(server):
    """The description allows every id of 63 bits: the largest one is no picture, which is not a wrong request."""
    assert server.get(f"/api/pictures/{2**63 - 1}").status == 404


def test_numbers_are_written_in_one_way(server, picture):
    """Numbers with a sign, or in hexadecimal, are not numbers of the description."""
    for path in (
        f"/api/pictures/+{picture}", "/api/search?q=a&limit=%2B5", "/api/search?q=a&cursor=p%2B5",
        "/api/search?q=a&min_match=0x0p0", "/api/search?q=a&near=0x1,0x1",
    ):
        assert server.get(path).status in (400, 404), path
