"""How does the embedded Azure stand, for a person with a browser? The status as one plain page."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left;"
    "vertical-align:top}th{background:#f4f4f4}h2{font-size:1.1em;margin-bottom:.2em}"
)


def render_page(status: dict[str, Any]) -> str:
    """A self-contained page; every value is escaped."""
    tempo = status["tempo"]
    pace = f"{tempo['mode']} (× {tempo['factor']:g})" if tempo["mode"] == "factor" else tempo["mode"]
    facts = [
        ("Virtual time", status["now"]),
        ("Next event", status["next_event"] or "none"),
        ("Tempo", pace),
        ("Seed", status["seed"]),
        ("Requests", status["requests_total"]),
        ("Writes", status["writes"]),
        ("Connections refused between nodes", status["refused_between_nodes"]),
        ("Connections refused by the proxy", len(status["refused_by_proxy"])),
        ("Faults armed", ", ".join(status["faults_armed"]) or "none"),
    ]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Embedded Azure</title>",
        f"<style>{_STYLE}</style><h1>Embedded Azure</h1>",
        _table(("", ""), facts),
    ]
    for cluster in status["clusters"]:
        parts.append(_section("Cluster " + cluster["id"].rsplit("/", 1)[-1], [_without(cluster, "nodes")]))
        rows = [{**node, "holds": ", ".join(held["thumbprint"] for held in node["holds"])} for node in cluster["nodes"]]
        parts.append(_section("Its nodes", rows))
    for scale_set in status["scale_sets"]:
        parts.append(_section("Scale set " + scale_set["id"].rsplit("/", 1)[-1], scale_set["machines"]))
    for name, said in status["services"].items():
        parts.append(_section(name.capitalize(), said if isinstance(said, list) else [said]))
    parts.append(_section("Running operations", status["operations_running"]))
    parts.append(_section("Newest refusals between nodes", status["newest_refusals"]))
    parts.append(_section("Refused by the proxy", status["refused_by_proxy"]))
    parts.append(_section("Newest writes", status["newest_writes"]))
    parts.append(_section("Notes", status["notes"]))
    parts.append("<h2>Requests by kind</h2>" + _table(("kind", "count"), list(status["requests"].items())))
    return "".join(parts)


def _section(title: str, rows: list[Any]) -> str:
    if not rows:
        return f"<h2>{escape(title)}</h2><p>none</p>"
    if not all(isinstance(row, dict) for row in rows):
        return f"<h2>{escape(title)}</h2>" + _table(("",), [(row,) for row in rows])
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    return f"<h2>{escape(title)}</h2>" + _table(columns, [tuple(row.get(column) for column in columns) for row in rows])


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{escape(column)}" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(_shown(value))}" for value in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
