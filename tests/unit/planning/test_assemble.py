"""What comes out as a plan, whatever goes in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from sfcert.errors import InputError
from sfcert.model.codec import canonical, digest_of, read_plan
from sfcert.model.finding import Finding
from sfcert.planning.inputs import Inputs, checked
from sfcert.sources.bundle import load_bundle
from tests import make
from tests.planning.worlds import PLAYBOOKS, TEMPLATES, plan_of

WORLDS = {
    "healthy-thumbprint": ("ready", "proved"),
    "healthy-common-name": ("nothing-to-do", "proved"),
    "renewed-by-unpinned-issuer": ("blocked", None),
    "upgrade-service-unreachable": ("blocked", None),
    "vault-unreadable": ("blocked", None),
    "vault-is-ahead-of-the-declaration": ("ready", "proved"),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_captured_worlds_come_out_as_their_page_says(name: str, shared: Path) -> None:
    bundle = load_bundle(shared / "examples/bundles" / f"{name}.json")
    plan = plan_of(bundle, now=bundle.captured_at_utc)
    status, verdict = WORLDS[name]
    assert plan.status == status, plan.blocked_by
    assert verdict is None or plan.proof.verdict == verdict


def test_the_newest_certificate_is_declared_by_thumbprint_before_the_name(shared: Path) -> None:
    bundle = load_bundle(shared / "examples/bundles/vault-is-ahead-of-the-declaration.json")
    plan = plan_of(bundle, now=bundle.captured_at_utc)
    ids = [stage.id for stage in plan.stages]
    assert plan.goal is not None
    introduced = next(one for one in ids if one.startswith("50-1-add") and one.endswith("cluster"))
    assert plan.goal.thumbprint[:8] in introduced
    assert ids.index(introduced) < ids.index("60-declare-common-name")


def test_equal_inputs_give_an_equal_digest() -> None:
    first, second = plan_of(make.bundle()), plan_of(make.bundle())
    assert first.digest == second.digest == digest_of(first)
    assert canonical(first) == canonical(second)


def test_another_instant_gives_another_digest() -> None:
    assert plan_of(make.bundle()).digest != plan_of(make.bundle(), now=make.NOW + timedelta(hours=1)).digest


def test_a_plan_survives_its_file() -> None:
    plan = plan_of(make.bundle())
    assert read_plan(canonical(plan), "plan.json") == plan


def test_a_finding_that_blocks_a_plan_blocks_it() -> None:
    finding = Finding(
        rule="some-rule",
        verdict="unknown",
        severity="error",
        blocks_plan=True,
        subject="x",
        reason="R",
        message="It is not known.",
        remedy="Read it.",
        evidence={},
    )
    plan = plan_of(make.bundle(), findings=(finding,))
    assert plan.status == "blocked"
    assert any("some-rule" in one for one in plan.blocked_by)
    harmless = replace(finding, blocks_plan=False)
    assert plan_of(make.bundle(), findings=(harmless,)).status == "ready"


def test_the_issuer_may_come_with_the_certificate_in_hand() -> None:
    document = make.document(make.world())
    leaf = make.leaf()
    document["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["versions"][0]["chain"] = []
    inputs = Inputs(certificate_pems=(leaf.facts, *(one.facts for one in leaf.chain)))
    plan = plan_of(make.from_document(document), inputs)
    assert plan.goal is not None
    assert plan.goal.issuer_thumbprints == (leaf.chain[0].thumbprint,)
    assert plan.goal.issuer_source == "given with --certificate-pem"


def test_every_known_certificate_of_the_issuers_key_is_pinned() -> None:
    one = make.authority("Twin CA", key_label="twin", root="Root one")
    other = make.authority("Twin CA", key_label="twin", root="Root two")
    leaf = make.certificate(issuer=one, key_label="leaf-1")
    document = make.document(make.world(current=leaf))
    inputs = Inputs(certificate_pems=(other.facts,))
    plan = plan_of(make.from_document(document), inputs)
    assert plan.goal is not None
    assert set(plan.goal.issuer_thumbprints) == {one.thumbprint, other.thumbprint}


def test_given_pins_come_first_and_keep_their_order() -> None:
    plan = plan_of(make.bundle(), Inputs(issuer_thumbprints=("AB" * 20, "cd" * 20)))
    assert plan.goal is not None
    assert plan.goal.issuer_thumbprints[:2] == ("AB" * 20, "CD" * 20)
    assert plan.goal.issuer_thumbprints[2] == make.leaf().chain[0].thumbprint


def test_bad_inputs_are_told_all_at_once() -> None:
    inputs = Inputs(
        issuer_thumbprints=("xyz",), certificates={"*": "ftp://x"}, identity_id="nobody", accepted=("whatever",)
    )
    with pytest.raises(InputError) as caught:
        checked(inputs)
    assert caught.value.token == "Misuse"
    assert len(caught.value.faults) == 4


def test_an_unknown_playbook_is_answered_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="thumbprint-to-common-name-single") as caught:
        plan_of(make.bundle(), Inputs(playbook="other"))
    assert caught.value.token == "PlaybookInvalid"


def test_a_playbook_with_names_of_its_own_is_refused(tmp_path: Path) -> None:
    text = (PLAYBOOKS / "thumbprint-to-common-name.yaml").read_text("utf-8")
    changed = text.replace("does: watch", "does: dance").replace("undo: leave-identity", "undo: never")
    (tmp_path / "thumbprint-to-common-name.yaml").write_text(changed, "utf-8")
    with pytest.raises(InputError) as caught:
        plan_of(make.bundle(), playbooks_dir=tmp_path)
    told = str(caught.value)
    assert "'dance' is not known" in told
    assert "'never' is not known" in told


def test_an_unknown_placeholder_of_a_playbook_is_told(tmp_path: Path) -> None:
    text = (PLAYBOOKS / "thumbprint-to-common-name.yaml").read_text("utf-8")
    (tmp_path / "thumbprint-to-common-name.yaml").write_text(text.replace("{identity} read", "{nobody} read"), "utf-8")
    with pytest.raises(InputError, match="placeholder that is not known"):
        plan_of(make.bundle(), playbooks_dir=tmp_path)


def test_a_template_that_wants_more_names_itself_and_the_stage(tmp_path: Path) -> None:
    for source in TEMPLATES.rglob("*.j2"):
        target = tmp_path / source.relative_to(TEMPLATES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text("utf-8").replace("{{ location | json }}", "{{ region | json }}"), "utf-8")
    with pytest.raises(InputError) as caught:
        plan_of(make.bundle(), templates_dir=tmp_path)
    told = str(caught.value)
    assert caught.value.token == "TemplateRenderFailed"
    for word in ("20-create-identity", "create-identity/main.json.j2:9", "region"):
        assert word in told


def test_every_stage_says_how_it_is_done_by_hand() -> None:
    plan = plan_of(make.bundle(policy=make.policy(action="AutoRenew", issuer="ExampleCA")))
    for stage in plan.stages:
        assert stage.az
        assert not any("jq " in line for line in stage.az)
        assert stage.undo["how"]
        assert stage.deadline.computed_from


def test_safe_to_stop_is_a_date_before_the_certificate_ends() -> None:
    plan = plan_of(make.bundle())
    end = make.leaf().facts.not_after_utc
    for stage in plan.stages:
        assert stage.safe_to_stop_until_utc is not None
        assert make.NOW < stage.safe_to_stop_until_utc < end
