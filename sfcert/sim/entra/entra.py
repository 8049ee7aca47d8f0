"""Who is asking? Applications with secrets, the tokens they get, and the caller behind a token.

One tenant. The default application is the one that `sim env` hands out. Leaves out: users, consent, signatures that
others could check.

Source: "OAuth 2.0 client credentials flow", Microsoft identity platform; the endpoints that MSAL 1.39 asks for.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sfcert.sim.entra.tokens import read_token, sign_token
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.provider import Caller

#: Where Entra is found under its production names.
LOGIN_HOSTS = frozenset({"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"})
#: Audiences that Resource Manager takes.
ARM_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})
VAULT_AUDIENCE = "https://vault.azure.net"
_LIFETIME_S = 3599
#: Under the fault `short-tokens`: the SDKs renew a token that has less than five minutes left.
_SHORT_LIFETIME_S = 301


@dataclass(frozen=True, slots=True)
class Application:
    """A service principal with its one secret. The secret is worthless outside this simulator."""

    app_id: str
    object_id: str
    name: str
    secret: str

    def __repr__(self) -> str:
        return f"Application({self.name!r}, app_id={self.app_id!r})"

    @property
    def caller(self) -> Caller:
        return Caller(self.object_id, self.app_id, self.name)


class Entra:
    """The tenant's applications and tokens.

    Ids come from the seed by name, not from `azure.random`, so that adding an application moves no other choice.
    """

    def __init__(self, azure: Azure, wall: Callable[[], float]) -> None:
        self._azure = azure
        self._wall = wall
        self._key = hashlib.sha256(f"entra {azure.seed} {azure.tenant_id}".encode()).digest()
        self._applications: dict[str, Application] = {}
        self._issued = itertools.count(1)
        self.default = self.add_application("sfcert-operator")
        azure.faults.declare(
            "short-tokens",
            "Access tokens live five minutes, so that every client renews them often.",
            {"lifetime_s": "seconds of wall time (default 301)"},
        )

    def _guid(self, label: str) -> str:
        digest = hashlib.sha256(self._key + label.encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))

    def add_application(self, name: str) -> Application:
        """Register a service principal; the same name gives the same one."""
        secret = hashlib.sha256(self._key + b"secret " + name.encode()).hexdigest()[:32]
        made = Application(self._guid("app " + name), self._guid("object " + name), name, f"sim~{secret}")
        self._applications[made.app_id] = made
        return made

    def applications(self) -> tuple[Application, ...]:
        """Every application, in order of registration."""
        return tuple(self._applications.values())

    def _lifetime_s(self) -> int:
        short: dict[str, Any] | None = self._azure.switches.get("short-tokens")
        return _LIFETIME_S if short is None else int(short.get("lifetime_s", _SHORT_LIFETIME_S))

    # -- tokens -------------------------------------------------------------------------------------------------------

    def token_for(self, caller: Caller, audience: str) -> str:
        """An access token for `caller`; also how the metadata service of a virtual machine would get one."""
        now = int(self._wall())
        lifetime = self._lifetime_s()
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self._azure.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": caller.app_id,
            "app_displayname": caller.name,
            "idtyp": "app",
            "oid": caller.object_id,
            "sub": caller.object_id,
            "tid": self._azure.tenant_id,
            "ver": "1.0",
            "uti": f"{next(self._issued):08x}",
        }
        return sign_token(claims, self._key)

    def answer_token(self, tenant: str, form: dict[str, str]) -> dict[str, Any]:
        """The answer to `POST /{tenant}/oauth2/v2.0/token` for client credentials.

        Raises:
            AzureFailure: with the AADSTS code as `code`; the server renders it in OAuth's own shape.
        """
        if tenant.lower() not in {self._azure.tenant_id.lower(), "organizations", "common"}:
            raise AzureFailure(
                400,
                "AADSTS90002",
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into"
                " the correct cloud.",
                target="invalid_request",
            )
        if form.get("grant_type") != "client_credentials":
            raise AzureFailure(
                400, "AADSTS70003", "The app requested an unsupported grant type.", target="unsupported_grant_type"
            )
        application = self._applications.get(form.get("client_id", "").lower())
        if application is None:
            raise AzureFailure(
                400,
                "AADSTS700016",
                f"Application with identifier '{form.get('client_id', '')}' was not found in the directory.",
                target="unauthorized_client",
            )
        if form.get("client_secret") != application.secret:
            raise AzureFailure(401, "AADSTS7000215", "Invalid client secret provided.", target="invalid_client")
        audience = form.get("scope", "").split(" ")[0].removesuffix("/.default").rstrip("/")
        token = self.token_for(application.caller, audience or form.get("resource", "").rstrip("/"))
        lifetime = self._lifetime_s()
        return {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}

    def caller_of(self, authorization_header: str | None, audience_host: str) -> Caller:
        """The caller behind an `Authorization` header.

        Args:
            authorization_header: as received, or None where there was none.
            audience_host: the host that was asked: `management.azure.com`, a vault's host, or `localhost[:port]`.

        Raises:
            AzureFailure: 401 with Resource Manager's wording (`AuthenticationFailed`, `InvalidAuthenticationToken`,
                `ExpiredAuthenticationToken`); a vault renders its own challenge.
        """
        challenge = {
            "WWW-Authenticate": f'Bearer authorization_uri="https://login.microsoftonline.com/{self._azure.tenant_id}"'
        }
        if not authorization_header:
            raise AzureFailure(
                401,
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                headers=challenge,
            )
        scheme, _, token = authorization_header.partition(" ")
        claims = read_token(token.strip(), self._key) if scheme.lower() == "bearer" else None
        if claims is None:
            raise AzureFailure(401, "InvalidAuthenticationToken", "The access token is invalid.", headers=challenge)
        if float(claims["exp"]) < self._wall():
            raise AzureFailure(401, "ExpiredAuthenticationToken", "The access token expiry has passed.")
        audience = str(claims["aud"]).rstrip("/").lower()
        if not _is_accepted(audience, audience_host.lower()):
            raise AzureFailure(
                401,
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'.",
                headers=challenge,
            )
        return Caller(str(claims["oid"]), str(claims["appid"]), str(claims["app_displayname"]))


def _is_accepted(audience: str, host: str) -> bool:
    if host.split(":")[0] in {"localhost", "127.0.0.1"}:
        # The direct way in: one host is Resource Manager and vault at once, under a name of its own.
        return audience.startswith(("https://localhost", "https://127.0.0.1")) or audience in {
            *ARM_AUDIENCES,
            VAULT_AUDIENCE,
        }
    if host.endswith(".vault.azure.net"):
        return audience == VAULT_AUDIENCE
    if "." not in host or "://" in host:
        # An application that is an audience by itself, as a Service Fabric cluster's is: its id is given for a host.
        return host == audience
    if host == "graph.microsoft.com":
        return audience == "https://graph.microsoft.com"
    return audience in ARM_AUDIENCES
