"""How does a template that cannot be evaluated become one clear refusal? Floor 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sfcert.arm.functions.builtin import EvaluationError
from sfcert.arm.paths import print_path
from sfcert.arm.text import Document
from sfcert.errors import Fault, InputError


class TemplateInvalidError(InputError):
    """TemplateInvalid with the vendor's own error code beside our token (`InvalidTemplate` unless better known)."""

    def __init__(self, message: str, faults: Sequence[Fault], code: str) -> None:
        super().__init__("TemplateInvalid", message, faults)
        self.code = code


@contextmanager
def bounded(document: Document | None, steps: tuple[str | int, ...] = ()) -> Iterator[None]:
    """Refuse, instead of failing, where values build on one another without end."""
    try:
        yield
    except RecursionError as error:
        told = EvaluationError("expressions here build on one another too deeply")
        raise refusal([fault_of(told, steps, document)], document) from error


def fault_of(error: EvaluationError, steps: tuple[str | int, ...], document: Document | None) -> Fault:
    """The fault of one evaluation error, whose value stands below `steps` of the template's text."""
    where = tuple(error.steps) if error.at_root else (*steps, *error.steps)
    path = print_path(where) or None
    return document.fault(error.message, where, path) if document is not None else Fault(error.message, path=path)


def refusal(faults: Sequence[Fault], document: Document | None, code: str = "InvalidTemplate") -> TemplateInvalidError:
    """The error to raise for these faults; equal ones are told once."""
    name = document.file if document is not None and document.file else "The template"
    return TemplateInvalidError(f"{name} cannot be evaluated.", list(dict.fromkeys(faults)), code)
