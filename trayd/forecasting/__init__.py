"""What is foreseen, how budgets stand and which days are unusual, found in the ledger and remembered."""
