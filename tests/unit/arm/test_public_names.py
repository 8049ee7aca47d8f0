"""The face of the package: every name it promises, none of them hidden by a module."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import sfcert.arm


@pytest.mark.parametrize("name", sfcert.arm.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(sfcert.arm, name) is not None


def test_no_module_carries_a_public_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(sfcert.arm.__path__)}
    assert modules & set(sfcert.arm.__all__) == set()


def test_what_is_not_promised_is_refused() -> None:
    with pytest.raises(AttributeError):
        sfcert.arm.nothing  # noqa: B018  # the access itself is what is tested


def test_importing_the_package_imports_none_of_its_modules() -> None:
    code = "import sys, sfcert.arm; print([m for m in sys.modules if m.startswith('sfcert.arm.')])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
