"""Opens a page or a file with what the person's system opens such things with."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from trayd.errors import TraydError

PAGES = {
    "dashboard": "https://fal.ai/dashboard/usage",
    "billing": "https://fal.ai/dashboard/billing",
    "keys": "https://fal.ai/dashboard/keys",
}


def open_target(target: str | Path) -> None:
    """Opens it; may block for as long as the system's opener does.

    Raises:
        TraydError: nothing on this system opens it.
    """
    address = target.absolute().as_uri() if isinstance(target, Path) else target
    # The BROWSER variable and the desktop's own choice are webbrowser's business; click knows the file managers.
    if not webbrowser.open(address) and click.launch(str(target)) != 0:
        raise TraydError(f"nothing on this system opens {target}", "open it by hand")
