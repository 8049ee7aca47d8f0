"""What a run that ended badly leaves for the next one: the order, the operation, the answers to challenges, the record.

Found by `python -m tests.soak_enrolments`; here each by itself, through the command line in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sfcert.azure.enrolment import AzureEnrolmentVault
from sfcert.cli import connect as connecting
from sfcert.cli.enrolment_memory import FileMemory
from sfcert.model.enrolment import EnrolmentPolicy, Issuer, Record
from sfcert.workflows.enrolment import enrol
from sfcert.workflows.enrolment.request import Means, Request
from tests import make
from tests.enrolments.authority import Whim
from tests.enrolments.cases import Way, quiet
from tests.enrolments.wire import Interruption, Killed, Process
from tests.enrolments.world import Ended, World

Opened = Callable[[Way], World]
_DAY_S = 86400.0


@pytest.fixture
def world_of(tmp_path: Path) -> Iterator[Opened]:
    """A world for this way, entered, with its policy written."""
    with ExitStack() as stack:

        def opened(way: Way) -> World:
            world = stack.enter_context(World(quiet(way), tmp_path))
            world.write_policy()
            return world

        yield opened


def record_of(world: World) -> Record:
    found = FileMemory(world.folder / "state", make.VAULT_URL, make.CERTIFICATE_NAME).load()
    assert found is not None
    return found


def killed_after(effects: int) -> Process:
    return Process(Interruption(effects - 1, is_after=True))


def test_an_order_outlives_a_refusal_that_is_not_the_authoritys(world_of: Opened) -> None:
    """Such as the vault's: whoever has given the permission runs the same command, and no second order is made."""
    world = world_of("acme-webroot")
    world.azure.faults.arm("precondition-failed", {"match": "/create", "times": 1})
    assert world.enrol().code == 1
    assert (record_of(world).step, record_of(world).request_id) == ("idle", None)
    assert world.enrol().outcome == "issued"
    assert world.ca.ledger.new_orders == 1


def test_an_order_outlives_a_request_that_the_authority_did_not_take(world_of: Opened) -> None:
    world = world_of("acme-webroot")
    world.ca.whims = [Whim("bad-nonce", 10, path="/challenge")]
    assert world.enrol().token == "AcmeOrderFailed"
    assert world.enrol().outcome == "issued"
    assert world.ca.ledger.new_orders == 1


def test_an_order_that_the_authority_ended_is_not_kept(world_of: Opened) -> None:
    world = world_of("acme-webroot")
    world.ca.whims = [Whim("caa", 1)]
    assert world.enrol().token == "AcmeCaaForbids"
    assert record_of(world).order is None
    assert world.enrol().outcome == "issued"


def test_an_operation_of_ones_own_stays_ones_own_where_the_vault_refuses_a_look(world_of: Opened) -> None:
    world = world_of("by-hand")
    world.azure.faults.arm("token-expired", {"match": "/pending", "times": 3})
    first = world.enrol()
    assert (first.code, first.token) == (1, "PermissionDenied")
    assert world.is_open
    again = world.enrol()
    assert again.outcome == "waiting"
    assert again.effects == ("record",)


@pytest.mark.parametrize("fault", ["answer-lost", "answer-cut"])
def test_a_merge_whose_answer_was_lost_is_done(world_of: Opened, fault: str) -> None:
    world = world_of("acme-webroot")
    world.azure.faults.arm(fault, {"match": "/merge", "times": 1})
    assert world.enrol().outcome == "issued"
    kept = record_of(world)
    assert (kept.step, kept.failures) == ("idle", ())
    # what the authority said of the new version, for its renewal
    assert kept.ari_id is not None
    assert world.versions == 1


def test_a_merge_that_the_vault_refused_is_no_success(world_of: Opened) -> None:
    world = world_of("acme-webroot")
    world.azure.faults.arm("precondition-failed", {"match": "/merge", "times": 1})
    assert world.enrol().code == 1
    assert (world.versions, world.is_open) == (0, False)


def test_what_the_policy_says_by_now_is_written_once_the_request_of_before_has_come(world_of: Opened) -> None:
    world = world_of("self")
    # the request is made, and its id kept
    assert world.enrol(process=killed_after(3)).code is None
    world.write_policy(tags={"team": "core"}, validity_months=4)
    done = world.enrol()
    assert done.outcome == "issued", done.err
    assert [one["path"] for one in done.document["changes"]] == ["tags.team"]
    stored = world.stored
    assert stored is not None
    assert [one.tags for one in stored.versions] == [{"team": "core"}]
    assert world.enrol().effects == ()


def test_the_renewal_that_a_plan_holds_back_stays_held_where_its_request_has_come_meanwhile(world_of: Opened) -> None:
    world = world_of("self")
    vault = AzureEnrolmentVault(connecting.connect().vault_requests)
    memory = FileMemory(world.folder / "state", make.VAULT_URL, make.CERTIFICATE_NAME)
    policy = EnrolmentPolicy(
        subject=f"CN={make.COMMON_NAME}", dns_names=(make.COMMON_NAME,), issuer=Issuer(name="Self"), tags={"a": "b"}
    )
    request = Request(vault_url=make.VAULT_URL, name=make.CERTIFICATE_NAME, policy=policy, holds_renewal=True)
    means = Means(vault=vault, memory=memory, clock=world.clock, emit=lambda _: None)
    with world.wire.run(killed_after(3)), pytest.raises(Killed):
        enrol(request, means)
    assert enrol(request, means).outcome == "issued"
    stored = world.stored
    assert stored is not None
    assert [one["action"]["action_type"] for one in stored.policy["lifetime_actions"]] == ["EmailContacts"]


@pytest.mark.parametrize("way", ["acme-dns", "acme-webroot"])
@pytest.mark.parametrize("then", ["enrol", "renew --due"])
def test_what_could_not_be_taken_away_goes_with_the_next_run_due_or_not(
    world_of: Opened, monkeypatch: pytest.MonkeyPatch, way: Way, then: str
) -> None:
    """ "The next run removes it" is what was said of it."""
    world = world_of(way)
    if way == "acme-dns":
        world.azure.faults.arm("precondition-failed", {"match": "/TXT/", "method": "DELETE"})
    else:
        monkeypatch.setattr(Path, "unlink", _refused)
    done = world.enrol()
    assert done.outcome == "issued"
    assert "The next run removes it." in done.err
    assert len(world.texts() + world.files()) == len(record_of(world).placed) == 1
    world.azure.faults.disarm("precondition-failed")
    monkeypatch.undo()
    ended = world.enrol() if then == "enrol" else world.renew("--due")
    assert ended.code == 0
    assert world.texts() + world.files() == []
    assert record_of(world).placed == ()
    assert world.versions == 1


def _refused(path: Path, missing_ok: bool = False) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_timer_goes_on_with_what_was_begun_once_it_need_not_wait_any_more(world_of: Opened) -> None:
    """Else a person who asks for a new version months later is given that one as if it were new."""
    world = world_of("self")
    assert world.enrol().outcome == "issued"
    world.azure.faults.arm("server-error", {"match": "/pending", "after": 2})
    assert world.renew().code == 1
    world.azure.faults.disarm("server-error")
    assert record_of(world).step != "idle"
    world.clock.sleep(60)
    assert "waits after 1 failure" in world.renew("--due").err
    assert record_of(world).step != "idle"
    world.clock.sleep(2 * _DAY_S)
    assert world.renew("--due").code == 0
    assert (record_of(world).step, world.versions) == ("idle", 2)
    assert world.renew().code == 0
    assert world.versions == 3


@pytest.mark.parametrize("way", ["integrated", "by-hand", "acme-webroot"])
def test_a_change_whose_request_came_to_nothing_is_asked_for_again(world_of: Opened, way: Way) -> None:
    """The vault takes the new policy with the request: that it stands there does not mean that its certificate does."""
    world = world_of(way)

    def enrolled(brought: str = "good") -> Ended:
        ended = world.enrol()
        if ended.outcome != "waiting":
            return ended
        world.sign(brought)
        return world.merge()

    assert enrolled().outcome == "issued"
    world.write_policy(dns_names=["added.fabric.example.com"])
    world.azure.faults.arm("vault-issuer-refuses", {})
    world.ca.whims = [Whim("chain other key", 1)]
    assert enrolled("other key").code != 0
    world.azure.faults.disarm("vault-issuer-refuses")
    assert world.versions == 1
    planned = world.enrol("--dry-run").document
    assert [one["path"] for one in planned["changes"]] == ["x509_props.sans.dns_names"]
    assert enrolled().outcome == "issued"
    assert world.versions == 2
    assert enrolled().outcome == "unchanged"
