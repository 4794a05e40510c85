"""Forecasts, the state of budgets and unusual days, computed from the ledger and cached."""
