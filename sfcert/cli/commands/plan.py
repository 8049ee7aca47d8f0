"""`sfcert plan`: dry run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfcert import __version__
from sfcert.cli.output import answer, form_option, write_whole
from sfcert.cli.page import page_of_terminal
from sfcert.cli.reading import look
from sfcert.cli.shipped import playbooks_folder, templates_folder
from sfcert.cli.source import source_of, source_options

if TYPE_CHECKING:
    from sfcert.model.certificate import Certificate
    from sfcert.model.enrolment import EnrolmentPolicy
    from sfcert.sources.live import CaptureOptions

#: Written down, so that the help needs no look at the disk; a test holds it to the folder.
SHIPPED_PLAYBOOKS = (
    "add-certificate",
    "change-issuer",
    "cleanup",
    "client-certificates",
    "recover-expired",
    "reverse-proxy-to-common-name",
    "rotate-by-thumbprint",
    "thumbprint-to-common-name",
    "thumbprint-to-common-name-single",
)
_STATUS_EXIT = {"nothing-to-do": 0, "ready": 2, "blocked": 3}


def _certificates(values: tuple[str, ...]) -> dict[str, str]:
    """`[NODETYPE=]URL` options as node type -> URL, "*" for the one that names no node type."""
    found: dict[str, str] = {}
    for value in values:
        head, equals, tail = value.partition("=")
        node_type, url = (head, tail) if equals and not head.startswith("https:") else ("*", value)
        if node_type in found:
            raise click.UsageError(f"--certificate names {node_type} twice.")
        found[node_type] = url
    return found


def _pinned(values: str | None) -> tuple[str, ...]:
    from sfcert.model.ids import normal_thumbprint

    try:
        return tuple(normal_thumbprint(one) for one in (values or "").split(",") if one.strip())
    except ValueError as error:
        raise click.UsageError(f"--issuer-thumbprints: {error}") from error


@click.command("plan", epilog="\b\nPlaybooks:\n  " + "\n  ".join(SHIPPED_PLAYBOOKS))
@source_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The plan to write; without it the review is only printed.",
)
@click.option(
    "--playbook",
    default="thumbprint-to-common-name",
    show_default=True,
    metavar="NAME",
    help="What to lead to: a playbook of those below, or of --playbooks.",
)
@click.option("--common-name", metavar="CN", help="The name to declare (default: the goal certificate's own).")
@click.option(
    "--issuer-thumbprints",
    metavar="A,B",
    help="Direct issuers to pin, SHA-1 in hex, beside the one that was verified; for change-issuer those that stay.",
)
@click.option(
    "--certificate",
    "certificates",
    multiple=True,
    metavar="[NODETYPE=]URL",
    help="The vault certificate to lead to, https://…/certificates/NAME (default: the one in use); "
    "repeatable, one for each node type; for client-certificates any label takes the place of NODETYPE.",
)
@click.option(
    "--certificate-pem",
    "pems",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A public certificate, then its chain (PEM), where nothing that was read shows it.",
)
@click.option(
    "--enrol-policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask for the goal as a stage of the plan, by this policy (sfcert.policy/1), where it is not there yet.",
)
@click.option(
    "--identity",
    metavar="RESOURCE_ID",
    help="The user-assigned identity by which machines fetch (default: the one in use, else the plan creates one).",
)
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="ASSUMPTION_ID",
    help="Accept an assumption that the plan names; repeatable.",
)
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Also write the review as one HTML file.")
@click.option("--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Also write it as Markdown.")
@form_option
@click.option(
    "--playbooks",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of playbooks, instead of the shipped ones.",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of templates, instead of the shipped ones.",
)
def command(
    output: Path | None,
    playbook: str,
    common_name: str | None,
    issuer_thumbprints: str | None,
    certificates: tuple[str, ...],
    pems: tuple[Path, ...],
    enrol_policy: Path | None,
    identity: str | None,
    accepted: tuple[str, ...],
    html: Path | None,
    markdown: Path | None,
    form: str,
    playbooks: Path | None,
    templates: Path | None,
    **options: Any,
) -> int:
    """Plan the change as stages, prove them, and print the review. Touches nothing.

    Ends with 0 where there is nothing to do, 2 where there are changes, 3 where the plan is blocked.
    """
    from sfcert.cli.planned import plan_for
    from sfcert.model.codec import pretty
    from sfcert.planning.inputs import Inputs
    from sfcert.views.plan import plan_human, plan_markdown

    source = source_of(options)
    given = _certificates(certificates)
    chains = _chains(pems)
    policy = _policy(enrol_policy)
    observation = look(source, _wanted(given, identity, chains) if source.cluster else None)
    inputs = Inputs(
        playbook=playbook,
        common_name=common_name,
        issuer_thumbprints=_pinned(issuer_thumbprints),
        certificates=given,
        certificate_pems=chains,
        identity_id=identity,
        accepted=tuple(sorted(set(accepted))),
        enrolment=_settled(policy, observation.cluster.id) if policy is not None else None,
    )
    now = source.now or (observation.observed_at_utc if source.bundle or source.cluster else datetime.now(UTC))
    plan = plan_for(
        observation,
        inputs,
        now=now,
        playbooks=playbooks_folder(playbooks),
        templates=templates_folder(templates),
        version=__version__,
    )
    if output is not None:
        write_whole(output, pretty(plan))
    if html is not None:
        from sfcert.views.plan_page import plan_html

        write_whole(html, plan_html(plan))
    if markdown is not None:
        write_whole(markdown, plan_markdown(plan))
    if form == "json":
        answer(pretty(plan))
    else:
        answer(plan_human(plan, file=str(output) if output else None, page=page_of_terminal()))
    return _STATUS_EXIT[plan.status]


def _policy(file: Path | None) -> EnrolmentPolicy | None:
    """The policy of the certificate to be enrolled, its files as absolute paths: it may be applied in another folder.

    Raises:
        InputError: FileUnreadable, PolicyInvalid, FormatTooNew.
    """
    if file is None:
        return None
    from sfcert.cli.acme_options import with_files_from
    from sfcert.cli.reading import read_text
    from sfcert.enrol.policy import read_policy

    return with_files_from(read_policy(read_text(file), str(file)), file.parent)


def _settled(policy: EnrolmentPolicy, cluster_id: str) -> EnrolmentPolicy:
    """The policy with the subscription of its Azure DNS zones written out: a plan says where it will write.

    The variable's, as everywhere, else that of the cluster.
    """
    import os

    from msgspec.structs import replace

    from sfcert.model.ids import parse_resource_id

    acme = policy.issuer.acme
    if acme is None:
        return policy
    subscription = os.environ.get("AZURE_SUBSCRIPTION_ID") or parse_resource_id(cluster_id).subscription
    solvers = tuple(
        replace(one, settings={"subscription_id": subscription, **one.settings}) if one.kind == "azure-dns" else one
        for one in acme.solvers
    )
    return replace(policy, issuer=replace(policy.issuer, acme=replace(acme, solvers=solvers)))


def _wanted(certificates: dict[str, str], identity: str | None, chains: tuple[Certificate, ...]) -> CaptureOptions:
    """What a live capture has to read beside what the cluster itself refers to."""
    from sfcert.sources.live import CaptureOptions

    return CaptureOptions(
        certificate_urls=tuple(sorted(set(certificates.values()))),
        identity_ids=(identity,) if identity else (),
        given=chains,
    )


def _chains(pems: tuple[Path, ...]) -> tuple[Certificate, ...]:
    """The certificates of `--certificate-pem` files, leaf and chain, in their order. Raises InputError NotX509."""
    from sfcert.errors import InputError
    from sfcert.pki import read_pem_chain

    found: list[Certificate] = []
    for path in pems:
        try:
            found += read_pem_chain(path.read_bytes())
        except OSError as error:
            raise InputError("FileUnreadable", f"{path} cannot be read: {error.strerror or error}.") from error
        except ValueError as error:
            raise InputError("NotX509", f"{path} holds no X.509 certificate, neither PEM nor DER.") from error
    return tuple(found)
