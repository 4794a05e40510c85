"""Insight: pure functions over records that are given to them. No clock, no network, no disk."""
