"""How does the embedded Azure stand, for a person with a browser? The status as one self-contained page.

It looks again every two seconds by itself, and what was folded open stays open. Looking moves no time. Leaves out: what
the tables say (see `page_parts`).
"""

from __future__ import annotations

from html import escape
from typing import Any

from sfcert.sim.server.page_parts import (
    certificates_by_node,
    faults_armed,
    folded,
    refused_between_nodes,
    requests_by_kind,
    rows,
)

#: A page shows so many clusters whole: first those that are not well. The others are counted.
MOST_CLUSTERS = 12

_STYLE = """
:root{--ink:#1c2430;--dim:#5d6776;--line:#d9dee6;--soft:#f4f6f9;--good:#14804a;--bad:#b3261e;--warn:#9a6700;--paper:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--dim:#97a1b0;--line:#343c48;--soft:#1b212a;--good:#5bc98c;
--bad:#ff8a80;--warn:#e3b341;--paper:#12161c}}
*{box-sizing:border-box}
body{font:14px/1.45 system-ui,sans-serif;margin:0;color:var(--ink);background:var(--paper)}
main{max-width:76em;margin:0 auto;padding:1.2em 1.5em 4em}
h1{font-size:1.35em;margin:0}h2{font-size:1.05em;margin:2em 0 .5em}
.top{display:flex;flex-wrap:wrap;align-items:baseline;gap:.3em 1.6em;border-bottom:1px solid var(--line);
padding-bottom:.8em}
.top time{font-size:1.15em;font-variant-numeric:tabular-nums}.dim{color:var(--dim)}
.tiles{display:flex;flex-wrap:wrap;gap:.8em;margin:1.2em 0}
.tile{border:1px solid var(--line);border-radius:8px;padding:.5em 1em;min-width:7.6em}
.tile b{display:block;font-size:1.5em;font-variant-numeric:tabular-nums}.tile.bad b{color:var(--bad)}
.tile.warn b{color:var(--warn)}
/* what lies beyond the right edge throws a shadow there, which its end covers */
.wide{overflow-x:auto;background:linear-gradient(270deg,var(--paper) 1em,transparent) right/2.5em 100% no-repeat local,
linear-gradient(270deg,var(--line),transparent) right/1em 100% no-repeat scroll}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.3em .7em .3em 0;text-align:left;vertical-align:top}
th{color:var(--dim);font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
code{font:12px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.state{display:inline-block;border-radius:99px;padding:0 .7em;border:1px solid currentColor;font-size:.85em}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.holds td.c,.holds th.c{text-align:center;padding:.3em .7em}
.holds th.c small{display:block;font-weight:400}
.dot{display:inline-block;width:.8em;height:.8em;border-radius:50%;border:2px solid var(--ink);vertical-align:-.1em}
.dot.presents{background:var(--good);border-color:var(--good)}.dot.keyless{border-style:dashed;border-color:var(--warn)}
.bar{height:.5em;border-radius:3px;background:var(--dim);opacity:.45;min-width:2px}
details{border-top:1px solid var(--line);padding:.5em 0}summary{cursor:pointer;font-weight:600}
p{margin:.4em 0}
@media (max-width:36em){main{padding:1em .8em 3em}td,th{padding-right:.5em}
.holds td.c,.holds th.c{padding:.3em 0;min-width:7em;overflow-wrap:anywhere}}
"""

_SCRIPT = """
const again=async()=>{
if(document.hidden)return;
try{
const answer=await fetch(location.href,{cache:"no-store"});if(!answer.ok)throw 0;
const fresh=new DOMParser().parseFromString(await answer.text(),"text/html").querySelector("main");
for(const one of document.querySelectorAll("details[open]"))
fresh.querySelector("#"+CSS.escape(one.id))?.setAttribute("open","");
document.querySelector("main").replaceWith(fresh);
}catch{document.querySelector("#live").textContent="it does not answer"}};
setInterval(again,2000);
"""


def render_page(status: dict[str, Any]) -> str:
    """A self-contained page; every value is escaped."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        # An icon of its own, so that no browser asks for one.
        "<link rel=icon href='data:,'>",
        f"<title>Embedded Azure</title><style>{_STYLE}</style><main>",
        _top(status),
        _tiles(status),
        faults_armed(status),
        *_clusters(status["clusters"]),
        refused_between_nodes(status),
        requests_by_kind(status["requests"]),
        *_folds(status),
        f"</main><script>{_SCRIPT}</script></html>",
    ]
    return "".join(parts)


def _top(status: dict[str, Any]) -> str:
    tempo = status["tempo"]
    how = {"factor": f" × {tempo['factor']:g}", "looks": f" ({tempo['looks']})"}.get(tempo["mode"], "")
    soon = f"next event {_instant(status['next_event'])}" if status["next_event"] else "nothing is due"
    return (
        "<div class=top><h1>Embedded Azure</h1>"
        f"<time id=now datetime='{escape(status['now'])}'>{_instant(status['now'])}</time>"
        f"<span class=dim>{soon}</span><span class=dim>tempo {escape(tempo['mode'])}{how}</span>"
        f"<span class=dim>seed {escape(str(status['seed']))}</span><span class=dim id=live>live</span></div>"
    )


def _tiles(status: dict[str, Any]) -> str:
    sick = sum(1 for one in status["clusters"] if one["down"] or not one["healthy"])
    facts = [
        ("clusters", len(status["clusters"]), ""),
        ("not well", sick, "bad" if sick else ""),
        ("refused between nodes", status["refused_between_nodes"], "bad" if status["refused_between_nodes"] else ""),
        ("refused by the proxy", len(status["refused_by_proxy"]), "warn" if status["refused_by_proxy"] else ""),
        ("requests", status["requests_total"], ""),
        ("writes", status["writes"], ""),
        ("faults armed", len(status["faults_armed"]), "warn" if status["faults_armed"] else ""),
    ]
    tiles = (f"<div class='tile {kind}'><b>{count:,}</b>{escape(name)}</div>" for name, count, kind in facts)
    return f"<div class=tiles>{''.join(tiles)}</div>"


def _clusters(clusters: list[dict[str, Any]]) -> list[str]:
    ordered = sorted(clusters, key=lambda one: (not one["down"], one["healthy"], one["id"]))
    shown = [_cluster(one) for one in ordered[:MOST_CLUSTERS]]
    if len(ordered) > MOST_CLUSTERS:
        left = ordered[MOST_CLUSTERS:]
        well = sum(1 for one in left if one["healthy"] and not one["down"])
        shown.append(f"<p class=dim>{len(left):,} more clusters are not shown; {well:,} of them are well.</p>")
    return shown


def _cluster(cluster: dict[str, Any]) -> str:
    name = escape(cluster["id"].rsplit("/", 1)[-1])
    if cluster["down"]:
        state = "<span class='state bad'>down for good</span>"
    elif not cluster["healthy"]:
        state = "<span class='state warn'>not healthy</span>"
    else:
        state = "<span class='state good'>healthy</span>"
    said = f"{escape(str(cluster['state']))}, configuration {escape(str(cluster['config_version']))}"
    parts = [f"<h2>Cluster {name} {state} <span class=dim>{said}</span></h2>"]
    if cluster.get("upgrade"):
        parts.append(f"<p class=warn>{escape(_upgrade(cluster['upgrade']))}</p>")
    if cluster.get("resource_provider_refuses"):
        why = escape(_words(cluster["resource_provider_refuses"]))
        parts.append(f"<p class=bad>The resource provider cannot reach it: {why}</p>")
    parts.append(certificates_by_node(cluster["nodes"]))
    return "".join(parts)


def _upgrade(upgrade: dict[str, Any]) -> str:
    done = ", ".join(str(one) for one in upgrade["domains_done"]) or "none"
    where = "" if upgrade["domain"] is None else f"in upgrade domain {upgrade['domain']}, "
    return (
        f"{upgrade['kind']}: {upgrade['state']}, phase {upgrade['phase']} of {upgrade['phases']}, {where}done: {done}"
    )


def _folds(status: dict[str, Any]) -> list[str]:
    machines = [
        {"scale set": one["id"].rsplit("/", 1)[-1], **_flat(machine)}
        for one in status["scale_sets"]
        for machine in one["machines"]
    ]
    folds = [
        ("operations", "Running operations", status["operations_running"]),
        ("machines", "Machines and their extensions", machines),
        ("proxy", "Refused by the proxy", status["refused_by_proxy"]),
        ("writes", "Newest writes", status["newest_writes"][::-1]),
        ("notes", "Notes", status["notes"][::-1]),
        ("refusals", "Newest refusals between nodes, one by one", status["newest_refusals"][::-1]),
    ]
    shown = [folded(key, title, len(found), rows(found)) for key, title, found in folds]
    for name, said in status["services"].items():
        found = [{"": key, "says": value} for key, value in said.items()] if isinstance(said, dict) else said
        listed = found if isinstance(found, list) else [found]
        shown.append(folded(f"service-{name}", f"Service {name}", len(listed), rows(listed)))
    return shown


def _flat(machine: dict[str, Any]) -> dict[str, Any]:
    extensions = machine.get("extensions") or {}
    told = "; ".join(f"{name}: {one['status'].rsplit('/', 1)[-1]}" for name, one in extensions.items())
    return {**{key: value for key, value in machine.items() if key != "extensions"}, "extensions": told}


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(one)}" for key, one in value.items() if one is not None)
    return ", ".join(_words(one) for one in value) if isinstance(value, list) else str(value)


def _instant(text: str) -> str:
    return escape(f"{text[:19].replace('T', ' ')} UTC")
