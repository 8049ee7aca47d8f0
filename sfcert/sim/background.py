"""The other end of `sim up`: the process that stays, serving until it is told to stop."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from sfcert.sim.host import SimFailed, serve_forever
from sfcert.sim.kernel.failure import AzureFailure


def main(order_file: str) -> int:
    """Serve as the order says. Returns the exit code; the last line written says why it is not 0."""
    path = Path(order_file)
    order = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    try:
        serve_forever(
            Path(order["state_dir"]),
            start=datetime.fromisoformat(order["start"]) if order["start"] else None,
            seed=order["seed"],
            tempo=order["tempo"],
            factor=order["factor"],
            looks=order["looks"],
            load=order["load"],
        )
    except (SimFailed, AzureFailure) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
