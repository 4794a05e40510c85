"""A faithful stand-in of fal's Platform API on loopback, for trying trayd without a key and for its tests.

``options`` says what can be set, ``server`` serves it: ``running_sandbox`` inside this process, ``serve`` for the
command line. ``world`` is the simulated past and present behind the API, ``app`` the HTTP in front of it.
"""
