"""Knot DNS as an authoritative server with dynamic updates by TSIG, on loopback."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.ports import Child, free_port, is_open, program

KEY_NAME = "acme-key"
#: Made up for tests.
KEY_SECRET = b64encode(b"a made-up key of thirty-two byte").decode()
OTHER_SECRET = b64encode(b"another one of thirty-two bytes!").decode()


@dataclass(frozen=True)
class Knot:
    address: str
    port: int


@contextmanager
def running_knot(
    folder: Path,
    zones: Sequence[str],
    *,
    records: Sequence[str] = (),
    address: str = "127.0.0.1",
    port: int | None = None,
) -> Iterator[Knot]:
    """The zones with a wildcard A record to loopback each.

    Args:
        records: further lines of zone files, each `ZONE LINE`, such as `example.test www CNAME other.test.`.
    """
    binary = program("knotd", "knot")
    (folder / "db").mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    for zone in zones:
        lines = [
            f"$ORIGIN {zone}.",
            "$TTL 60",
            f"@ SOA ns1.{zone}. admin.{zone}. 1 3600 600 86400 60",
            f"@ NS ns1.{zone}.",
            f"ns1 A {address}",
            "@ A 127.0.0.1",
            *(line.split(" ", 1)[1] for line in records if line.split(" ", 1)[0] == zone),
        ]
        (folder / f"{zone}.zone").write_text("\n".join(lines) + "\n")
    settings = [
        "server:",
        f"    listen: {address}@{port}",
        f"    rundir: {folder}",
        "database:",
        f"    storage: {folder}/db",
        "    journal-db-max-size: 64M",
        "log:",
        "  - target: stderr",
        "    any: info",
        "key:",
        f"  - id: {KEY_NAME}",
        "    algorithm: hmac-sha256",
        f"    secret: {KEY_SECRET}",
        "  - id: md5-key",
        "    algorithm: hmac-md5",
        f"    secret: {KEY_SECRET}",
        "acl:",
        "  - id: acme",
        f"    key: [{KEY_NAME}, md5-key]",
        "    action: update",
        "template:",
        "  - id: default",
        f"    storage: {folder}",
        "    acl: acme",
        "    zonefile-sync: -1",
        "    zonefile-load: difference-no-serial",
        "    journal-content: all",
        "zone:",
        *(f"  - domain: {zone}\n    file: {zone}.zone" for zone in zones),
    ]
    (folder / "knot.conf").write_text("\n".join(settings) + "\n")
    child = Child([binary, "-c", str(folder / "knot.conf")], folder / "knot.log", dict(os.environ))
    try:
        child.await_ready(lambda: is_open(port, address))
        yield Knot(address, port)
    finally:
        child.stop()
