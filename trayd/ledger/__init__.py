"""The ledger: every record, durable before it is acknowledged.

The one door is :class:`trayd.ledger.store.Ledger`.
"""
