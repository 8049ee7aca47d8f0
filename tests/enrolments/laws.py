"""The laws of an enrolment, whatever goes wrong. Not a test.

    ends       with the certificate that the policy asks for, or with a documented exit code, a token of the closed list
               and one sentence; never with a traceback
    refusals   have their cause in the case: the cluster's pins, a chain that cannot be used, somebody else's operation
    gate       no version that we merged is one that the cluster refuses; its chain holds its issuer
    goes on    once the faults are gone the same command comes to the end
    orders     no second one while the first can be used
    nothing    stays: no operation in progress, no TXT record, no file below the web server's root, none
               in the record
    again      once done, the same command writes nothing and asks the CA for nothing
    secrets    are in no output and in no file that a run writes
    record     can be read after every run, also after one that was killed

Leaves out what is typed (see `course`).
"""

from __future__ import annotations

from sfcert.cli.enrolment_memory import FileMemory
from sfcert.errors import TOKENS, SfcertError
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.pki import read_certificate
from sfcert.sim.keyvault.state import StoredVersion
from tests import make
from tests.enrolments.world import ISSUING, PASSWORD, Ended, World

#: Exit codes that are a clear stop; the other numbers would lead a person astray.
_STOPS = frozenset({1, 3, 5})
_UNUSABLE_CHAINS = ("other key", "leaf alone", "gap", "text", "a stranger within")


def of_every_run(world: World, ended: Ended) -> list[str]:
    """What holds after each command, killed or not."""
    broken = [*_record(world), *_secrets(world, ended), *_gate(world)]
    if ended.code is None:
        return broken
    if ended.code != 0 and ended.code not in _STOPS:
        return [*broken, f"exit code {ended.code} is no clear stop: {ended.err[-600:]}"]
    if "Traceback" in ended.err:
        broken.append(f"a traceback: {ended.err[-600:]}")
    if not ended.document:
        return [*broken, f"no document on standard output: {ended.out[:200]!r}"]
    token = ended.token
    if ended.code == 0:
        return broken
    said = [line for line in ended.err.splitlines() if line.startswith("sfcert: ")]
    if len(said) != 1:
        broken.append(f"{len(said)} sentences instead of one: {said}")
    if token not in TOKENS:
        broken.append(f"token {token!r} is in no list")
    if ended.code == 3 and not is_explained(world, token):
        broken.append(f"refused without a cause in the case: {ended}")
    return broken


def is_explained(world: World, token: str) -> bool:
    """Whether the case holds a reason for this refusal."""
    case = world.case
    whims = (*case.whims, *case.later_whims)
    spoilt = any(
        one.name.removeprefix("chain ") in (*_UNUSABLE_CHAINS, "signs-for-another", "garbage") for one in whims
    )
    brought = set(case.brought) & {"leaf alone", "other key", "other authority"}
    strangers = any(one.who == "elsewhere" for one in (*case.breaks, *case.later_breaks))
    if token == "GateRefused":
        # a machine that has not merged it itself knows no chain of it, and what is not known is not passed
        return case.pins == "wrong" or spoilt or bool(brought) or (case.pins is not None and strangers)
    if token == "AcmeChainUnusable":
        return spoilt
    if token == "PendingForeign":
        return case.change is not None or strangers
    return False


def of_the_end(world: World, last: Ended) -> list[str]:
    """What holds once the faults are gone and the command has come to its end."""
    case, broken = world.case, []
    if case.pins == "wrong":
        if last.token != "GateRefused":
            broken.append(f"the cluster refuses it, and yet: {last}")
        return [*broken, *_nothing_stays(world)]
    strangers = any(one.who == "elsewhere" for one in (*case.breaks, *case.later_breaks))
    if case.pins is not None and strangers and last.token == "GateRefused" and "IssuerUnknown" in last.err:
        # the other machine has merged it, and only that one was shown its chain: here --issuer-pem is asked for, and
        # what was begun stays written down until then
        return [one for one in _nothing_stays(world) if "the record is at" not in one or "placed ()" not in one]
    if last.code != 0:
        return [f"it does not go on once the faults are gone: {last}", *_nothing_stays(world)]
    return [*broken, *_as_asked(world), *_nothing_stays(world)]


def of_orders(world: World) -> list[str]:
    """No order that another could have stood for.

    Not asked where two processes with one record overlap: what one has not written down yet the other cannot know, and
    there is no lock between machines that share a folder. Nor where the CA answered for an order with something that is
    none: whoever cannot read an order cannot use it.
    """
    case = world.case
    overlaps = any(one.who == "same" for one in (*case.breaks, *case.later_breaks))
    unread = any(one.name == "garbage" and one.path in ("/order", "") for one in (*case.whims, *case.later_whims))
    return [] if overlaps or unread else world.ca.ledger.needless


def _as_asked(world: World) -> list[str]:
    """The newest version against the policy file, read without sfcert's own judgement of it."""
    stored, asked, broken = world.stored, world.now_policy, []
    if stored is None or not stored.versions:
        return ["done, and the vault holds no version"]
    newest = stored.versions[-1]
    leaf = _leaf(newest)
    wanted = {make.COMMON_NAME, *asked["dns_names"]}
    if set(leaf.dns_names) != wanted or leaf.common_name != make.COMMON_NAME:
        broken.append(f"names {leaf.common_name} {leaf.dns_names} instead of {sorted(wanted)}")
    ekus = {SERVER_AUTH} if asked.get("ekus") == ["server_auth"] else {SERVER_AUTH, CLIENT_AUTH}
    # the small CA gives both whatever is asked, as some do
    if not ekus <= set(leaf.ekus or ()):
        broken.append(f"usages {leaf.ekus}")
    for key, value in asked.get("tags", {}).items():
        if newest.tags.get(key) != value:
            broken.append(f"tag {key} is {newest.tags.get(key)!r}, not {value!r}")
    if stored.policy["x509_props"]["validity_months"] != asked.get("validity_months", 4):
        broken.append(f"the vault's policy says {stored.policy['x509_props']['validity_months']} months")
    reuse = bool(asked.get("key", {}).get("reuse"))
    if bool(stored.policy["key_props"].get("reuse_key")) != reuse:
        broken.append(f"the vault's policy says reuse {stored.policy['key_props'].get('reuse_key')}, not {reuse}")
    return broken


def _nothing_stays(world: World) -> list[str]:
    broken = []
    if world.is_open:
        broken.append("an operation is left in progress")
    if (texts := world.texts()) and not _was_hidden(world):
        broken.append(f"TXT records are left: {texts}")
    if files := world.files():
        broken.append(f"files are left: {files}")
    record = FileMemory(world.folder / "state", make.VAULT_URL, make.CERTIFICATE_NAME).load()
    # an order that nobody ended may stay written down: the next renewal looks whether it can still be used
    if record is not None and (record.step != "idle" or record.placed):
        broken.append(f"the record is at {record.step}, placed {record.placed}")
    return broken


def _was_hidden(world: World) -> bool:
    """Whether a record may stand that nobody could see: one that outlives the process that wrote it, while the zone's
    reads still show what was there before. The next process is told that nothing stands there, and knows nothing else;
    one that lives trusts what it wrote itself. The simulator counts its echoes in looks, so that they may last hours.
    """
    case = world.case
    is_behind = {"appears-late", "stale-read"} & {*case.faults, *case.later_faults}
    was_killed = any(one.who == "killed" for one in (*case.breaks, *case.later_breaks))
    return bool(is_behind) and (was_killed or world.has_left_something)


def _record(world: World) -> list[str]:
    broken = []
    for file in world.states():
        if file.name != f"{make.CERTIFICATE_NAME}.json":
            broken.append(f"a file is left: {file.name}")
            continue
        try:
            FileMemory(file.parent.parent, make.VAULT_URL, make.CERTIFICATE_NAME).load()
        except SfcertError as error:
            broken.append(f"the record cannot be read: {error}")
    return broken


def _secrets(world: World, ended: Ended) -> list[str]:
    secrets = [PASSWORD]
    if (key := world.account_key) is not None:
        secrets.append(str(key["d"]))
    written = [ended.out, ended.err, *(one.read_text() for one in world.states())]
    found = [secret for secret in secrets if any(secret in text for text in written)]
    private = ["a private key"] if any("PRIVATE KEY" in text for text in written) else []
    return [f"a secret is told: {one[:12]}…" for one in (*found, *private)]


def _gate(world: World) -> list[str]:
    """No version of ours that the cluster refuses, and none without its issuer."""
    case, stored = world.case, world.stored
    if stored is None or not case.is_merged:
        return []
    own = world.ca.issuer_thumbprint if case.is_acme else world.authority(ISSUING).thumbprint
    broken = []
    for version in stored.versions:
        above = [read_certificate(_der(one)).thumbprint for one in version.chain]
        if not above:
            broken.append("a leaf was merged without its issuer")
        elif case.pins is not None and (case.pins == "wrong" or above[0] != own):
            broken.append(f"merged what the cluster refuses: signed by {above[0]}")
    return broken


def _leaf(version: StoredVersion) -> object:
    return read_certificate(_der(version.leaf))


def _der(certificate: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    found: bytes = certificate.public_bytes(Encoding.DER)  # type: ignore[attr-defined]  # x509.Certificate
    return found
