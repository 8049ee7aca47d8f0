"""What do the tables of the status page say? HTML of one part each, from values of the status; all of it escaped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

Json = dict[str, Any]
_SHORT = 8


def certificates_by_node(nodes: Sequence[Json]) -> str:
    """Nodes down, certificates across: who holds which, with a key or without, and which one is presented."""
    known: dict[str, Json] = {}
    for node in nodes:
        for held in node["holds"]:
            known.setdefault(held["thumbprint"], held)
        for shown in (node["presents"], node["serves"]):
            if shown:
                known.setdefault(shown, {"thumbprint": shown, "subject": "", "not_after": None})
    columns = sorted(known.values(), key=lambda one: (str(one["subject"]), str(one["not_after"])))
    has_reasons = any(node["why_nothing"] for node in nodes)
    head = "<th>node<th>type<th>domain<th>state" + "".join(_column(one) for one in columns)
    head += "<th>why it presents nothing" if has_reasons else ""
    lines = [_line(node, columns, has_reasons) for node in sorted(nodes, key=lambda one: str(one["name"]))]
    legend = (
        "<p class=dim><span class='dot presents'></span> presents it &ensp; <span class=dot></span> holds it with its"
        " key &ensp; <span class='dot keyless'></span> holds it without a key that it can read</p>"
    )
    return f"<div class=wide><table class=holds><tr>{head}{''.join(lines)}</table></div>{legend}"


def _column(certificate: Json) -> str:
    ends = str(certificate["not_after"] or "")[:10]
    return (
        f"<th class=c title='{escape(certificate['thumbprint'])}'>{escape(str(certificate['subject']))}"
        f"<small><code>{escape(certificate['thumbprint'][:_SHORT])}</code> until {escape(ends or 'unknown')}</small>"
    )


def _line(node: Json, columns: Sequence[Json], has_reasons: bool) -> str:
    held = {one["thumbprint"]: one for one in node["holds"]}
    state = "<span class=good>up</span>" if node["up"] else "<span class=bad>down</span>"
    cells = "".join(f"<td class=c>{_mark(node, held.get(one['thumbprint']), one)}" for one in columns)
    seed = " <span class=dim>seed</span>" if node["seed"] else ""
    why = "; ".join(str(one) for one in node["why_nothing"])
    name, kind, domain = (escape(str(node[key])) for key in ("name", "type", "upgrade_domain"))
    reason = f"<td class=bad>{escape(why)}" if has_reasons else ""
    return f"<tr data-node='{name}'><td>{name}{seed}<td>{kind}<td>{domain}<td>{state}{cells}{reason}"


def _mark(node: Json, held: Json | None, certificate: Json) -> str:
    thumbprint = certificate["thumbprint"]
    if thumbprint in (node["presents"], node["serves"]):
        both = node["presents"] == node["serves"]
        told = "presents" if both or thumbprint == node["presents"] else "its gateway serves it still"
        return f"<span class='dot presents' title='{told}'></span>" + ("" if both else f" <small>{told}</small>")
    if held is None:
        return ""
    usable = held["key"] and held["readable"]
    return f"<span class='dot{'' if usable else ' keyless'}' title='by {escape(str(held['route']))}'></span>"


def faults_armed(status: Json) -> str:
    """The faults that are armed, what they are told, what is left of it, and how often they have struck."""
    armed, struck = status["faults_armed"], status["faults_struck"]
    lines = []
    for name in sorted({*armed, *struck}):
        given = armed.get(name)
        options = ", ".join(f"{key}={value}" for key, value in (given or {}).items() if key != "waits")
        state = "disarmed" if given is None else "waits" if given.get("waits") else "armed"
        lines.append((name, state, options, status["faults_known"].get(name, ""), struck.get(name, "")))
    if not lines:
        return "<h2>Faults</h2><p class=dim>None is armed.</p>"
    return "<h2>Faults</h2>" + table(("fault", "", "options left", "what goes wrong", "#struck"), lines)


def refused_between_nodes(status: Json) -> str:
    """Which connections nodes refused, by the reason: the newest first."""
    if not status["refused_between_nodes"]:
        return "<h2>Refused connections between nodes</h2><p class=dim>None.</p>"
    groups: dict[tuple[str, str, str], list[Json]] = defaultdict(list)
    for one in status["newest_refusals"]:
        groups[one["cluster"].rsplit("/", 1)[-1], one["reason"], one["thumbprint"]].append(one)
    lines = [
        (
            found[-1]["at"][:19].replace("T", " "),
            cluster,
            reason,
            thumbprint[:_SHORT],
            f"{found[-1]['refuser']} refused {found[-1]['caller']}",
            len(found),
        )
        for (cluster, reason, thumbprint), found in reversed(groups.items())
    ]
    head = ("last", "cluster", "reason", "shown", "newest pair", "#times")
    more = status["refused_between_nodes"] - len(status["newest_refusals"])
    note = f"<p class=dim>Of the newest {len(status['newest_refusals'])}; {more:,} are older.</p>" if more > 0 else ""
    return f"<h2>Refused connections between nodes</h2>{table(head, lines)}{note}"


def requests_by_kind(requests: dict[str, int]) -> str:
    """How often each kind of request was made, the most frequent first."""
    if not requests:
        return "<h2>Requests by kind</h2><p class=dim>None yet.</p>"
    most = max(requests.values())
    lines = "".join(
        f"<tr><td><code>{escape(kind)}</code><td class=n>{count:,}"
        f"<td style='width:30%'><div class=bar style='width:{100 * count / most:.1f}%'></div>"
        for kind, count in sorted(requests.items(), key=lambda one: -one[1])
    )
    return f"<h2>Requests by kind</h2><table><tr><th>kind<th class=n>count<th>{lines}</table>"


def folded(key: str, title: str, count: int, content: str) -> str:
    return f"<details id='{escape(key)}'><summary>{escape(title)} ({count:,})</summary>{content}</details>"


def rows(found: Sequence[Any]) -> str:
    """A table of JSON objects, or of plain values."""
    if not found:
        return "<p class=dim>None.</p>"
    if not all(isinstance(row, dict) for row in found):
        return table(("",), [(row,) for row in found])
    columns = tuple(dict.fromkeys(column for row in found for column in row))
    return table(columns, [tuple(row.get(column) for column in columns) for row in found])


def table(columns: Iterable[str], lines: Iterable[Sequence[Any]]) -> str:
    """A table; a column whose name begins with `#` holds numbers."""
    names = list(columns)
    is_number = [name.startswith("#") for name in names]
    head = "".join(
        f"<th{' class=n' if n else ''}>{escape(name.lstrip('#'))}" for name, n in zip(names, is_number, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if n else ''}>{escape(_shown(value))}" for value, n in zip(line, is_number, strict=True)
        )
        for line in lines
    )
    return f"<div class=wide><table><tr>{head}{body}</table></div>"


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
