"""What does a CA put into the leaf and its chain, and when does it want it renewed? Measured at two Pebbles."""

from __future__ import annotations

import json
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.e2e.acme_site import AcmeSite, Json, by_http, ca, good, leaf_of, sans
from tests.servers.pebble import Pebble


def test_the_other_chain_of_the_ca_by_its_issuers_name(site: AcmeSite, pebble: Pebble) -> None:
    asked = ca(pebble, by_http(pebble))
    first = good(site.enrol(asked))
    chains = pebble.roots()
    other = next(one for one in chains if one not in root_names(site))
    second = good(site.enrol({**asked, "preferred_chain": other}, "--renew"))
    assert root_names(site) == {other}
    assert first["pins"] != second["pins"] or first["issuer"] == second["issuer"]


def root_names(site: AcmeSite) -> set[str]:
    """The name of whoever signed the last certificate of the merged chain."""
    chain = site.running.call(
        lambda azure: azure.find_service("vaults").content(site.vault).certificate(site.name).latest.chain
    )
    return {chain[-1].issuer.rfc4514_string().removeprefix("CN=")}


def test_what_pebble_puts_into_a_leaf_for_the_vaults_request(
    site: AcmeSite, pebble: Pebble, newer_pebble: Pebble
) -> None:
    """Measured, and written down in docs/explanation/enrolment-by-acme.md: the request's usages count for nothing, and
    the subject is the first of the request's alternative names, whatever its own says."""
    both = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    for server, wanted, granted in (
        (pebble, ["server_auth"], both),
        (pebble, ["server_auth", "client_auth"], both),
        (newer_pebble, ["server_auth"], {ExtendedKeyUsageOID.SERVER_AUTH}),
    ):
        asked = ca(server, by_http(server), profile="classic" if server is newer_pebble else None)
        good(site.enrol(asked, "--renew", ekus=wanted, dns_names=[f"www.{site.host}"]))
        leaf = leaf_of(site)
        assert set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == granted
        assert sans(leaf) == {site.host, f"www.{site.host}"}
        assert leaf.subject.rfc4514_string() == f"CN={site.host}"
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.digital_signature
        assert usage.key_encipherment is (server is pebble)


def test_the_subjects_own_name_stands_first_for_a_ca_that_takes_the_first_for_the_subject(
    site: AcmeSite, pebble: Pebble
) -> None:
    good(site.enrol(ca(pebble, by_http(pebble)), dns_names=[f"www.{site.host}", site.host, f"a.{site.host}"]))
    assert leaf_of(site).subject.rfc4514_string() == f"CN={site.host}"


def test_a_profile_that_leaves_the_subject_out_is_no_use_to_a_cluster(site: AcmeSite, newer_pebble: Pebble) -> None:
    refused = site.enrol(ca(newer_pebble, by_http(newer_pebble), profile="shortlived"), ekus=["server_auth"])
    assert refused.code == 3
    assert "states no common name" in refused.err
    assert "another one may keep it" in refused.err
    assert (site.versions(), site.has_pending()) == (0, False)


def test_a_ca_that_grants_no_client_authentication_is_stopped_where_it_is_asked_for(
    site: AcmeSite, newer_pebble: Pebble
) -> None:
    refused = site.enrol(ca(newer_pebble, by_http(newer_pebble), profile="classic"))
    assert refused.code == 3
    assert "usages: fail" in refused.err
    assert (site.versions(), site.has_pending()) == (0, False)


def test_advice_makes_a_certificate_due_and_its_renewal_says_what_it_replaces(
    site: AcmeSite, newer_pebble: Pebble
) -> None:
    asked = ca(newer_pebble, by_http(newer_pebble), profile="classic")
    more: Json = {"ekus": ["server_auth"], "renewal": {"by": "sfcert"}}
    good(site.enrol(asked, **more))
    assert good(site.run("renew", "--due"))["renewed"] == []
    leaf = leaf_of(site)
    begins = leaf.not_valid_before_utc
    at_once = {"start": begins.isoformat(), "end": (begins + timedelta(seconds=2)).isoformat()}
    pem = leaf.public_bytes(Encoding.PEM).decode()
    newer_pebble.set_renewal_info(pem, json.dumps({"suggestedWindow": at_once}))
    # the CA wants to be left alone for six hours, so the timer's next runs do not ask
    asked_before = newer_pebble.child.output().count("GET /draft-ietf-acme-ari-03/renewalInfo/")
    assert good(site.run("renew", "--due"))["renewed"] == []
    assert newer_pebble.child.output().count("GET /draft-ietf-acme-ari-03/renewalInfo/") == asked_before
    forget_the_wait(site)
    replaced_before = newer_pebble.child.output().count("is a replacement of")
    renewed = good(site.run("renew", "--due"))["renewed"]
    assert [one["name"] for one in renewed] == [site.name]
    assert newer_pebble.child.output().count("is a replacement of") == replaced_before + 1
    assert site.versions() == 2


def forget_the_wait(site: AcmeSite) -> None:
    (file,) = site.state.rglob(f"{site.name}.json")
    kept = json.loads(file.read_text())
    assert kept["renewal_ask_again_utc"] is not None
    file.write_text(json.dumps({**kept, "renewal_ask_again_utc": None}))
