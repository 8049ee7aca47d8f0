"""How does a template that cannot be evaluated become one clear refusal? Floor 1."""

from __future__ import annotations

from collections.abc import Sequence

from sfcert.arm.functions.builtin import EvaluationError
from sfcert.arm.paths import print_path
from sfcert.arm.text import Document
from sfcert.errors import Fault, InputError


class TemplateInvalidError(InputError):
    """TemplateInvalid with the vendor's own error code beside our token (`InvalidTemplate` unless better known)."""

    def __init__(self, message: str, faults: Sequence[Fault], code: str) -> None:
        super().__init__("TemplateInvalid", message, faults)
        self.code = code


def fault_of(error: EvaluationError, steps: tuple[str | int, ...], document: Document | None) -> Fault:
    """The fault of one evaluation error, whose value stands below `steps` of the template's text."""
    where = tuple(error.steps) if error.at_root else (*steps, *error.steps)
    path = print_path(where) or None
    return document.fault(error.message, where, path) if document is not None else Fault(error.message, path=path)


def refusal(faults: Sequence[Fault], document: Document | None, code: str = "InvalidTemplate") -> TemplateInvalidError:
    """The error to raise for these faults; equal ones are told once."""
    name = document.file if document is not None and document.file else "The template"
    return TemplateInvalidError(f"{name} cannot be evaluated.", list(dict.fromkeys(faults)), code)
