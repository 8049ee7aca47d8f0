"""Which version is the newest? The vault tells ages in whole seconds, and knows more than it tells."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from sfcert.azure.enrolment import AzureEnrolmentVault
from sfcert.cli import connect as connecting
from tests import make
from tests.enrolments.cases import quiet
from tests.enrolments.world import World


def test_of_two_versions_of_one_second_the_vaults_own_newest_comes_first(tmp_path: Path) -> None:
    """In virtual time a renewal follows its enrolment within the second: the version before must not be judged."""
    for seed in range(4):
        with World(quiet("self", seed=seed), tmp_path / str(seed)) as world:
            world.write_policy()
            assert world.enrol().outcome == "issued"
            assert world.renew().code == 0
            stored = world.stored
            assert stored is not None
            vault = AzureEnrolmentVault(connecting.connect().vault_requests)
            body = vault.fetch_certificate(make.VAULT_URL, make.CERTIFICATE_NAME)
            assert body is not None
            order = [urlsplit(one["id"]).path.rsplit("/", 1)[-1] for one in body["versions"]]
            assert order == [one.version for one in reversed(stored.versions)]
