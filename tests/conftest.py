"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right; the benchmarks measure time.
settings.register_profile("trayd", deadline=None)
settings.load_profile("trayd")
