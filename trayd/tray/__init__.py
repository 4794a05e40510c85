"""The tray: the icon, its tooltip and its menu, on every system.

What is shown is plain data (``model``), made by one pure function (``view``); how it reaches the panel is
``app``'s business, and on Linux ``sni``'s.
"""
