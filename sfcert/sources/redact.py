"""What in a raw body looks like a secret, and what stands in its place? Floor 2.

A secret becomes `{"$redacted": "<salted sha256>"}`: equal secrets of one cluster stay equal, so that a comparison still
tells that one moved. Everything else passes through untouched.

Looks like a secret: a text under a key of `_KEYS`; a text under a key that ends as `_ENDS` says; the `value` beside a
`name` that does; a text of the forms in `_FORMS` anywhere. Objects under `_WHOLE` are replaced leaf by leaf.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any

_KEYS = frozenset({"customdata", "userdata", "sastoken", "accesskey", "connectionstring", "privatekey", "pwd", "pfx"})
_ENDS = re.compile(
    r"(password|passphrase|secretvalue|clientsecret|sharedkey|accountkey|accountkey[12]|privatekey|connectionstring"
    r"|sastoken|sasurl|sharedaccesskey|apikey|authtoken|accesstoken|bearertoken)$"
)
_WHOLE = frozenset({"protectedsettings"})
_FORMS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|(?:AccountKey|SharedAccessKey|SharedSecret|Password|Pwd)\s*=\s*[^;\s]"
    r"|[?&]sig=[A-Za-z0-9%+/=]{16,}",
    re.IGNORECASE,
)
MARK = "$redacted"


def redact(body: Any, salt: str) -> Any:
    """A raw value with every secret-looking text replaced.

    Args:
        salt: the same for all bodies of one cluster (its resource id), lower-cased here.

    Returns:
        A new value; the same one comes out of a second call. Effects: none.
    """
    return _redact(body, salt.lower(), hide=False)


def has_redacted(value: Any) -> bool:
    """Whether anything in a value was redacted: such a value cannot be sent back."""
    if isinstance(value, dict):
        return set(value) == {MARK} or any(has_redacted(one) for one in value.values())
    return isinstance(value, list) and any(has_redacted(one) for one in value)


def _redact(value: Any, salt: str, *, hide: bool) -> Any:
    if isinstance(value, dict):
        if len(value) == 1 and MARK in value:
            return value
        named = isinstance(value.get("name"), str) and _is_secret_key(value["name"])
        return {
            key: _redact(
                one,
                salt,
                hide=hide or key.lower() in _WHOLE or _is_secret_key(key) or (named and key.lower() == "value"),
            )
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_redact(one, salt, hide=hide) for one in value]
    if isinstance(value, str) and value and (hide or _FORMS.search(value)):
        return {MARK: hashlib.sha256(f"{salt}\0{value}".encode()).hexdigest()}
    return value


@lru_cache(maxsize=4096)  # a body names the same few hundred properties again and again
def _is_secret_key(key: str) -> bool:
    plain = key.lower().replace("_", "").replace("-", "")
    return plain in _KEYS or bool(_ENDS.search(plain))
