"""How is an enrolment wired? Options shared by its commands, the cluster that it is for, the means of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfcert.cli.reading import read_bytes_or_input
from sfcert.cli.source import Source, node_options
from sfcert.cli.span import Span
from sfcert.cli.stacked import stacked
from sfcert.errors import InputError, SfcertError

if TYPE_CHECKING:
    from sfcert.cli.acme_wiring import AcmeDesk
    from sfcert.cli.connect import Connection
    from sfcert.enrol.expectation import Expectation
    from sfcert.enrol.ports import EnrolmentVault
    from sfcert.model.certificate import Certificate
    from sfcert.model.enrolment import Enrolled, EnrolmentPolicy
    from sfcert.model.plan import EnrolOperation
    from sfcert.model.progress import Event
    from sfcert.ports import Issuers
    from sfcert.workflows.enrolment.request import Acquire, Clean, Means

#: More would only wait for the vault's and the authority's limits.
AT_ONCE = 8

#: How long one certificate may take, and how many go on together.
patience_options = stacked(
    click.option(
        "--timeout",
        type=Span(),
        default="30m",
        show_default=True,
        metavar="DURATION",
        help="Wait so long for the vault and the authority, for each certificate; the same command goes on.",
    ),
    click.option(
        "--at-once",
        type=click.IntRange(1, 32),
        default=AT_ONCE,
        show_default=True,
        metavar="N",
        help="How many certificates are worked on side by side.",
    ),
)

vault_options = stacked(
    click.option("--vault", "vault_url", required=True, metavar="URL", help="The vault, https://NAME.vault.azure.net."),
    click.option(
        "--state",
        "state",
        type=click.Path(path_type=Path),
        metavar="DIR",
        envvar="SFCERT_STATE",
        show_envvar=True,
        help="Where enrolments are remembered between runs (default: a folder of the user's own).",
    ),
)

#: The cluster that the certificate is for, and how its nodes are reached.
gate_options = stacked(
    click.option("--for-cluster", metavar="RESOURCE_ID", help="The live cluster that it is for: the gate asks it."),
    click.option(
        "--for-bundle",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The same cluster in a world that `sfcert capture` has written.",
    ),
    click.option(
        "--issuer-pem",
        "issuer_pems",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Certificates (PEM) of those that will sign, where the gate cannot know them; repeatable.",
    ),
    click.option(
        "--accept",
        "accepted",
        multiple=True,
        metavar="ASSUMPTION_ID",
        help="Accept an assumption; only issuer-next-time is asked for here.",
    ),
    node_options,
)

#: For commands that carry out by hand what a plan's stage does.
plan_option = click.option(
    "--for-plan",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="The plan whose enrolment this is: its cluster, held to the issuers and the day that it counts on.",
)


#: What a vault answers there with is no certificate, so that one of this name could be made and never be read.
#: Source: Key Vault REST 7.5, Get Certificate Contacts, Get Certificate Issuers.
_NOT_CERTIFICATES = frozenset({"contacts", "issuers"})


@dataclass(frozen=True, slots=True)
class ForCluster:
    """What the gate's options name. At most one of cluster and bundle is set; `operation` is that of --for-plan."""

    cluster: str | None
    bundle: Path | None
    issuers: tuple[Certificate, ...]
    accepted: frozenset[str]
    source: Source | None
    operation: EnrolOperation | None = None
    may_read_secret: bool = False

    @property
    def signed_by(self) -> tuple[str, ...]:
        """Thumbprints of the certificates that are to sign, where a plan says so."""
        return self.operation.issuers if self.operation is not None else ()

    def check(self, vault_url: str, name: str) -> None:
        """Raise InputError Misuse where the plan enrols another certificate."""
        operation = self.operation
        named = f"{vault_url}/certificates/{name}"
        if operation is not None and operation.url.lower() != named.lower():
            raise InputError("Misuse", f"--for-plan: that plan enrols {operation.url}, not {named}.")


def for_cluster(options: dict[str, Any]) -> ForCluster:
    """Take the gate's options out of a command's keyword arguments. Raises click.UsageError, InputError."""
    from sfcert.enrol.prediction import ASSUMPTION

    cluster, bundle, plan = options.pop("for_cluster"), options.pop("for_bundle"), options.pop("for_plan", None)
    nodes = {name: options.pop(name) for name in ("sf_endpoint", "sf_client_certificate", "sf_aad", "read_secret")}
    accepted = frozenset(options.pop("accepted"))
    if sum(one is not None for one in (cluster, bundle, plan)) > 1:
        raise click.UsageError("Name the cluster once: --for-cluster, --for-bundle or --for-plan.")
    operation: EnrolOperation | None = None
    known: tuple[Certificate, ...] = ()
    if plan is not None:
        cluster, operation = _of_plan(plan)
        known = _known_issuers(operation)
    if accepted - {ASSUMPTION}:
        raise click.UsageError(
            f"--accept: {', '.join(sorted(accepted - {ASSUMPTION}))}: only {ASSUMPTION} is asked here."
        )
    source = None
    if cluster is not None or bundle is not None:
        source = Source(cluster=cluster, bundle=bundle, template=None, parameters=None, now=None, **nodes)
    pems = tuple(one for path in options.pop("issuer_pems") for one in read_chain_file(path))
    return ForCluster(cluster, bundle, (*known, *pems), accepted, source, operation, nodes["read_secret"])


def _of_plan(file: Path) -> tuple[str, EnrolOperation]:
    """The cluster and the enrolment of a saved plan. Raises InputError."""
    from sfcert.cli.plan_file import load_plan
    from sfcert.workflows.binding import operation_of

    plan = load_plan(file)
    operation = operation_of(plan)
    if operation is None:
        raise InputError("Misuse", f"--for-plan: no stage of {file} enrols a certificate.")
    return plan.cluster_id, operation


def _known_issuers(operation: EnrolOperation) -> tuple[Certificate, ...]:
    from sfcert.pki import read_pem_chain

    pem = operation.known_issuers_pem
    return tuple(read_pem_chain(pem.encode())) if pem is not None else ()


def expectation_for(named: ForCluster) -> Expectation | None:
    """What the named cluster takes; None where none is named."""
    if named.source is None:
        return None
    from sfcert.cli.reading import look
    from sfcert.enrol.expectation import expectation_of
    from sfcert.model.observation import PinnedName

    operation = named.operation
    if operation is None:
        return expectation_of(look(named.source))
    name = PinnedName(common_name=operation.name, issuers=operation.issuers, issuers_text=",".join(operation.issuers))
    return expectation_of(look(named.source), name=name, lives_until_utc=operation.lives_until_utc)


def read_chain_file(path: Path) -> tuple[Certificate, ...]:
    """Every certificate of a PEM, DER or PKCS #7 file; "-" is standard input. Raises InputError."""
    from sfcert.pki.aia import read_issuer_answer

    try:
        file, text = read_bytes_or_input(path)
    except OSError as error:
        raise InputError("FileUnreadable", f"{path} cannot be read: {error.strerror or error}.") from error
    if b"BEGIN CERTIFICATE REQUEST" in text or b"BEGIN NEW CERTIFICATE REQUEST" in text:
        raise InputError("NotX509", f"{file} is a signing request; what an authority signed is needed.")
    try:
        return read_issuer_answer(text)
    except ValueError as error:
        raise InputError("NotX509", f"{file} holds no X.509 certificate: {error}.") from error


def checked_vault(url: str) -> str:
    """A vault's URL without trailing slash. Raises click.UsageError where it is none."""
    from urllib.parse import urlsplit

    sentence = "--vault: a vault's address is needed, such as https://NAME.vault.azure.net"
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or parts.scheme != "https" or "@" in parts.netloc or parts.path.strip("/"):
        # whoever writes a password into an address does not want to read it again
        raise click.UsageError(f"{sentence}{'' if '@' in url else f', not {url!r}'}.")
    if parts.query or parts.fragment or not re.fullmatch(r"[0-9A-Za-z.-]+", host):
        raise click.UsageError(f"{sentence}, not {url!r}.")
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"


def checked_name(name: str) -> str:
    """A certificate's name as a vault takes it. Raises click.UsageError."""
    if not re.fullmatch(r"[0-9A-Za-z-]{1,127}", name):
        raise click.UsageError(f"{name!r} is no name of a vault certificate: letters, digits and dashes, up to 127.")
    if name.lower() in _NOT_CERTIFICATES:
        raise click.UsageError(
            f"A vault keeps its own {name.lower()} at /certificates/{name.lower()}; choose another name."
        )
    return name


def means_for(
    connection: Connection,
    vault_url: str,
    name: str,
    state: Path | None,
    policy: EnrolmentPolicy | None,
    secrets: dict[str, str] | None = None,
    tell: Callable[[Event], None] | None = None,
    desk: AcmeDesk | None = None,
    *,
    may_read_secret: bool = False,
) -> Means:
    """Ports, memory and the ACME adapter for one certificate. `secrets` are values by name, in memory only.

    Args:
        tell: hears of each step; None: a line on standard error.
        may_read_secret: a version's PFX may be opened in memory where no address tells its issuer.
        desk: the run's, where it has several certificates: they share accounts and solvers.
    """
    from sfcert.azure.enrolment import AzureEnrolmentVault
    from sfcert.cli.enrolment_memory import FileMemory, default_folder
    from sfcert.views.enrolment import event_line
    from sfcert.workflows.enrolment.request import Means

    vault = AzureEnrolmentVault(connection.vault_requests)
    acquire: Acquire | None = None
    clean: Clean | None = None
    look_ahead: Callable[[Sequence[str]], None] | None = None

    def say(event: Event) -> None:
        click.echo(event_line(event), err=True)

    tell = tell or say
    if policy is not None and policy.issuer.acme is not None:
        from sfcert.cli.acme_wiring import Account, acquire_by_acme, clean_by_acme, look_ahead_by_acme

        account = Account(vault, vault_url, policy.issuer.acme, secrets or {})
        acquire = acquire_by_acme(connection, account, name, tell, desk)
        clean = clean_by_acme(connection, account, name, tell, desk)
        look_ahead = partial(look_ahead_by_acme, connection, account)
    return Means(
        vault=vault,
        memory=FileMemory(state or default_folder(), vault_url, name),
        clock=connection.clock,
        emit=tell,
        acquire=acquire,
        clean=clean,
        look_ahead=look_ahead,
        find_issuers=issuer_finder(
            connection.issuers, pfx_of_newest(connection.issuers, vault, vault_url, name) if may_read_secret else None
        ),
    )


def of_several(
    form: str, vault_url: str, key: str, done: list[Enrolled], failed: list[tuple[str, SfcertError]]
) -> dict[str, Any]:
    """The one document of a command that worked on several certificates; what failed is in it with its token."""
    faults = [{"name": name, "token": error.token, "message": error.message} for name, error in failed]
    return {"format": form, "vault_url": vault_url, key: done, "failed": faults}


def pfx_of_newest(
    issuers: Issuers, vault: EnrolmentVault, vault_url: str, name: str
) -> Callable[[Certificate], list[bytes]]:
    """Reads the chain (DER, without the leaf) from the vault's secret of a leaf; empty where it is not the newest."""
    from sfcert.enrol.reading import latest_version, leaf_of_version, version_id

    def read(leaf: Certificate) -> list[bytes]:
        newest = latest_version(vault.fetch_certificate(vault_url, name))
        stands = leaf_of_version(newest)
        if newest is None or stands is None or stands.thumbprint != leaf.thumbprint:
            return []
        return issuers.fetch_pfx_chain(vault_url, name, version_id(newest))

    return read


def issuer_finder(
    issuers: Issuers, pfx_of: Callable[[Certificate], list[bytes]] | None = None
) -> Callable[[Certificate], tuple[Certificate, ...]]:
    """Looks for a leaf's issuers behind its own addresses, then in its PFX where that may be read; none where nothing
    answers or nothing verifies."""
    from sfcert.errors import RemoteError
    from sfcert.pki import direct_issuers, read_certificate
    from sfcert.pki.aia import issuer_addresses, read_issuer_answer

    def find(leaf: Certificate) -> tuple[Certificate, ...]:
        found: list[Certificate] = []
        for address in issuer_addresses(leaf)[:3]:
            try:
                found += read_issuer_answer(issuers.fetch_by_aia(address))
            except (RemoteError, ValueError):
                continue  # the gate says that the issuer is not known
        if pfx_of is not None and not direct_issuers(leaf, found):
            with suppress(RemoteError, ValueError):
                found += [read_certificate(one) for one in pfx_of(leaf)]
        return direct_issuers(leaf, found)

    return find
