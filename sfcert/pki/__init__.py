"""What do these bytes certify? X.509 facts, chains, windows of validity. Floor 1; the only importer of `cryptography`
outside the embedded Azure."""

from sfcert.pki.chain import direct_issuers, in_order, is_issued_by
from sfcert.pki.read import read_certificate, read_pem_chain

__all__ = ["direct_issuers", "in_order", "is_issued_by", "read_certificate", "read_pem_chain"]
