"""How does the embedded Azure stand, for people? Its own status document as text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfcert.views.text import PLAIN, Page, instant, table


def sim_status_human(status: dict[str, Any], *, page: Page = PLAIN) -> str:
    """The status document of `GET /status`, shortened to what a person asks first."""
    tempo = status["tempo"]
    lines = [
        f"virtual time {instant(datetime.fromisoformat(status['now']))}, tempo {tempo['mode']}, seed {status['seed']}",
        f"{status['requests_total']} requests answered, {status['writes']} writes",
        f"{status['refused_between_nodes']} connections refused between nodes",
        f"as a page: {status['page']}",
    ]
    if status["clusters"]:
        lines += ["", page.paint("Clusters", "bold")]
        for one in status["clusters"]:
            state = "down" if one.get("down") else one["state"]
            lines.append(f"  {one['id']}: {state}")
            lines += table(
                (
                    (node["name"], "up" if node["up"] else "down", f"presents {node['presents']}")
                    for node in one["nodes"]
                ),
                indent=4,
            )
    if status["newest_refusals"]:
        lines += ["", page.paint("Refused", "red")]
        for one in status["newest_refusals"][-10:]:
            lines += page.wrap(f"{one['refuser']} refused {one['caller']} ({one['thumbprint']}): {one['reason']}", 2)
    if status["faults_armed"]:
        lines += ["", page.paint("Faults armed", "yellow")]
        lines += table(
            ((name, _told(name, options, status)) for name, options in status["faults_armed"].items()), indent=2
        )
    if status["requests"]:
        lines += ["", page.paint("Requests", "bold")]
        lines += table((f"{count:5d}", kind) for kind, count in status["requests"].items())
    return "\n".join(lines) + "\n"


def _told(name: str, options: dict[str, Any], status: dict[str, Any]) -> str:
    """What is left of a fault's options, and how often it has struck."""
    given = [f"{key}={value}" for key, value in options.items() if key != "waits"]
    waits = ["waits for its time"] if options.get("waits") else []
    times = status["faults_struck"].get(name)
    return ", ".join([*waits, *given, *([f"struck {times} times"] if times else [])])
