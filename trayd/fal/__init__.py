"""fal's Platform API: the client, the poller of each account, and the stand-in to try both with."""
