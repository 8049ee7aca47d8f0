"""What the table of `watch` shows of each node, on what evidence, and what is left to do by hand for those behind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfcert.converge.node_table import node_table
from sfcert.converge.reboot_walk import reboot_walk
from tests import make
from tests.unit.converge.test_gates import LEAF, OTHER, PIN, edited, look, seen, with_nodes

SETS = make.scale_set_id()


def test_a_handshake_wins_over_a_health_event_and_shows_the_issuer() -> None:
    table = node_table(with_nodes(edited()[0], OTHER.thumbprint, None, served=True))
    assert [row.evidence for row in table.rows] == ["tls", "tls"]
    assert {row.presents for row in table.rows} == {LEAF.thumbprint}
    assert {row.issuer for row in table.rows} == {PIN}
    assert {row.expires_utc for row in table.rows} == {LEAF.not_after_utc}
    assert (table.level, table.presenting(LEAF.thumbprint)) == ("tls", 2)
    assert table.presenting(OTHER.thumbprint) == 0


def test_a_node_that_serves_its_leaf_alone_shows_no_issuer() -> None:
    document, _, _ = edited()
    with_nodes(document, None, served=True)
    document["runtime"]["presented"] = {key: [one[0]] for key, one in document["runtime"]["presented"].items()}
    row = node_table(seen(document)).rows[0]
    assert (row.presents, row.issuer) == (LEAF.thumbprint, None)


@pytest.mark.parametrize(
    ("shown", "level"), [((LEAF.thumbprint, None), "health"), ((None, None), "none"), ((), "none")]
)
def test_the_table_rests_on_the_best_evidence_of_any_row(shown: tuple[str | None, ...], level: str) -> None:
    table = node_table(with_nodes(edited()[0], *shown))
    assert table.level == level
    assert len(table.rows) == len(shown)
    assert table.presenting(LEAF.thumbprint) == sum(one is not None for one in shown)


def test_a_node_is_shown_with_the_machine_that_it_runs_on() -> None:
    document, _, _ = edited()
    document["vm_instances"][SETS][1]["name"] = "NT0_1"
    assert [row.instance for row in node_table(with_nodes(document, None, None)).rows] == ["0", "1"]
    del document["vm_instances"][SETS][1]["name"]
    assert [row.instance for row in node_table(with_nodes(document, None, None)).rows] == ["0", None]
    document["vm_instances"] = None
    assert [row.instance for row in node_table(with_nodes(document, None, None)).rows] == [None, None]


def test_rows_stand_by_node_type_and_name_whatever_the_order_of_the_answer() -> None:
    document, _, _ = edited()
    with_nodes(document, None, None, None)
    nodes = document["runtime"]["nodes"]
    nodes[0]["Type"], nodes[2]["Type"] = "nt1", None
    document["runtime"]["nodes"] = nodes[::-1]
    assert [row.node for row in node_table(seen(document)).rows] == ["_nt0_2", "_nt0_1", "_nt0_0"]


NEWER = make.leaf("2", not_before=make.NOW - timedelta(days=1))
ENDED = make.leaf("3", not_before=make.NOW - timedelta(hours=1), not_after=make.NOW)
STRANGE = make.leaf("4", not_before=make.NOW - timedelta(hours=2), common_name="other.example.com")


def inferred(*stored: make.Issued, by_name: bool = True, known: tuple[make.Issued, ...] | None = None) -> str | None:
    """What the first node is thought to present where its machine's store holds these."""
    listed = (NEWER, make.leaf(), ENDED, STRANGE) if known is None else known
    world = make.common_name_world(versions=listed) if by_name else make.world(versions=listed)
    document, _, _ = edited(world)
    document["node_stores"][SETS]["0"] = [one.x5t for one in stored]
    row = next(row for row in node_table(seen(document)).rows if row.instance == "0")
    assert row.evidence == ("inferred" if row.presents else "none")
    assert (row.expires_utc is None) == (row.presents is None)
    return row.presents


def test_from_a_store_the_newest_valid_certificate_that_is_declared_is_thought_to_be_presented() -> None:
    assert inferred(make.leaf(), NEWER, ENDED, STRANGE) == NEWER.thumbprint
    assert inferred(NEWER, make.leaf()) == NEWER.thumbprint
    assert inferred(STRANGE, ENDED) is None
    assert inferred(NEWER, make.leaf(), by_name=False) == LEAF.thumbprint
    assert inferred(NEWER, known=(make.leaf(),)) is None
    assert inferred() is None


def test_nothing_is_inferred_from_stores_that_were_not_seen() -> None:
    table = node_table(make.observation(has_stores=False))
    assert {(row.presents, row.evidence) for row in table.rows} == {(None, "none")}
    assert (len(table.rows), table.level) == (5, "none")
    assert [row.upgrade_domain for row in table.rows] == ["0", "1", "2", "3", "4"]


def test_the_walk_takes_one_upgrade_domain_after_the_other_and_waits_for_health_after_each() -> None:
    document, _, _ = edited()
    with_nodes(document, OTHER.thumbprint, LEAF.thumbprint, OTHER.thumbprint, None)
    steps = reboot_walk(node_table(seen(document)), LEAF.thumbprint, None)
    assert steps[0].startswith("2 of 4 nodes")
    assert "<management endpoint>" in steps[2]
    ordered = [one.strip() for one in steps[3:]]
    for domain, node in (("0", "_nt0_0"), ("2", "_nt0_2")):
        at = ordered.index(f"Upgrade domain {domain}:")
        disable, restart, enable, healthy = ordered[at + 1 : at + 5]
        assert disable.startswith(f"sfctl node disable --node-name {node} ")
        assert f"--instance-ids {domain} of node type nt0" in restart
        assert enable.startswith(f"sfctl node enable --node-name {node};")
        assert healthy.startswith("wait until the cluster's health is Ok")
    assert len(ordered) == 10


def test_a_handshake_that_shows_the_old_certificate_puts_its_node_on_the_walk() -> None:
    table = node_table(with_nodes(edited()[0], None, served=True))
    assert any("_nt0_0" in step for step in reboot_walk(table, OTHER.thumbprint, None))
    assert reboot_walk(table, LEAF.thumbprint, None) == ()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ((LEAF.thumbprint, LEAF.thumbprint), ("passed", "Holds")),
        ((LEAF.thumbprint, OTHER.thumbprint), ("open", "PresentsAnother")),
        ((LEAF.thumbprint, None), ("unknown", "NotSeen")),
        ((), ("unknown", "NotRead")),
    ],
    ids=["all", "one presents another", "one shows nothing", "no node"],
)
def test_without_handshakes_each_node_counts_by_its_health_event(
    shown: tuple[str | None, ...], expected: tuple[str, str]
) -> None:
    observation = with_nodes(edited()[0], *shown)
    found = look("nodes-serve", observation, thumbprint=LEAF.thumbprint, issuers=[PIN], level="tls")
    assert (found.state, found.reason) == expected


def test_a_handshake_with_another_certificate_keeps_the_gate_shut_although_the_health_event_is_right() -> None:
    observation = with_nodes(edited()[0], OTHER.thumbprint, OTHER.thumbprint, served=True)
    expects = {"thumbprint": OTHER.thumbprint, "level": "runtime"}
    assert look("nodes-present", observation, **expects).reason == "PresentsAnother"
    assert look("nodes-serve", observation, **expects).reason == "PresentsAnother"


def test_a_self_signed_certificate_is_pinned_by_itself() -> None:
    own = make.certificate()
    document, _, _ = edited(current=own)
    with_nodes(document, own.thumbprint, served=True)
    document["runtime"]["presented"] = {key: [own.base64_der] for key in document["runtime"]["presented"]}
    expects = {"thumbprint": own.thumbprint, "level": "tls"}
    assert look("nodes-serve", seen(document), **expects, issuers=[own.thumbprint]).state == "passed"
    assert look("nodes-serve", seen(document), **expects, issuers=[PIN]).reason == "UntrustedIssuer"
    assert look("nodes-serve", seen(document), **expects).state == "passed"


def test_a_leaf_that_is_served_alone_is_pinned_by_what_else_is_known_of_its_issuer() -> None:
    document, _, _ = edited()
    with_nodes(document, None, served=True)
    document["runtime"]["presented"] = {key: [one[0]] for key, one in document["runtime"]["presented"].items()}
    expects = {"thumbprint": LEAF.thumbprint, "level": "tls", "issuers": [PIN]}
    assert look("nodes-serve", seen(document), **expects).state == "passed"


def test_what_nodes_ought_to_present_has_to_be_known() -> None:
    found = look("nodes-present", with_nodes(edited()[0], LEAF.thumbprint), level="runtime")
    assert (found.state, found.reason) == ("unknown", "NotRead")
