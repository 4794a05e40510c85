"""A program on a terminal of 80 columns: what it shows there, bars included."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping


def on_a_terminal(*arguments: str, env: Mapping[str, str], columns: int = 80) -> str:
    """All that ``trayd`` writes to a terminal of that width, with its control sequences."""
    reading, writing = pty.openpty()
    fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    program = subprocess.Popen(
        [sys.executable, "-m", "trayd", *arguments],
        env={**env, "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
    )
    os.close(writing)
    shown = b""
    try:
        while piece := os.read(reading, 65_536):
            shown += piece
    except OSError:  # Linux's word for: the other side is closed
        pass
    finally:
        os.close(reading)
        program.wait(60)
    return shown.decode()
