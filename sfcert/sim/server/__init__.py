"""The embedded Azure on loopback: TLS under production names, a proxy that lets nothing out, a control port."""
