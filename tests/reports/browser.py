"""A real browser, asked over its debugging pipe: what a page wants, complains about, looks like and prints.

The browser runs in a network namespace of its own that has no network, not even loopback: whatever a page wants, it can
have its own file alone. One for pages that are served on loopback has that, and finds no other host. No driver and no
port are needed: commands go in at file descriptor 3, answers come out at 4
(https://chromedevtools.github.io/devtools-protocol/).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"

# The browser itself would call home.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
#: The last of a flag counts.
_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"

#: In inches, as the protocol wants them.
A4 = (8.27, 11.69)
LETTER = (8.5, 11.0)

_ANSWER_S = 60.0

# Becomes the browser, with the two ends of the pipes where it looks for them; they may stand in each other's places.
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
_COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

# What is out of sight is not laid out, and axe judges no colour that it cannot see.
_SHOW_ALL = """
for (const part of document.querySelectorAll('*'))
    if (getComputedStyle(part).contentVisibility === 'auto') part.style.contentVisibility = 'visible';
"""
_RUN_AXE = """
axe.run(document, {resultTypes: ['violations', 'incomplete']}).then(found => JSON.stringify(
    ['violations', 'incomplete'].map(kind => found[kind].flatMap(rule => rule.nodes.map(
        node => [rule.id, node.target.join(' '), node.html.slice(0, 160)])))))
"""
# Where the keyboard is, and whether one can see it: within the window, with a size, not behind something else.
# What comes into sight is laid out only then, and moves what is below it: two frames later all is in its place.
_FOCUSED = """
(async () => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const box = at.getBoundingClientRect();
    const outline = getComputedStyle(at);
    return JSON.stringify({
        what: at.tagName.toLowerCase() + (at.getAttribute('aria-label') || at.getAttribute('aria-labelledby') || ''),
        seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
        marked: outline.outlineStyle !== 'none' && parseFloat(outline.outlineWidth) > 0,
    });
})()
"""


@dataclass(frozen=True)
class Finding:
    """A part of a page that breaks a rule of axe's, or of which axe cannot tell."""

    rule: str
    target: str
    html: str


@dataclass
class Browser:
    """A browser without a network, whose pages are files; or with loopback alone."""

    profile: Path
    loopback: bool = False
    _process: subprocess.Popen[bytes] = field(init=False)
    _commands: int = field(init=False)
    _answers: int = field(init=False)
    _sent: int = 0
    _unread: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def __enter__(self) -> Self:
        program = shutil.which("chromium")
        assert program, "these tests need chromium (apt install chromium)"
        reads, self._commands = os.pipe()
        self._answers, writes = os.pipe()
        arguments = [program, *_FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self.profile}"]
        if self.loopback:
            arguments.append(_LOOPBACK)
        try:
            self._process = subprocess.Popen(
                [
                    *([] if self.loopback else without_network()),
                    sys.executable,
                    "-c",
                    _START,
                    str(reads),
                    str(writes),
                    *arguments,
                ],
                pass_fds=(reads, writes),
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(reads)
            os.close(writes)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.call("Browser.close")
        finally:
            os.close(self._commands)
            os.close(self._answers)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Has the browser do something; its answer."""
        self._sent += 1
        number = self._sent
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self._commands, left[:65_536]) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self.events.append(answer)

    def until(self, method: str, session: str) -> None:
        """Waits for something to happen in a page."""
        while not any(event.get("method") == method and event.get("sessionId") == session for event in self.events):
            self.events.append(self._next())

    def page(self, url: str, *, scripts: bool = True) -> Page:
        """Opens it, and waits until it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", session)
        if not scripts:
            self.call("Emulation.setScriptExecutionDisabled", session, value=True)
        self.call("Page.navigate", session, url=url)
        self.until("Page.loadEventFired", session)
        return Page(self, target, session)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _ANSWER_S
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            some = os.read(self._answers, 1 << 20)
            assert some, "the browser has ended"
            self._unread += some
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))


@dataclass(frozen=True)
class Page:
    """A page that is open."""

    browser: Browser
    target: str
    session: str

    def close(self) -> None:
        """Closes it."""
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Has the browser do something with this page."""
        return self.browser.call(method, self.session, **params)

    def evaluate(self, expression: str) -> Any:
        """What the expression comes to in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _told(self, *methods: str) -> list[dict[str, Any]]:
        of_page = [event for event in self.browser.events if event.get("sessionId") == self.session]
        return [event["params"] for event in of_page if event.get("method") in methods]

    @property
    def asked(self) -> list[str]:
        """What the page wanted to load, itself first; what it carries within itself is not asked for."""
        urls = [str(told["request"]["url"]) for told in self._told("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith("data:")]

    def got(self, url: str) -> bool:
        """Whether something came of what the page asked for."""
        asked = self._told("Network.requestWillBeSent")
        numbers = {told["requestId"] for told in asked if told["request"]["url"] == url}
        return any(told["requestId"] in numbers for told in self._told("Network.responseReceived"))

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """What stands in the console: messages, exceptions, violations of the content policy."""
        return self._told(*_COMPLAINTS)

    def look(self, width: int, height: int = 900, scheme: str = "light", medium: str = "screen") -> None:
        """Gives the window that size, the system that colour scheme, and the page that medium."""
        preference = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", media=medium, features=[preference])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def show_all(self, width: int, scheme: str = "light", medium: str = "screen") -> None:
        """Makes the window as tall as the page, with every part of it laid out."""
        self.look(width, scheme=scheme, medium=medium)
        self.evaluate(_SHOW_ALL)
        self.look(width, int(self.evaluate("document.documentElement.scrollHeight")), scheme, medium)

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the window, whose own scroll bar takes some of it."""
        return int(self.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    @property
    def text(self) -> str:
        """What a person can read."""
        return str(self.evaluate("document.body.innerText"))

    def axe(self) -> tuple[list[Finding], list[Finding]]:
        """What breaks a rule of accessibility, and what axe cannot tell of."""
        self.evaluate(f"{AXE.read_text(encoding='utf-8')};0")
        violations, incomplete = json.loads(self.evaluate(_RUN_AXE))
        return [Finding(*each) for each in violations], [Finding(*each) for each in incomplete]

    def is_scrolled_away(self, target: str) -> bool:
        """Whether that element is where a part of the page would have to be scrolled to, by this part's own bar."""
        return bool(
            self.evaluate(f"""(() => {{
            const at = document.querySelector({json.dumps(target)}), part = at.closest('[tabindex="0"]');
            return part && at.getBoundingClientRect().right > part.getBoundingClientRect().right + 1;
        }})()""")
        )

    def press(self, key: str) -> None:
        """Presses and lets go of a key."""
        number, text = {"Tab": (9, ""), "Enter": (13, "\r")}[key]
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number, text=text)

    @property
    def focused(self) -> dict[str, Any] | None:
        """Where the keyboard is: what it is, whether it is seen, and whether it is marked."""
        told = self.evaluate(_FOCUSED)
        return None if told is None else dict(json.loads(told))

    def picture(self) -> bytes:
        """What the window shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def pdf(self, paper: tuple[float, float]) -> bytes:
        """The page printed on that paper, as a person's browser does it."""
        width, height = paper
        told = self.call(
            "Page.printToPDF", paperWidth=width, paperHeight=height, preferCSSPageSize=False, printBackground=True
        )
        return base64.b64decode(told["data"])


def without_network() -> list[str]:
    """The command in front of one that is to have no network at all."""
    prefix = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, f"these tests need network namespaces: {tried.stderr}"
    return prefix
