"""Where does a certificate policy come from? A file, cert-manager's manifests, or single options of the command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfcert.cli.acme_options import ACME_NAMES, ACME_OPTIONS, acme_of, with_files_from
from sfcert.cli.reading import read_text, read_text_or_input
from sfcert.cli.stacked import stacked
from sfcert.errors import InputError

if TYPE_CHECKING:
    from sfcert.model.enrolment import EnrolmentPolicy


@dataclass(frozen=True, slots=True)
class Asked:
    """One certificate that is asked for. `secrets` and `issuer_password` stay in memory and in no repr."""

    name: str
    policy: EnrolmentPolicy
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    issuer_password: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


#: All that may say what is asked for.
policy_options = stacked(
    click.option(
        "--policy",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="What the certificate shall be: a policy, sfcert.policy/1 (YAML).",
    ),
    click.option(
        "--manifest",
        "manifests",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE|-",
        help="Manifests of cert-manager; '-' is standard input. NAME then names one Certificate, else all are taken.",
    ),
    click.option("--subject", metavar="NAME", help="The subject, such as CN=shop.fabric.example.com."),
    click.option(
        "--dns-name",
        "dns_names",
        multiple=True,
        metavar="NAME",
        help="A DNS name beside the subject's own; repeatable.",
    ),
    click.option(
        "--issuer", metavar="NAME", help="Self, Unknown (signed by hand), acme, or an issuer of the vault by name."
    ),
    click.option(
        "--issuer-provider",
        metavar="NAME",
        help="DigiCert, GlobalSign …, where the vault has no issuer of that name yet.",
    ),
    click.option("--issuer-account", metavar="ID", help="The account at that provider."),
    click.option("--issuer-organization", metavar="ID", help="The organisation that the provider has vetted."),
    click.option(
        "--issuer-password-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The account's password or API key; read once, for the vault alone.",
    ),
    *ACME_OPTIONS,
    click.option("--validity-months", type=int, metavar="N", help="How long it shall live. Default 4."),
    click.option("--key-type", type=click.Choice(["RSA", "RSA-HSM", "EC", "EC-HSM"]), help="Default RSA."),
    click.option("--key-size", type=click.Choice(["2048", "3072", "4096"]), help="Default 2048."),
    click.option("--curve", type=click.Choice(["P-256", "P-384", "P-521"]), help="Of an EC key, which needs one."),
    click.option("--reuse-key/--new-key", default=None, help="Default: a new key with each version."),
    click.option("--not-exportable", is_flag=True, help="The key never leaves the vault: of no use on machines."),
    click.option(
        "--eku",
        "ekus",
        multiple=True,
        metavar="USAGE",
        help="server_auth, client_auth or a dotted id; repeatable. Default: both.",
    ),
    click.option(
        "--renew-at", "renew_at", type=int, metavar="PERCENT", help="Renew at this share of the life. Default 75."
    ),
    click.option(
        "--renew-before",
        "renew_before",
        type=int,
        metavar="DAYS",
        help="Instead of --renew-at: so many days before the end.",
    ),
    click.option("--renew-by", type=click.Choice(["vault", "sfcert"]), help="Who renews. Default: the vault."),
    click.option(
        "--content-type",
        type=click.Choice(["application/x-pkcs12", "application/x-pem-file"]),
        help="How the vault keeps it. Default PKCS #12, as cluster nodes need.",
    ),
    click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="On every version; repeatable."),
)
_NAMES = (
    "subject",
    "dns_names",
    "issuer",
    "issuer_provider",
    "issuer_account",
    "issuer_organization",
    "issuer_password_file",
    *ACME_NAMES,
    "validity_months",
    "key_type",
    "key_size",
    "curve",
    "reuse_key",
    "not_exportable",
    "ekus",
    "renew_at",
    "renew_before",
    "renew_by",
    "content_type",
    "tags",
)


def asked_for(name: str | None, options: dict[str, Any]) -> tuple[Asked, ...]:
    """Take the policy's options out of a command's keyword arguments; at least one certificate.

    Raises:
        click.UsageError: none or several of the three ways are used. InputError: what was given cannot be used.
    """
    file, manifests = options.pop("policy"), options.pop("manifests")
    single = {key: options.pop(key) for key in _NAMES}
    password = _password(single.pop("issuer_password_file"))
    given = {
        key: value
        for key, value in single.items()
        # nought is an answer too, and is refused as one
        if value is not None and value != () and (value is not False or key == "reuse_key")
    }
    if (file is not None) + bool(manifests) + bool(given) != 1:
        raise click.UsageError(
            "Say what is asked for in one way: --policy FILE, --manifest FILE, or --subject and --issuer."
        )
    if manifests:
        if password is not None:
            raise click.UsageError("--issuer-password-file does not go with manifests; name the issuer by --policy.")
        return _from_manifests(name, manifests)
    if name is None:
        raise click.UsageError("NAME is needed: the certificate's name in the vault.")
    from sfcert.enrol.policy import policy_of, read_policy

    if file is not None:
        policy = with_files_from(read_policy(read_text(file), str(file)), file.parent)
    else:
        policy = with_files_from(policy_of(_plain(given), "the command line"), Path.cwd())
    if password is not None and policy.issuer.account_id is None:
        raise click.UsageError(
            "--issuer-password-file holds an account's password: name the account too, by --issuer-account, or by "
            "account_id in the policy."
        )
    return (Asked(name, policy, issuer_password=password),)


def _is_new_key(key: str, value: Any) -> bool:
    return key == "reuse_key" and value is False


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    """Single options as the policy file would have them; what was not given is left out."""
    found: dict[str, Any] = {}
    for name in ("subject", "validity_months", "content_type"):
        if name in given:
            found[name] = given[name]
    for name in ("dns_names", "ekus"):
        if name in given:
            found[name] = list(given[name])
    issuer = {
        key: given[option]
        for key, option in (
            ("name", "issuer"),
            ("provider", "issuer_provider"),
            ("account_id", "issuer_account"),
            ("organization_id", "issuer_organization"),
        )
        if option in given
    }
    acme = acme_of(given)
    if acme and "directory" not in acme:
        raise click.UsageError("What asks an authority by ACME needs --acme-directory URL, and --issuer acme.")
    if acme:
        issuer["acme"] = acme
    if issuer:
        found["issuer"] = issuer
    key = {name: given[f"key_{name}"] for name in ("type",) if f"key_{name}" in given}
    if "key_size" in given:
        key["size"] = int(given["key_size"])
    if "curve" in given:
        key["curve"] = given["curve"]
    if "reuse_key" in given:
        key["reuse"] = given["reuse_key"]
    if "not_exportable" in given:
        key["exportable"] = False
    if key:
        found["key"] = key
    renewal = {
        name: given[option]
        for name, option in (
            ("lifetime_percentage", "renew_at"),
            ("days_before_expiry", "renew_before"),
            ("by", "renew_by"),
        )
        if option in given
    }
    if renewal:
        found["renewal"] = renewal
    if "tags" in given:
        pairs = [one.partition("=") for one in given["tags"]]
        if any(not equals for _, equals, _ in pairs):
            raise click.UsageError("--tag: KEY=VALUE is needed.")
        if len({key for key, _, _ in pairs}) < len(pairs):
            raise click.UsageError("--tag: a key is given twice.")
        found["tags"] = {key: value for key, _, value in pairs}
    return found


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    password = read_text(file).strip()
    if not password:
        raise InputError("FileUnreadable", f"{file} is empty; the account's password is needed in it.")
    return password


def _from_manifests(name: str | None, files: tuple[Path, ...]) -> tuple[Asked, ...]:
    from sfcert.enrol.manifests import read_manifests

    if sum(str(path) == "-" for path in files) > 1:
        raise click.UsageError("--manifest: standard input can be read once.")
    found = read_manifests([read_text_or_input(path) for path in files])
    wanted = [one for one in found if name is None or one.name.lower() == name.lower()]
    if not wanted:
        names = ", ".join(one.name for one in found) or "none"
        raise InputError(
            "ManifestInvalid", f"The manifests ask for no certificate {name or ''}; they ask for: {names}."
        )
    return tuple(Asked(one.name, one.policy, secrets=one.secrets, notes=one.notes) for one in wanted)
