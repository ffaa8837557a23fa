"""The server does what its description says: requests made from /openapi.json, valid and invalid ones."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks

load_all_checks()

# A valid request may be refused for what OpenAPI cannot say: that picture and upload exclude each other, for example.
INEXPRESSIBLE = ["positive_data_acceptance"]
EXAMPLES = int(os.environ.get("BLIP_EXAMPLES", "15"))


@pytest.fixture(scope="session")
def description(server):
    return schemathesis.openapi.from_url(server.url + "/openapi.json")


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)
def test_description(case):
    """Status, media type and contents are among those described, and what the description forbids is refused."""
    case.call_and_validate(
        excluded_checks=CHECKS.get_by_names(INEXPRESSIBLE), timeout=60,
    )


def test_largest_id(server):
    """The description allows every id of 63 bits: the largest one is no picture, which is not a wrong request."""
    assert server.get(f"/api/pictures/{2**63 - 1}").status == 404


def test_each_operation_is_tried_by_its_success(server, picture):
    """Real ids, which generated requests rarely have, are answered with 200."""
    for path in ("similar", "match", "caption"):
        answer = server.get(f"/api/{path}", picture=picture)
        assert answer.status in (200, 501) if path == "caption" else answer.status == 200, (path, answer.body[:300])
    for path in ("", "/thumbnail", "/original"):
        assert server.get(f"/api/pictures/{picture}{path}").status == 200
    assert server.get("/api/explain", picture=picture, text="a dog").status == 200


def test_numbers_are_written_in_one_way(server, picture):
    """Numbers with a sign, or in hexadecimal, are not numbers of the description."""
    for path in (
        f"/api/pictures/+{picture}", "/api/search?q=a&limit=%2B5", "/api/search?q=a&cursor=p%2B5",
        "/api/search?q=a&min_match=0x0p0", "/api/search?q=a&near=0x1,0x1",
    ):
        assert server.get(path).status in (400, 404), path
