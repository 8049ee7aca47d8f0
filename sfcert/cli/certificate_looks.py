"""How are the statuses of a vault's certificates gathered? Vault and memory, for status, certificates and renew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sfcert.errors import InputError

if TYPE_CHECKING:
    from sfcert.cli.connect import Connection
    from sfcert.model.enrolment import CertificateStatus


def look_at(
    connection: Connection, vault_url: str, names: Sequence[str], state: Path | None, *, keep: bool = True
) -> list[CertificateStatus]:
    """The status of each name, or of every certificate of the vault where none is named, in the order of names.

    Args:
        keep: remember when conditions changed, for names that an enrolment is remembered for.

    Raises:
        InputError: CertificateNotFound for a name that was given and is not there.
    """
    from sfcert.azure.enrolment import AzureEnrolmentVault
    from sfcert.cli.enrolment_memory import FileMemory, default_folder
    from sfcert.enrol.status import certificate_status, with_transitions

    vault = AzureEnrolmentVault(connection.vault_requests)
    found = []
    for name in names or vault.fetch_names(vault_url):
        body = vault.fetch_certificate(vault_url, name)
        memory = FileMemory(state or default_folder(), vault_url, name)
        record = memory.load()
        if body is None and record is None:
            if not names:
                continue  # it was there when the vault was listed, and is gone
            raise InputError("CertificateNotFound", f"{vault_url} has no certificate {name}.")
        now = connection.clock.now()
        status = certificate_status(vault_url, name, body, record, now)
        if keep and record is not None:
            changed = with_transitions(record, status, now)
            if changed != record:
                memory.save(changed)
                status = certificate_status(vault_url, name, body, changed, now)
        found.append(status)
    return found
