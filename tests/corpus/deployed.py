"""How does a published template come into the embedded Azure? With a vault, and values where it asks for them.

Values are taken from the parameter file beside the template; what is a placeholder there ("thumbprint value",
`GEN-PASSWORD`) or a thing of somebody else's subscription (a certificate, a vault, a place) is filled in with one that
exists in this world. Nothing of a template itself is touched.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sfcert.arm import is_expression, parse_text
from sfcert.arm.parameters import parameters_of
from sfcert.errors import InputError
from sfcert.sim.assemble import build
from sfcert.sim.entra import Entra
from sfcert.sim.front import ArmFront, Reply, Request
from sfcert.sim.worlds.build import operator_of, put

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
LOCATION = "westeurope"
_HEX = re.compile(r"[0-9A-Fa-f]{40}")
_KINDS = {"string": str, "securestring": str, "int": int, "bool": bool, "array": list, "object": dict}
Json = dict[str, Any]


class World:
    """An empty group, and a vault with two certificates that virtual machines may be given."""

    def __init__(self, seed: int = 5) -> None:
        self.azure = build(start=START, seed=seed, tempo="manual")
        entra = self.azure.service("entra", Entra)
        self._token = entra.token_for(entra.default.caller, "https://management.azure.com")
        self.group = f"/subscriptions/{self.azure.subscription_id}/resourceGroups/rg"
        self.call("PUT", self.group, {"location": LOCATION})
        self.vault_id = f"{self.group}-vault/providers/Microsoft.KeyVault/vaults/kv-corpus"
        self.call("PUT", f"{self.group}-vault", {"location": LOCATION})
        properties = {
            "tenantId": self.azure.tenant_id,
            "sku": {"family": "A", "name": "standard"},
            "enabledForDeployment": True,
            "enableRbacAuthorization": True,
        }
        caller = operator_of(self.azure)
        put(self.azure, self.vault_id, "2023-07-01", {"location": LOCATION, "properties": properties}, caller)
        dates = {"not_before": START - timedelta(days=30), "not_after": START + timedelta(days=335)}
        self.certificates: list[tuple[str, str]] = []
        for name in ("first", "second"):
            issued = self.azure.find_service("authority").self_signed(f"{name}.example", [], key_type="EC", **dates)
            url = "https://kv-corpus.vault.azure.net"
            kept = self.azure.find_service("vaults").import_version(url, name, issued, created=START)
            self.certificates.append((kept.thumbprint, f"{url}/secrets/{name}/{kept.version}"))

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        path = path.removeprefix("https://management.azure.com").partition("?")[0]
        headers = {"authorization": f"Bearer {self._token}"}
        query = {"api-version": "2025-04-01"}
        asked = Request(method, path, query=query, headers=headers, body=copy.deepcopy(body))
        return self.azure.service("arm", ArmFront).handle(asked)

    def deploy(self, template: Json, given: Json, name: str = "corpus") -> Outcome:
        """Put the template on the group, and wait until its deployment has ended."""
        url = f"{self.group}/providers/Microsoft.Resources/deployments/{name}"
        answer = self.call("PUT", url, _request(template, given))
        if answer.status >= 400:
            return Outcome("Refused", answer.body["error"])
        for _ in range(48):
            self.azure.clock.advance(1800)
            properties = self.call("GET", url).body["properties"]
            if properties["provisioningState"] not in ("Accepted", "Running"):
                break
        return Outcome(properties["provisioningState"], properties.get("error") or {})

    def what_if(self, template: Json, given: Json, **more: Any) -> list[Json]:
        """The changes that the same template would make now."""
        url = f"{self.group}/providers/Microsoft.Resources/deployments/again/whatIf"
        answer = self.call("POST", url, _request(template, given, **more))
        assert answer.status == 202, answer.body
        self.azure.clock.advance(60)
        done = self.call("GET", answer.headers["Location"])
        assert done.status == 200, done.body
        changes: list[Json] = done.body["properties"]["changes"]
        return changes

    def values_for(self, template: Json, file_values: Json) -> Json:
        """A value for each parameter that needs one: the file's where it can stand here, else one that fits."""
        found: Json = {}
        for name, declaration in (template.get("parameters") or {}).items():
            known = next((value for key, value in file_values.items() if key.lower() == name.lower()), None)
            default = declaration.get("defaultValue")
            computed = isinstance(default, str) and is_expression(default)
            wanted = self._of_this_world(name, declaration)
            if wanted is not None and not computed:
                found[name] = {"value": wanted}
            elif known is not None and _fits(known, declaration):
                found[name] = {"value": known}
            elif default is None and declaration.get("nullable"):
                continue
            elif default is None or not (computed or default == "" or _fits(default, declaration)):
                found[name] = {"value": _invented(name, declaration)}
        return found

    def _of_this_world(self, name: str, declaration: Json) -> Any:
        """What a parameter of that name must point at so that it exists; None where anything will do."""
        low = name.lower()
        if "allowedValues" in declaration or str(declaration.get("type", "")).lower() not in ("string", "securestring"):
            return None
        thumbprint, url = self.certificates[1 if low.startswith("sec") else 0]
        if "thumbprint" in low and "issuer" not in low:
            return thumbprint
        if "certificateurl" in low:
            return url
        if "sourcevault" in low:
            return self.vault_id
        return LOCATION if _is_place(name) else None


@dataclass(frozen=True)
class Outcome:
    """How a deployment ended: its state (`Refused` where it never began), and the vendor's error."""

    state: str
    error: Json

    def codes(self) -> list[str]:
        """The error's codes, outermost first."""
        return list(_codes(self.error))

    def messages(self) -> str:
        return " | ".join(_messages(self.error))


def _codes(error: Json) -> Iterator[str]:
    if error.get("code"):
        yield str(error["code"])
    for detail in error.get("details") or []:
        yield from _codes(detail)


def _messages(error: Json) -> Iterator[str]:
    yield str(error.get("message", ""))
    for detail in error.get("details") or []:
        yield from _messages(detail)


def _request(template: Json, given: Json, **more: Any) -> Json:
    return {"properties": {"mode": "Incremental", "template": template, "parameters": given, **more}}


def _is_place(name: str) -> bool:
    return name.lower().endswith("location")


def _fits(value: Any, declaration: Json) -> bool:
    """Whether a file's value is one, and no placeholder that the author left for others to fill in."""
    if isinstance(value, str) and (not value or value.startswith("GEN-") or " value" in value):
        return False
    kind = _KINDS.get(str(declaration.get("type", "")).lower(), object)
    allowed = declaration.get("allowedValues")
    if not isinstance(value, kind) or allowed is None:
        return isinstance(value, kind)
    return all(one in allowed for one in value) if isinstance(value, list) else value in allowed


def _invented(name: str, declaration: Json) -> Any:
    if declaration.get("allowedValues"):
        return declaration["allowedValues"][0]
    kind = str(declaration.get("type", "")).lower()
    if kind in ("string", "securestring"):
        return "Hush-hush-12345" if "password" in name.lower() else "corpus"
    return {"int": 5, "bool": True, "array": [], "object": {}, "secureobject": {}}[kind]


def templates() -> list[Path]:
    """Every file of the corpus that is meant as a template, broken ones too."""
    found = []
    for path in sorted(CORPUS.glob("*/*.json")):
        if "parameter" in path.stem.lower():
            continue
        try:
            value = parse_text(path.read_bytes(), path.name).value
        except InputError:
            found.append(path)
            continue
        if isinstance(value, dict) and "resources" in value:
            found.append(path)
    return found


def file_values(template: Path) -> Json:
    """The values of the parameter file beside a template; empty where there is none."""
    for other in sorted(CORPUS.glob("*/*.json")):
        stem = re.sub(r"[._]?parameters?", "", other.stem, flags=re.IGNORECASE).lower()
        stem = re.sub(r"(windows|linux)~$", r"\1~template", stem)
        if "parameter" in other.stem.lower() and stem == template.stem.lower():
            return {name: one.value for name, one in parameters_of(parse_text(other.read_bytes(), other.name)).items()}
    return {}
