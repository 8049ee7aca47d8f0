"""The generated reference says what the code says, and every link in the docs leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import docs_build

DOCS = docs_build.ROOT / "docs"
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("path", sorted(docs_build.pages()), ids=lambda path: path.name)
def test_a_generated_page_is_as_the_code_is_now(path: Path) -> None:
    assert path.read_text("utf-8") == docs_build.pages()[path], "run `make docs` and commit what it writes"


def test_every_link_in_the_docs_leads_to_a_file() -> None:
    broken = []
    for page in [*DOCS.rglob("*.md"), docs_build.ROOT / "README.md"]:
        for target in _LINK.findall(page.read_text("utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(docs_build.ROOT)}: {target}")
    assert broken == []
