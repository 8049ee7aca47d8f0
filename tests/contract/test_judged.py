"""What `make contract` makes of a recording and of the validator's words; the validator itself needs node and npm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim.kernel.journal import FABRIC_HOST, Exchange
from tests.contract.accepted import KNOWN
from tests.contract.from_npm import swagger
from tests.contract.judged import PAGE, page, read
from tests.contract.record import live, recording

Json = dict[str, Any]
VAULT = "https://kv-a.vault.azure.net"


def exchange(url: str, *, method: str = "GET", status: int = 200, sent: bytes = b"", answer: bytes = b"{}") -> Exchange:
    return Exchange(method, url, {"Authorization": "Bearer hush"}, sent, status, {"Content-Type": "x"}, answer)


def recorded(url: str, **more: Any) -> Json:
    found = live(exchange(url, **more))
    assert found is not None
    return found


def verdicts(tmp_path: Path, *sides: Json) -> Path:
    clean: Json = {"operation": "GetCertificate", "judged_by": "7.4", "failure": "", "errors": []}
    file = tmp_path / "verdicts.jsonl"
    lines = [{"number": number, "request": clean, "response": clean, **one} for number, one in enumerate(sides)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def failing(at: str, **more: Any) -> Json:
    error = {"code": "OBJECT_ADDITIONAL_PROPERTIES", "message": "not allowed", "at": [at]}
    return {"operation": "GetCertificate", "judged_by": "7.4", "failure": "", "errors": [error], **more}


def test_a_recording_has_no_token_and_names_production_hosts() -> None:
    found = recorded("https://localhost:8443/subscriptions/s?api-version=2022-12-01", answer=b'{"id": 1}')
    assert found["liveRequest"]["url"] == "https://management.azure.com/subscriptions/s?api-version=2022-12-01"
    assert found["liveRequest"]["query"] == {"api-version": "2022-12-01"}
    assert found["liveResponse"] == {"statusCode": "200", "headers": {"content-type": "x"}, "body": {"id": 1}}
    assert "hush" not in json.dumps(found)


def test_a_name_without_its_version_is_judged_as_one_with_it() -> None:
    assert recorded(f"{VAULT}/secrets/a/?api-version=7.4")["liveRequest"]["url"] == (
        f"{VAULT}/secrets/a/{'0' * 32}?api-version=7.4"
    )
    assert recorded(f"{VAULT}/certificates/issuers")["liveRequest"]["url"] == f"{VAULT}/certificates/issuers"


@pytest.mark.parametrize(
    "url",
    [
        "https://login.microsoftonline.com/t/oauth2/v2.0/token",
        "https://localhost:1/tenant/oauth2/v2.0/token",
        "https://management.azure.com/subscriptions/s/providers/A.B/locations/l/operationStatuses/1",
    ],
)
def test_what_nothing_describes_is_not_recorded(url: str) -> None:
    assert live(exchange(url)) is None


def test_a_cut_connection_is_not_recorded_and_a_node_s_answer_is() -> None:
    assert live(exchange(f"https://{FABRIC_HOST}/Nodes", status=499)) is None
    assert live(exchange(f"https://{FABRIC_HOST}/Nodes")) is not None


def test_a_recording_ends_with_its_block(tmp_path: Path) -> None:
    from sfcert.sim.kernel.journal import Journal

    before = Journal.witness
    with recording(tmp_path):
        assert Journal.witness is not None
        Journal.witness(exchange(f"{VAULT}/secrets"))
    assert Journal.witness is before
    [file] = tmp_path.iterdir()
    assert len(file.read_text("utf-8").splitlines()) == 1


def test_a_difference_counts_unless_it_is_known_and_bad_requests_are_meant_to_be_bad(tmp_path: Path) -> None:
    exchanges = [
        recorded(f"{VAULT}/certificates/a?api-version=7.4"),
        recorded(f"{VAULT}/certificates/a?api-version=7.4"),
        recorded(f"{VAULT}/certificates/a?api-version=7.4", status=400),
    ]
    file = verdicts(
        tmp_path,
        {"response": failing("/policy/x509_props/basic_constraints")},
        {"response": failing("/bogus")},
        {"request": failing("/bogus")},
    )
    found = read(exchanges, file)
    assert found.judged == 6
    assert list(found.accepted) == [KNOWN[0]]
    assert list(found.mismatches) == [
        "response of GetCertificate (7.4, 200): OBJECT_ADDITIONAL_PROPERTIES at /bogus: not allowed"
    ]
    assert found.operations == {("GetCertificate", "7.4"): {"7.4"}}


def test_what_is_newer_than_the_definitions_is_passed_over_where_that_is_asked_for(tmp_path: Path) -> None:
    asked_later = [recorded(f"{VAULT}/certificates/a?api-version=7.5")]
    file = verdicts(tmp_path, {"response": failing("/bogus")})
    assert read(asked_later, file, older=True).newer == 1
    assert read(asked_later, file).mismatches.total() == 1
    same = [recorded(f"{VAULT}/certificates/a?api-version=7.4")]
    assert read(same, file, older=True).mismatches.total() == 1


def test_definitions_in_the_newer_language_are_written_in_the_older_one() -> None:
    name = {"name": "n", "in": "path", "required": True, "schema": {"type": "string", "nullable": True}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}, "required": True}
    whole = {
        "info": {"version": "1", "title": "t"},
        "paths": {
            "/things/{n}": {
                "put": {
                    "operationId": "Things_Put",
                    "parameters": [{"$ref": "#/components/parameters/Name"}],
                    "requestBody": {"$ref": "#/components/requestBodies/Thing"},
                    "responses": {"200": {"description": "OK", **body}},
                }
            }
        },
        "components": {
            "parameters": {"Name": name},
            "requestBodies": {"Thing": body},
            "schemas": {"Thing": {"discriminator": {"propertyName": "kind"}}},
        },
    }
    found = swagger(whole)
    put = found["paths"]["/things/{n}"]["put"]
    reference = {"$ref": "#/definitions/Thing"}
    assert put["parameters"] == [
        {"$ref": "#/parameters/Name"},
        {"name": "body", "in": "body", "required": True, "schema": reference},
    ]
    assert put["responses"]["200"]["schema"] == reference
    assert found["parameters"]["Name"] == {
        "name": "n",
        "in": "path",
        "required": True,
        "type": "string",
        "x-nullable": True,
    }
    assert found["definitions"]["Thing"] == {"discriminator": "kind"}


def test_what_no_definition_describes_is_told_by_its_kind(tmp_path: Path) -> None:
    url = "https://management.azure.com/subscriptions/s/providers/Microsoft.X/things/one?api-version=1"
    failed = {"operation": "", "judged_by": "", "failure": "NOT_FOUND: no", "errors": []}
    found = read([recorded(url)], verdicts(tmp_path, {"request": failed, "response": failed}))
    assert dict(found.undescribed) == {"GET /Microsoft.X/things/{}": 1}
    assert "`GET /Microsoft.X/things/{}` (1 times)" in page(found)


def test_the_committed_page_says_that_nothing_differs_unexplained() -> None:
    text = PAGE.read_text("utf-8")
    assert "\n0 differ from their definition without being explained below." in text
    for one in KNOWN:
        assert one.side in ("request", "response")
