"""How does an error look to a machine? One JSON document on standard output, beside the sentence on standard error."""

from __future__ import annotations

import json
from typing import Any

from sfcert.errors import ConvergenceError, InputError, RefusedError, RemoteError

FORMAT = "sfcert.error/1"


def error_json(error: BaseException, token: str, message: str, *, on_one_line: bool = False) -> str:
    """The error as one document, a newline at the end: token, sentence, and what its family carries.

    `on_one_line` is for streams of one object a line; it then bears a `type` like the others.
    """
    more: dict[str, Any] = {}
    match error:
        case InputError():
            more["faults"] = [
                {"message": one.message, "file": one.file, "line": one.line, "column": one.column, "path": one.path}
                for one in error.faults
            ]
        case RefusedError():
            more["evidence"] = list(error.evidence)
        case RemoteError():
            more |= {
                "service": error.service,
                "operation": error.operation,
                "status": error.status,
                "remote_code": error.remote_code,
                "correlation_id": error.correlation_id,
                "transient": error.transient,
            }
        case ConvergenceError():
            more |= {"stage": error.stage, "open_gates": list(error.open_gates), "elapsed_s": error.elapsed_s}
        case _:
            pass
    document = {"format": FORMAT, "error": {"token": token, "message": message, **more}}
    if on_one_line:
        return json.dumps({"type": "error", **document}, ensure_ascii=False) + "\n"
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
