"""Where do the simulated world's private keys come from? Fresh keys per world, from a pool kept by the process.

Making an RSA key costs tens of milliseconds, so keys that one world has used serve the next world of the same process
again. Inside one world no key is handed out twice: two versions share a key only where a policy says so.
The keys protect nothing: they live in memory, in simulated certificates, and are never written by this module.
"""

from __future__ import annotations

from collections import Counter

from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

CURVES: dict[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}

# The process's pool, by kind; it only grows. Worlds take from its front in the same order.
_POOL: dict[str, list[PrivateKey]] = {}


class KeyMaker:
    """One world's supply of keys. `make` never returns the same key twice."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def make(self, key_type: str = "RSA", key_size: int = 2048, curve: str = "P-256") -> PrivateKey:
        """A private key that this world has not used yet.

        Args:
            key_type: `RSA` or `EC`; the HSM kinds (`RSA-HSM`, `EC-HSM`) make the same keys.
            key_size: bits, for RSA only.
            curve: a key of `CURVES`, for EC only.
        """
        is_rsa = key_type.upper().startswith("RSA")
        kind = f"RSA-{key_size}" if is_rsa else f"EC-{curve}"
        pool = _POOL.setdefault(kind, [])
        index = self._taken[kind]
        self._taken[kind] += 1
        while len(pool) <= index:
            pool.append(
                rsa.generate_private_key(public_exponent=65537, key_size=key_size)
                if is_rsa
                else ec.generate_private_key(CURVES[curve]())
            )
        return pool[index]
