"""Which rules are there, and where are their pages? The list, looked up by id or by an id it once had. Floor 3.

Leaves out: how a rule is judged (`engine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.resources import files

from msgspec.structs import replace

from sfcert.errors import Fault, InputError
from sfcert.model.finding import Audit, Severity
from sfcert.model.observation import Observation
from sfcert.rules.engine import Rule, RuleInfo, run
from sfcert.rules.suppressions import EXPIRED_RULE, Suppression

#: Module names, sorted. A rule that is not here does not run; a test holds the list to the pages on disk.
RULE_MODULES: tuple[str, ...] = (
    "access_missing",
    "authentication_settings_missing",
    "certificate_expiring",
    "chain_incomplete",
    "cluster_not_at_rest",
    "content_type_wrong",
    "declaration_mismatch",
    "declaration_refused",
    "durability_mismatch",
    "eku_missing",
    "eku_sunset",
    "expired_certificate_accepted",
    "expiry_margin_noisy",
    "extension_four_unsupported",
    "extension_not_sequenced",
    "extension_schema_mismatch",
    "extension_url_versioned",
    "initial_sync_off",
    "instances_behind",
    "issuer_not_pinned",
    "key_unusable",
    "latest_version_disabled",
    "linking_on",
    "name_malformed",
    "name_missing_in_san",
    "name_not_found",
    "name_shared",
    "node_presents_other",
    "node_type_without_scale_set",
    "pin_malformed",
    "pin_missing",
    "pin_not_direct_issuer",
    "pin_one_of_twins",
    "polling_slow",
    "renewal_back_dated",
    "renewal_left_frozen",
    "renewal_not_automatic",
    "renewal_overdue",
    "renewal_too_late",
    "reverse_proxy_shares_certificate",
    "revocation_unreachable",
    "rotation_not_delivered",
    "runtime_known_fault",
    "runtime_selects_by_expiry",
    "sans_included",
    "secondary_never_presented",
    "secret_newer_than_extension",
    "secret_vault_unfit",
    "secret_version_unusable",
    "self_signed_by_name",
    "store_mismatch",
    "thumbprint_auto_refreshed",
    "thumbprint_left_over",
    "thumbprint_not_delivered",
    "time_budget_short",
    "trust_errors_ignored",
    "update_all_at_once",
    "upgrade_service_refused",
    "validity_over_maximum",
    "vault_firewall",
    "windows_security_mixed",
)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order of ids."""
    found = [import_module(f"sfcert.rules.{name}").RULE for name in RULE_MODULES]
    return tuple(sorted(found, key=lambda rule: rule.id))


def rule_named(rule_id: str) -> Rule:
    """The rule of this id, of its snake-case file name, or of an id that it once had.

    Raises:
        InputError: Misuse, naming the ids that are alike.
    """
    wanted = rule_id.strip().lower().replace("_", "-")
    for rule in rules():
        if wanted == rule.id or wanted in rule.aliases:
            return rule
    from difflib import get_close_matches

    near = get_close_matches(wanted, [rule.id for rule in rules()], n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else " `sfcert explain` without a rule lists them."
    raise InputError("Misuse", f"There is no rule {rule_id!r}.{hint}")


def _page(module: str) -> str:
    return files("sfcert.rules").joinpath(f"{module}.md").read_text("utf-8")


def page_of(rule: Rule) -> str:
    """The rule's page, Markdown; its first line is `# ` and the obligation."""
    return _page(rule.id.replace("-", "_"))


def explain(rule_id: str) -> str:
    """The page that tells what the rule checks, why, and how to mend a running cluster.

    Raises:
        InputError: Misuse where there is no such rule.
    """
    if rule_id.strip().lower().replace("_", "-") == EXPIRED_RULE:
        return _page(EXPIRED_RULE.replace("-", "_"))
    return page_of(rule_named(rule_id))


def _title(page: str) -> str:
    return page.splitlines()[0].removeprefix("# ").strip()


@cache
def catalogue() -> tuple[RuleInfo, ...]:
    """Every rule with the title of its page, in the order of ids."""
    return tuple(
        RuleInfo(
            id=rule.id,
            severity=rule.severity,
            blocks_plan=rule.blocks_plan,
            title=_title(page_of(rule)),
            reasons=dict(rule.reasons),
            severities=dict(rule.severity_of),
            aliases=rule.aliases,
        )
        for rule in rules()
    )


def audit(
    observation: Observation,
    *,
    now: datetime,
    only: Sequence[str] = (),
    min_severity: Severity = "info",
    suppressions: Sequence[Suppression] = (),
) -> Audit:
    """Judge an observation by the catalogue.

    Args:
        now: aware UTC, the present for every question of time.
        only: ids (or old ids) of the rules to run; none: all of them.
        min_severity: what is listed; the verdict rests on error level alone and does not change with it.

    Raises:
        InputError: Misuse where `only` names a rule that does not exist, SuppressionInvalid where a suppression does.

    Effects: none.
    """
    if only:
        chosen = {rule_named(rule_id).id for rule_id in only}
        selected = tuple(rule for rule in rules() if rule.id in chosen)
    else:
        selected = rules()
    named = _by_present_ids(suppressions)
    return run(selected, observation, now=now, min_severity=min_severity, suppressions=named)


def _by_present_ids(suppressions: Sequence[Suppression]) -> list[Suppression]:
    """Each under the id that its rule has today. One of a misspelt rule would silence nothing, unnoticed."""
    found, faults = [], []
    for one in suppressions:
        try:
            found.append(replace(one, rule=rule_named(one.rule).id))
        except InputError as error:
            faults.append(Fault(error.message, path=one.where or None))
    if faults:
        raise InputError("SuppressionInvalid", "There are suppressions of rules that do not exist.", faults)
    return found
