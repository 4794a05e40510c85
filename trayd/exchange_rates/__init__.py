"""Exchange rates: read, merged with those that are known, and kept."""
