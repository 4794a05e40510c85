"""Alerts: what is worth a warning, told once for each episode, and carried to the desktop without ever blocking.

The one door is :class:`trayd.alerts.watch.Watch`; rules, engine and words are pure.
"""
