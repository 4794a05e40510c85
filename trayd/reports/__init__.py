"""Reports and exports: the records as files that other people and other programs read."""
