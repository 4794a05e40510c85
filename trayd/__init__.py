"""trayd: a system-tray ledger for fal.ai."""

__version__ = "0.1.0"
