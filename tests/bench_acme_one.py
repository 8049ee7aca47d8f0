"""One certificate by ACME in a process of its own, with nothing imported that a user would not pay for.

`python -m tests.bench_acme_one KIND DIRECTORY CA_FILE ACCOUNT_FILE PORT [TSIG_NAME TSIG_SECRET]`; see `bench_acme`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sfcert.acme.issue import obtain
from sfcert.acme.keys import AccountKey
from sfcert.acme.solvers.solver import Solver
from sfcert.acme.values import AcmeOptions
from sfcert.azure.clock import WallClock
from tests.servers.requests import Pending


def main(kind: str, directory: str, ca_file: str, account_file: str, port: str, *tsig: str) -> None:
    solver: Solver
    if kind == "dns":
        from sfcert.acme.solvers.dns01 import Dns01
        from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
        from sfcert.acme.solvers.lookup import Lookup

        where, names = f"127.0.0.1:{port}", ["*.example.test"]
        writer = Rfc2136(where, key_name=tsig[0], key_secret=tsig[1])
        solver = Dns01(writer, Lookup([where], [where]), WallClock())
    else:
        from sfcert.acme.solvers.http01_responder import Http01Responder

        solver, names = Http01Responder("127.0.0.1", int(port)), ["www.example.test"]
    options = AcmeOptions(directory_url=directory, ca_file=ca_file)
    key = AccountKey.from_jwk(Path(account_file).read_text())
    obtain(options, key, names, Pending(names), lambda name: solver, clock=WallClock(), emit=lambda event: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
