"""What a person can ask, by subject; all of it is in :mod:`trayd.operations.operations`, by name in the table."""
