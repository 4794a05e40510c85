"""The parts of the daemon, beside the sources and the alerts."""
