"""How does Azure say no? The vendor's error envelope as an exception.

Source: ARM's common error response, `{"error": {"code", "message", "target"?, "details"?: []}}`.
"""

from __future__ import annotations

from typing import Any


class AzureFailure(Exception):
    """An answer that refuses. `status` is the HTTP status; `code` is the vendor's error name."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = details or []
        self.headers = headers or {}

    def error(self) -> dict[str, Any]:
        """The inner object of the envelope."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            body["target"] = self.target
        if self.details:
            body["details"] = self.details
        return body

    def envelope(self) -> dict[str, Any]:
        return {"error": self.error()}


def not_found(resource_id: str) -> AzureFailure:
    return AzureFailure(404, "ResourceNotFound", f"The Resource '{resource_id}' was not found.")
