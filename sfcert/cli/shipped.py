"""Where are the templates and playbooks? Inside an installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

import sfcert


def _folder(name: str) -> Path:
    package = Path(sfcert.__file__).resolve().parent
    installed = package / "shipped" / name
    return installed if installed.is_dir() else package.parent / name


def templates_folder(override: Path | None = None) -> Path:
    return override or _folder("templates")


def playbooks_folder(override: Path | None = None) -> Path:
    return override or _folder("playbooks")
