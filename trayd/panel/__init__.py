"""The loopback HTTP API of the daemon."""
