"""What does this playbook file say? YAML to typed values, every fault with file, line and what is wrong. Floor 1."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import msgspec
import yaml

from sfcert.errors import Fault, InputError
from sfcert.playbook.model import FORMAT, Playbook
from sfcert.yaml_text import read_tree

_PLACE = re.compile(r"(?:\.(?P<key>[A-Za-z_]+))|(?:\[(?P<index>\d+|\.\.\.)\])")
_STAGE_ID = re.compile(r"\d\d-[A-Za-z0-9{}_-]+")


def playbook_names(directory: Path) -> tuple[str, ...]:
    """Names of the playbooks in a directory, sorted; empty where there is no such directory."""
    return tuple(sorted(path.stem for path in directory.glob("*.yaml")))


def load_playbook(directory: Path, name: str) -> Playbook:
    """Read `<directory>/<name>.yaml`.

    Raises:
        InputError: PlaybookInvalid, with every fault that could be found: file, line, what. A name that no file has
            is answered with those that exist.

    Effects: reads one file, and that of the playbook whose stages these are.
    """
    known = playbook_names(directory)
    if name not in known:
        offered = ", ".join(known) if known else f"none in {directory}"
        raise InputError("PlaybookInvalid", f"There is no playbook {name!r}. Known: {offered}.")
    path = directory / f"{name}.yaml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("PlaybookInvalid", f"The playbook {path} cannot be read: {error}.") from error
    playbook = parse_playbook(text, str(path), name)
    if playbook.stages_of is None:
        return playbook
    other = load_playbook(directory, playbook.stages_of)
    return msgspec.structs.replace(playbook, stages=other.stages, alternatives=other.alternatives, stages_of=None)


@lru_cache(maxsize=32)
def parse_playbook(text: str, file: str, name: str) -> Playbook:
    """A playbook from its text; equal texts are parsed once.

    Raises:
        InputError: PlaybookInvalid.

    Effects: none.
    """
    # one pass: the tree gives lines, and the values are made from it
    plain, tree = read_tree(text, file, "PlaybookInvalid")
    try:
        playbook = msgspec.convert(plain, Playbook)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        at = place.rstrip("`")
        fault = Fault(message, file, _line_of(tree, at), path=at or None)
        raise InputError("PlaybookInvalid", "The playbook does not say what its stages need.", [fault]) from error
    faults = _faults_of(playbook, file, name, tree)
    if faults:
        raise InputError("PlaybookInvalid", "The playbook does not say what its stages need.", faults)
    return playbook


def _faults_of(playbook: Playbook, file: str, name: str, tree: yaml.Node | None) -> list[Fault]:
    """Every fault beyond types, with its line."""
    return [Fault(says, file, _line_of(tree, place)) for says, place in _told(playbook, name)]


def _told(playbook: Playbook, name: str) -> list[tuple[str, str]]:
    """(what is wrong, where) pairs."""
    faults: list[tuple[str, str]] = []
    if playbook.format != FORMAT:
        says = f"the format is {playbook.format!r}, this sfcert reads {FORMAT!r}"
        faults.append((says, "$.format"))
    if playbook.name != name:
        says = f"the name is {playbook.name!r}, the file is called {name!r}"
        faults.append((says, "$.name"))
    seen: set[str] = set()
    for index, stage in enumerate(playbook.stages):
        place = f"$.stages[{index}]"
        for one in (stage, stage.followed_by):
            if one is None:
                continue
            if not _STAGE_ID.fullmatch(one.id):
                says = f"the stage id {one.id!r} is not of the form <nn>-<verb>-<object>"
                faults.append((says, place))
            if one.id in seen:
                faults.append((f"the stage id {one.id!r} stands twice", place))
            seen.add(one.id)
            if (one.kind == "deployment") != (one.template is not None):
                says = f"stage {one.id!r}: a deployment names a template, and nothing else does"
                faults.append((says, place))
    if not playbook.stages and playbook.stages_of is None:
        faults.append(("there is no stage", "$.stages"))
    if playbook.stages_of is not None and (playbook.stages or playbook.stages_of == playbook.name):
        faults.append(("stages_of names another playbook, and stands alone", "$.stages_of"))
    for first, second in playbook.alternatives:
        for one_id in (first, second):
            if one_id not in seen:
                says = f"alternatives name {one_id!r}, which is no stage of this playbook"
                faults.append((says, "$.alternatives"))
    return faults


def _line_of(tree: yaml.Node | None, place: str) -> int | None:
    """The line, from 1, of the node that a msgspec path such as `$.stages[2].kind` leads to, or of its nearest
    parent."""
    node = tree
    for step in _PLACE.finditer(place):
        below: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode) and step["key"]:
            below = next((value for key, value in node.value if key.value == step["key"]), None)
        elif isinstance(node, yaml.SequenceNode) and step["index"] and step["index"].isdigit():
            at = int(step["index"])
            below = node.value[at] if at < len(node.value) else None
        if below is None:
            break
        node = below
    return node.start_mark.line + 1 if node is not None else None
