"""How is a certificate had from a CA that speaks ACME (RFC 8555)? The order, its challenges, the chain. Floor 5.

`issue.obtain` is the way in. Keys of certificates are made elsewhere and never seen here: a CSR comes in, a chain goes
out. `values` imports nothing heavy; everything else is imported when a certificate is really asked for.
"""
