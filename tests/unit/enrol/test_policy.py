"""Policies: read, checked, in the vault's words, compared with what the vault has."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sfcert.enrol.policy import policy_changes, policy_of, policy_schema, read_policy, vault_policy
from sfcert.enrol.reading import policy_from_vault
from sfcert.errors import InputError
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.enrolment import EnrolmentPolicy, Issuer, Key, Renewal

TEXT = "subject: CN=shop.example.com\nissuer: ContosoCA\n"


def test_defaults_are_those_of_the_vendors_script() -> None:
    raw = vault_policy(read_policy(TEXT, "policy.yaml"))
    assert raw["secret_props"] == {"contentType": "application/x-pkcs12"}
    assert raw["key_props"] == {"exportable": True, "kty": "RSA", "reuse_key": False, "key_size": 2048}
    assert raw["x509_props"]["ekus"] == [SERVER_AUTH, CLIENT_AUTH]
    assert raw["x509_props"]["sans"] == {"dns_names": ["shop.example.com"]}
    assert raw["x509_props"]["validity_months"] == 4
    assert raw["lifetime_actions"] == [{"trigger": {"lifetime_percentage": 75}, "action": {"action_type": "AutoRenew"}}]


@pytest.mark.parametrize("issuer", ["Unknown", "unknown"])
def test_nobody_in_the_vault_can_renew_what_is_merged(issuer: str) -> None:
    raw = vault_policy(policy_of({"subject": "CN=a.example.com", "issuer": issuer}, "x"))
    assert raw["lifetime_actions"][0]["action"] == {"action_type": "EmailContacts"}


def test_every_fault_of_a_file_is_told_at_once() -> None:
    text = "subjekt: CN=a\nvalidity_months: four\nissuer: Self\n"
    with pytest.raises(InputError) as refused:
        read_policy(text, "policy.yaml")
    said = str(refused.value)
    assert refused.value.token == "PolicyInvalid"
    assert "subjekt" in said
    assert "validity_months" in said
    assert "subject: is missing" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subject": "O=Shop"}, "states no CN"),
        ({"dns_names": ["-bad-.example.com"]}, "no DNS name"),
        ({"key": {"type": "EC"}}, "curve"),
        ({"key": {"type": "RSA-HSM"}}, "exportable: false"),
        ({"renewal": {"lifetime_percentage": 75, "days_before_expiry": 3}}, "not both"),
        ({"renewal": {"days_before_expiry": 109}}, "between 1 and 108"),
        ({"renewal": {"windows": [{"cron": "61 * * * *", "minutes": 5}]}}, "no minute"),
        ({"renewal": {"windows": [{"cron": "0 2 * * 6", "minutes": 5}]}}, "knows no windows"),
        ({"key_usage": []}, "leave it out"),
        ({"issuer": "acme"}, "directory"),
        ({"ekus": ["client"]}, "no usage"),
        ({"ekus": ["0.40.1"]}, "no usage"),
        ({"dns_names": ["10.0.0.1"]}, "is an address"),
        ({"dns_names": ["fe80::1"]}, "is an address"),
        ({"dns_names": ["bücher.example.com"]}, "xn--"),
        ({"dns_names": ["shop"]}, "at least one dot"),
        ({"sans": {"emails": ["nobody"]}}, "NAME@DOMAIN"),
        ({"sans": {"upns": ["some body@example.com"]}}, "NAME@DOMAIN"),
        ({"sans": {"uris": ["example.com/shop"]}}, "no absolute URI"),
        ({"sans": {"uris": ["spiffe://bücher.example/shop"]}}, "no absolute URI"),
        ({"sans": {"ip_addresses": ["192.0.2.1/24"]}}, "no IP address"),
        ({"sans": {"ip_addresses": ["fe80::1%eth0"]}}, "names a zone"),
        ({"subject": "CN=" + "a" * 61 + ".com"}, "65 characters"),
        ({"subject": "CN=shop.example.com,"}, "empty part"),
        ({"subject": "CN=shop.example.com, Shop"}, "KEY=VALUE"),
        ({"key": {"type": "EC", "curve": "P-256", "size": 4096}}, "goes with an RSA key"),
        ({"issuer": "../secrets"}, "no name of a vault's issuer"),
        ({"issuer": "Contoso CA"}, "letters, digits and dashes"),
        ({"issuer": {"name": "Self", "provider": "DigiCert"}}, "issuer.provider: goes with an issuer of the vault"),
        ({"issuer": {"name": "Unknown", "account_id": "1"}}, "not with Unknown"),
        ({"tags": {"": "x"}}, "has no name"),
        ({"subject": "CN=shop\x00.example.com"}, "cannot be printed"),
        ({"sans": {"emails": ["bücher@example.com"]}}, "no mailbox in ASCII"),
        ({"validity_months": 0}, "between 1 and 1200"),
    ],
)
def test_what_a_vault_or_a_machine_could_not_use_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        policy_of({"subject": "CN=shop.example.com", "issuer": "Self"} | changes, "policy.yaml")


@pytest.mark.parametrize(
    "sans", [{"emails": ["a@example.com"]}, {"ip_addresses": ["192.0.2.1"]}, {"uris": ["spiffe://a/b"]}]
)
def test_an_acme_authority_is_asked_for_no_name_that_is_not_proved_to_it(sans: dict[str, list[str]]) -> None:
    acme = {"name": "acme", "acme": {"directory": "https://ca.example", "solvers": [{"kind": "http01"}]}}
    asked = {"subject": "CN=shop.example.com", "issuer": acme}
    policy_of(asked, "policy.yaml")
    with pytest.raises(InputError, match="DNS names alone"):
        policy_of(asked | {"sans": sans}, "policy.yaml")


def test_names_of_every_kind_are_written_in_the_vaults_words_and_stand_once() -> None:
    sans = {
        "emails": ["a@example.com", "a@example.com"],
        "upns": ["svc@corp.example"],
        "uris": ["spiffe://example.com/shop"],
        "ip_addresses": ["192.0.2.1", "2001:DB8:0::1", "2001:db8::1"],
    }
    policy = policy_of({"subject": "CN=shop.example.com", "issuer": "Self", "sans": sans}, "x")
    assert vault_policy(policy)["x509_props"]["sans"] == {
        "dns_names": ["shop.example.com"],
        "emails": ["a@example.com"],
        "upns": ["svc@corp.example"],
        "uris": ["spiffe://example.com/shop"],
        "ipAddresses": ["192.0.2.1", "2001:db8::1"],
    }
    assert policy_changes(vault_policy(policy), policy) == ()
    assert policy_from_vault(vault_policy(policy), {}).sans == policy.sans
    fewer = policy_of({"subject": "CN=shop.example.com", "issuer": "Self"}, "x")
    assert {one.path: one.after for one in policy_changes(vault_policy(policy), fewer)} == {
        f"x509_props.sans.{kind}": [] for kind in ("emails", "upns", "uris", "ipAddresses")
    }


def test_each_fault_of_a_file_stands_with_its_line() -> None:
    text = "subject: CN=a.example.com\n# a remark\nissuer: Self\nkey:\n  type: RSA-HSM\n\nvalidity_months: 0\n"
    with pytest.raises(InputError) as refused:
        read_policy(text, "policy.yaml")
    assert [(one.path, one.line) for one in refused.value.faults] == [("validity_months", 7), ("key.exportable", 4)]
    assert "policy.yaml:7:1 validity_months: must lie between" in str(refused.value)


def test_a_broken_file_names_line_and_column() -> None:
    with pytest.raises(InputError, match=r"policy\.yaml:2:"):
        read_policy("subject: CN=a\n  issuer: [", "policy.yaml")


@given(
    months=st.integers(1, 24),
    percentage=st.integers(1, 99),
    size=st.sampled_from([2048, 3072, 4096]),
    reuse=st.booleans(),
    issuer=st.sampled_from(["Self", "ContosoCA"]),
)
def test_a_policy_that_was_written_differs_in_nothing(
    months: int, percentage: int, size: int, reuse: bool, issuer: str
) -> None:
    policy = EnrolmentPolicy(
        subject="CN=shop.example.com",
        dns_names=("shop.example.com",),
        issuer=Issuer(name=issuer),
        key=Key(size=size, reuse=reuse),  # type: ignore[arg-type] # drawn from the three sizes
        validity_months=months,
        renewal=Renewal(lifetime_percentage=percentage),
    )
    raw = vault_policy(policy)
    assert policy_changes(raw, policy) == ()
    assert policy_changes(raw, policy_from_vault(raw, {})) == ()


def test_a_change_says_whether_it_needs_a_new_version() -> None:
    before = vault_policy(read_policy(TEXT, "policy.yaml"))
    after = policy_of(
        {
            "subject": "CN=shop.example.com",
            "issuer": "ContosoCA",
            "key": {"size": 3072},
            "renewal": {"days_before_expiry": 20},
        },
        "x",
    )
    found = {one.path: one.needs_new_version for one in policy_changes(before, after)}
    assert found == {"key_props.key_size": True, "lifetime_actions": False}


def test_a_name_or_a_usage_that_stands_twice_is_asked_for_once() -> None:
    policy = policy_of(
        {
            "subject": "CN=shop.example.com",
            "issuer": "Self",
            "dns_names": ["b.example.com", "Shop.example.com", "a.example.com", "B.example.com"],
            "ekus": ["server_auth", SERVER_AUTH],
        },
        "x",
    )
    assert policy.dns_names == ("shop.example.com", "b.example.com", "a.example.com")
    assert policy.ekus == (SERVER_AUTH,)


def test_what_a_vault_leaves_out_as_empty_is_no_difference() -> None:
    policy = policy_of({"subject": "CN=shop.example.com", "issuer": "Self", "ekus": []}, "x")
    raw = vault_policy(policy)
    del raw["x509_props"]["ekus"]
    assert policy_changes(raw, policy) == ()


def test_a_mailbox_that_is_not_asked_for_any_more_is_a_difference() -> None:
    given = {"subject": "CN=shop.example.com", "issuer": "Self"}
    before = vault_policy(policy_of(given | {"sans": {"emails": ["shop@example.com"]}}, "x"))
    (change,) = policy_changes(before, policy_of(given, "x"))
    assert (change.path, change.before, change.after) == ("x509_props.sans.emails", ["shop@example.com"], [])
    assert change.needs_new_version


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)
# each key of the format with a value that fits it now and then, so that one odd part stands among sound ones
PARTS: dict[str, st.SearchStrategy[object]] = {
    "subject": st.sampled_from(["CN=shop.example.com", "CN=", 'O="a, b", CN=x', "\\", "CN=a\\", "CN=*.example.com"]),
    "issuer": st.sampled_from(["Self", "acme", "", {"name": "Self"}, {"name": "acme", "acme": {"directory": "x"}}]),
    "dns_names": st.lists(st.text() | st.just("a.example.com"), max_size=3),
    "sans": st.fixed_dictionaries({}, optional={"emails": st.lists(st.text(), max_size=2), "upns": ANY}),
    "key": st.fixed_dictionaries({}, optional={"type": st.sampled_from(["RSA", "EC"]), "size": ANY, "curve": ANY}),
    "ekus": st.lists(st.sampled_from(["server_auth", "1.2", ""]) | ANY, max_size=3),
    "key_usage": st.lists(st.text(), max_size=2),
    "validity_months": st.integers(),
    "renewal": st.fixed_dictionaries(
        {},
        optional={
            "lifetime_percentage": st.integers(),
            "days_before_expiry": st.integers(),
            "by": st.sampled_from(["vault", "sfcert", "nobody"]),
            "windows": st.lists(
                st.fixed_dictionaries({"cron": st.text("0123456789*/-, ", max_size=20), "minutes": st.integers()}),
                max_size=2,
            ),
        },
    ),
    "tags": st.dictionaries(st.text(), st.text(), max_size=3),
    "format": st.sampled_from(["sfcert.policy/1"]),
}


@given(
    given=st.fixed_dictionaries({}, optional={key: ANY | value for key, value in PARTS.items()}),
    more=st.dictionaries(st.text() | st.integers() | st.none(), ANY, max_size=2),
)
def test_any_value_is_a_policy_or_a_clear_refusal(given: dict[str, object], more: dict[object, object]) -> None:
    refused = policy = None
    try:
        policy = policy_of(dict(more) | given, "policy.yaml")  # type: ignore[arg-type] # odd keys are the point
    except InputError as error:
        refused = error
    if policy is not None:
        assert policy_changes(vault_policy(policy), policy) == ()
    else:
        assert refused is not None
        assert refused.token == "PolicyInvalid"
        assert refused.faults


@given(
    text=st.text()
    | st.fixed_dictionaries({}, optional={key: ANY | value for key, value in PARTS.items()}).map(yaml.safe_dump)
    | ANY.map(yaml.safe_dump)
)
def test_any_text_is_a_policy_or_a_clear_refusal(text: str) -> None:
    refused = None
    try:
        read_policy(text, "policy.yaml")
    except InputError as error:
        refused = error
    assert refused is None or refused.token in ("PolicyInvalid", "FormatTooNew")


def test_the_published_schema_takes_what_the_reader_takes() -> None:
    schema = policy_schema()
    short = {"subject": "CN=shop.example.com", "issuer": "Self"}
    jsonschema.validate(short, schema)
    jsonschema.validate(json.loads(json.dumps(short | {"issuer": {"name": "Self"}})), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(short | {"subjekt": "x"}, schema)


def test_a_solver_whose_secret_stands_in_the_policy_is_refused_without_it() -> None:
    """What is remembered of an enrolment is its policy."""
    solvers = [{"kind": "lexicon", "settings": {"provider": "cloudflare", "auth_token": "s3cret"}}]
    given = {"subject": "CN=a", "issuer": {"name": "acme", "acme": {"directory": "https://ca", "solvers": solvers}}}
    with pytest.raises(InputError, match="auth_token_file") as refused:
        policy_of(given, "policy.yaml")
    assert "s3cret" not in str(refused.value)
