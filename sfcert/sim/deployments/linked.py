"""Where does a template come from that stands elsewhere? Template specs of this world, and files that it publishes.

Nothing is fetched over a network: a link leads to a template spec that was deployed here, or to an address under which
somebody has published a file in this world (the service `content`).

Source: "Linked and nested templates" and "Template specs" of the ARM documentation, Microsoft.Resources/templateSpecs
2022-02-01; the code of a link that cannot be followed as deployments are known to answer it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from sfcert.arm import parse_text, placed
from sfcert.errors import InputError
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure

Json = dict[str, Any]
Link = Mapping[str, Any]
_SPEC_VERSION = "/versions/"


class Content:
    """The service `content`: what this world publishes, by address without its query."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}

    def publish(self, uri: str, text: str) -> None:
        """Make a file readable under an address, in place of what was there."""
        self._files[_bare(uri)] = text

    def read(self, uri: str) -> str | None:
        return self._files.get(_bare(uri))

    def status(self) -> list[str]:
        """Every address, in order of publication."""
        return list(self._files)


def follow(azure: Azure, link: Link, beside: Link | None = None) -> Json:
    """The template behind a link.

    Args:
        link: `templateLink`: `id` of a template spec's version, `uri`, or `relativePath` from where `beside` leads.
        beside: the link by which the template that holds this one was found.

    Raises:
        AzureFailure: 400 `InvalidContentLink` or 404 `TemplateSpecVersionNotFound`, `InvalidTemplate` where it is no
            JSON.
    """
    place = placed(link, beside)
    if place.get("id") and place.get("relativePath"):
        return _artifact(azure, str(place["id"]), str(place["relativePath"]))
    if place.get("id"):
        return _main_template(azure, str(place["id"]))
    if place.get("uri"):
        return published(azure, str(place["uri"]))
    raise AzureFailure(
        400,
        "InvalidTemplateLink",
        "The template link must name exactly one of 'uri', 'id' or a 'relativePath' below the template that uses it.",
    )


def loader_for(azure: Azure) -> Callable[[Link, Link | None], Json]:
    """What reads the linked templates of a deployment."""
    return lambda link, beside: follow(azure, link, beside)


def published(azure: Azure, uri: str) -> Json:
    """The JSON object that this world publishes under an address.

    Raises:
        AzureFailure: as `follow`.
    """
    content = azure.find_service("content")
    text = content.read(uri) if content is not None else None
    if text is None:
        raise AzureFailure(
            400,
            "InvalidContentLink",
            f"Unable to download deployment content from '{_bare(uri)}'. The tracking Id is '{azure.new_guid()}'."
            " Please see https://aka.ms/arm-deploy for usage details.",
        )
    try:
        value = parse_text(text, _bare(uri)).value
    except InputError as error:
        faults = " ".join(fault.message for fault in error.faults)
        raise AzureFailure(400, "InvalidTemplate", f"Deployment template parse failed: '{faults}'.") from error
    if not isinstance(value, dict):
        raise AzureFailure(400, "InvalidTemplate", "Deployment template parse failed: a template is an object.")
    return dict(value)


def _version(azure: Azure, spec_id: str) -> Json:
    known = azure.resources.get(spec_id)
    if known is None or _SPEC_VERSION not in spec_id.lower():
        raise AzureFailure(
            404, "TemplateSpecVersionNotFound", f"The template spec version '{spec_id}' could not be found."
        )
    properties: Json = known.body.get("properties") or {}
    return properties


def _main_template(azure: Azure, spec_id: str) -> Json:
    properties = _version(azure, spec_id)
    template = properties.get("mainTemplate", properties.get("template"))
    if not isinstance(template, dict):
        raise AzureFailure(400, "InvalidTemplate", f"The template spec version '{spec_id}' has no main template.")
    return copy.deepcopy(template)


def _artifact(azure: Azure, spec_id: str, path: str) -> Json:
    for entry in _version(azure, spec_id).get("linkedTemplates") or []:
        if str(entry.get("path", "")).lstrip("./").lower() == path.lstrip("./").lower():
            template = entry.get("template")
            return copy.deepcopy(template) if isinstance(template, dict) else dict(json.loads(str(template)))
    raise AzureFailure(
        400, "InvalidContentLink", f"The template spec version '{spec_id}' has no linked template '{path}'."
    )


def _bare(uri: str) -> str:
    """An address without its access token."""
    return uri.partition("?")[0]
