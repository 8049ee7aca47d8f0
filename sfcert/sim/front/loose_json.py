"""What does this body say? JSON as clients really send it, comments and az's unquoted `template:` key included.

az pastes the template file as text into `{"properties": {…, template:{…}}}`, comments and all, so such a body is not
JSON; Resource Manager takes it.

Source: azure-cli 2.91 `JsonCTemplatePolicy`, seen on the wire.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sfcert.sim.kernel.failure import AzureFailure

# A string, a line comment, a block comment, a comma before a closing bracket, or the bare key; strings come first so
# that nothing inside one is touched.
_TOKENS = re.compile(
    r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])|(?<=[,{\s])template(?=\s*:)', re.DOTALL
)


def parse_body(data: bytes) -> Any:
    """The value of a request body, or None where it is empty.

    Raises:
        AzureFailure: 400 `InvalidRequestContent` with the place, for what is neither JSON nor az's form of it.
    """
    if not data.strip():
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(str(error)) from error
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return json.loads(_TOKENS.sub(_tidy, text), strict=False)
    except ValueError as error:
        raise _unreadable(str(error)) from error


def _tidy(match: re.Match[str]) -> str:
    token = match.group()
    if token.startswith('"'):
        return token
    return '"template"' if token == "template" else ""


def _unreadable(why: str) -> AzureFailure:
    return AzureFailure(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{why}'."
    )
