"""Service Fabric cluster certificates: from thumbprints to common names with pinned issuers, and safe ever after."""

__version__ = "0.1.0"
