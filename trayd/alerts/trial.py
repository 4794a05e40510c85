"""Test alerts: one is sent to the desktop and to each hook, and it is told what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from trayd.alert_settings import Hook
from trayd.alerts.delivery import Deliverer, Outcome
from trayd.alerts.hooks import Hooks, told_of
from trayd.alerts.notice import Notice
from trayd.errors import UsageError


class ListedHook(msgspec.Struct, frozen=True, kw_only=True):
    """A hook of the settings.

    Attributes:
        target: its program, or its host and the form that it is written in; never its whole address.
        trouble: what was wrong when the daemon tried it last; empty when nothing was, or when it was not tried.
    """

    name: str
    target: str
    trouble: str = ""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a test.

    Attributes:
        name: ``desktop``, or the hook's name; ``is_hook`` tells them apart.
        target: where it went.
        state: delivered, off (nothing is to go there), or failed.
        trouble: why it was not delivered.
    """

    name: str
    is_hook: bool
    target: str
    state: str
    trouble: str = ""


async def try_alerts(
    deliverer: Deliverer, hooks: Hooks, wanted: Sequence[Hook], only: str | None, *, buttons: bool
) -> list[Tried]:
    """Sends a test to the desktop and to the hooks; to one hook alone where its name is given.

    Args:
        deliverer: the way to the desktop.
        hooks: the way to the hooks.
        wanted: the hooks of the settings.
        only: the name of one hook.
        buttons: whether somebody is there to do what the notification's button asks for.

    Raises:
        UsageError: there is no hook of that name.
    """
    chosen = [hook for hook in wanted if only in {None, hook.name}]
    if only is not None and not chosen:
        raise UsageError(f"there is no hook {only!r} in the settings", "see `trayd config show`")
    trials = [_try_hook(hooks, hook) for hook in chosen]
    if only is None:
        trials.insert(0, _try_desktop(deliverer, buttons=buttons))
    return list(await asyncio.gather(*trials))


async def _try_desktop(deliverer: Deliverer, *, buttons: bool) -> Tried:
    notice = Notice(
        episodes=(),
        title="A test of trayd",
        body="This is how warnings look here. Nothing is wrong.",
        actions=(("Open dashboard", "open:dashboard"),) if buttons else (),
    )
    outcome = await deliverer.show(notice)
    target = f"by {outcome}" if outcome in {Outcome.PLYER, Outcome.OSASCRIPT} else "notifications"
    known = deliverer.state
    state, trouble = "delivered", ""
    if known.off:
        state, trouble = "off", known.off
    elif outcome in {Outcome.LOG, Outcome.LATER}:
        state, trouble = "failed", known.trouble
    return Tried(name="desktop", is_hook=False, target=target, state=state, trouble=trouble)


async def _try_hook(hooks: Hooks, hook: Hook) -> Tried:
    trouble = await hooks.try_out(hook)
    state = "failed" if trouble else "delivered"
    return Tried(name=hook.name, is_hook=True, target=told_of(hook), state=state, trouble=trouble)
