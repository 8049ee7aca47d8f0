"""What does this body say? JSON as clients really send it, comments and az's unquoted `template:` key included.

az pastes the template file as text into `{"properties": {…, template:{…}}}`, comments and all, so such a body is not
JSON; Resource Manager takes it. The template language's own reader knows that form.

Source: azure-cli 2.91 `JsonCTemplatePolicy`, seen on the wire.
"""

from __future__ import annotations

from typing import Any

from sfcert.arm import parse_text
from sfcert.errors import InputError
from sfcert.sim.kernel.failure import AzureFailure


def parse_body(data: bytes) -> Any:
    """The value of a request body, or None where it is empty.

    Raises:
        AzureFailure: 400 `InvalidRequestContent` with the place, for what cannot be read.
    """
    if not data.strip():
        return None
    try:
        return parse_text(data).value
    except InputError as error:
        message = f"The request content was invalid and could not be deserialized: '{error}'."
        raise AzureFailure(400, "InvalidRequestContent", message) from error
