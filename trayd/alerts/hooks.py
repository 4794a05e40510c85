"""Hooks: the way of warnings to a command or an address of the person's, beside the desktop. None is set by default.

One call carries one event to one hook, within bounds, and says whether it is dealt with. What waits, in which order,
and for how long it is tried again, is the dispatcher's business.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from trayd.alert_settings import Hook
from trayd.alerts.hook_command import CommandError, run_command
from trayd.alerts.hook_events import EventName, HookEvent, event_of, trial_event
from trayd.alerts.hook_formats import format_of
from trayd.alerts.hook_webhook import PostError, RetryAfter, RetryPolicy, host_of, post
from trayd.episodes import Episode

_PATIENT = RetryPolicy()
# Someone is waiting for the answer.
_AT_ONCE = RetryPolicy(attempts=1)

_log = logging.getLogger(__name__)


class Hooks:
    """Carries events to hooks. Calls for different hooks do not wait for each other.

    Attributes:
        troubles: by the hook's name, what was wrong when it was last tried; nothing of a hook that did its work.

    Args:
        retry_policy: how often a webhook is tried in one call.
    """

    def __init__(self, retry_policy: RetryPolicy = _PATIENT) -> None:
        self.troubles: dict[str, str] = {}
        self._retry_policy = retry_policy
        self._known: dict[str, Hook] = {}
        self._retry_after = RetryAfter()

    async def carry(self, hook: Hook, episode: Episode, event: EventName) -> bool:
        """Hands the event to the hook; whether that is done with.

        It is also done with when it has failed for good: an address that refuses it, a command that ended with a
        failure or not in time. Each trouble is in the log once, and in :attr:`troubles` while it lasts.

        Cancelled, it ends a command that runs, with everything that the command has started.
        """
        if self._retry_after.lasts(hook):
            return False
        try:
            await self._hand_over(hook, event_of(episode, event), self._retry_policy)
        except PostError as error:
            self._retry_after.note(hook, error)
            self._report(hook, f"{error}; trayd tries again by itself" if error.passing else str(error))
            return not error.passing
        except CommandError as error:
            self._report(hook, str(error))
        # A fault of trayd's own with this one event must not hold up all that wait behind it.
        except Exception as error:  # noqa: BLE001  # told by its kind alone: what it says could name the address
            self._report(hook, _own_fault(error))
        else:
            self._report(hook, "")
        return True

    async def try_out(self, hook: Hook) -> str:
        """Hands a test event to the hook, once; what is wrong, empty when it was taken."""
        trouble = ""
        try:
            await self._hand_over(hook, trial_event(datetime.now(UTC)), _AT_ONCE)
        except (PostError, CommandError) as error:
            trouble = str(error)
        # As above: whatever it is, the other ways are tried, and their outcomes are told.
        except Exception as error:  # noqa: BLE001  # told by its kind alone: what it says could name the address
            trouble = _own_fault(error)
        self._report(hook, trouble)
        return trouble

    def forget(self, hooks: Iterable[Hook]) -> None:
        """Forgets what is known of hooks that are none of these: the settings have changed."""
        now = {hook.name: hook for hook in hooks}
        for name, hook in list(self._known.items()):
            if now.get(name) != hook:
                del self._known[name]
                self.troubles.pop(name, None)
                self._retry_after.forget(name)

    async def _hand_over(self, hook: Hook, event: HookEvent, retry_policy: RetryPolicy) -> None:
        self._known[hook.name] = hook
        if hook.command:
            await run_command(hook, event)
        else:
            await post(hook, event, retry_policy)

    def _report(self, hook: Hook, trouble: str) -> None:
        """Logs what is wrong with a hook once, until it is something else, and when it works again."""
        before = self.troubles.pop(hook.name, "")
        if trouble:
            self.troubles[hook.name] = trouble
        if trouble and trouble != before:
            _log.warning("hook %r: %s", hook.name, trouble)
        if before and not trouble:
            _log.info("hook %r works again", hook.name)


def _own_fault(error: Exception) -> str:
    return f"trayd failed to call it ({type(error).__name__})"


def told_of(hook: Hook) -> str:
    """What a hook is, without anything that is secret: its program, or its host and the form."""
    if hook.command:
        return f"command {hook.command[0]}"
    return f"{host_of(hook)} ({format_of(hook)})"
