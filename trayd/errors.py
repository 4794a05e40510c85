"""The errors that trayd shows to people.

Each tells what is concerned, what is wrong there, and the cure. Foreign errors (HTTP client, operating system,
decoder) are translated into one of these once, at the boundary where they come in.
"""

from __future__ import annotations


class TraydError(Exception):
    """Something a person can act on.

    Attributes:
        message: the thing and what is wrong with it, without a full stop at the end.
        cure: what to do about it, as an imperative; empty where nothing can be done.
    """

    #: The exit code of the command line: 1 failed, 2 wrong usage, 10 the user or a limit said no.
    exit_code = 1

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message


class UsageError(TraydError):
    """A command or an API call was given arguments that make no sense."""

    exit_code = 2


class DeclinedError(TraydError):
    """The person, or a limit the person has set, said no."""

    exit_code = 10


class SettingsError(TraydError):
    """The settings file, or a value for it, is not valid."""


class RecordError(TraydError):
    """A record breaks a rule of its type: an amount that is not finite, a time without a zone."""


class LedgerError(TraydError):
    """The store cannot do what was asked of it."""


class LedgerLockedError(LedgerError):
    """Another process holds the ledger."""


class LedgerDamagedError(LedgerError):
    """Both files of a pair are damaged; nothing was deleted."""


class LedgerNewerError(LedgerError):
    """A newer trayd wrote it; this one changes nothing."""


class LedgerFullError(LedgerError):
    """There is no room, or the disk refuses to write; nothing was changed."""


class ProxyError(TraydError):
    """The system names a proxy that cannot be used; nothing was sent."""


class FalError(TraydError):
    """fal.ai gave no usable answer. The last known values stay."""

    #: What the account's state becomes, in the words of ``trayd status --json``.
    state = "offline"


class FalUnreachableError(FalError):
    """No answer: no network, DNS or TLS failure, time-out, a server error that lasts.

    Attributes:
        connected: a connection came about, so that another question may well be answered.
    """

    def __init__(self, message: str, cure: str = "", *, connected: bool = False) -> None:
        super().__init__(message, cure)
        self.connected = connected


class FalAnswerError(FalError):
    """An answer came that is not what fal's API describes."""


class FalThrottledError(FalError):
    """fal asks for fewer calls (429) and went on asking after the retries."""

    def __init__(self, message: str, cure: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message, cure)
        self.retry_after = retry_after


class FalRequestError(FalError):
    """fal refused the question itself (400, 404, 422).

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, cure: str = "", *, status: int) -> None:
        super().__init__(message, cure)
        self.status = status


class KeyMissingError(FalError):
    """There is no key for this account."""

    state = "no_key"


class KeyRefusedError(FalError):
    """fal does not know the key (401)."""

    state = "bad_key"


class KeyScopeError(FalError):
    """The key is good but lacks the Admin scope (403)."""

    state = "needs_admin"


class AccountLockedError(FalError):
    """fal has locked the account, as a rule because the balance is used up (403)."""

    state = "locked"


class RatesError(TraydError):
    """Exchange rates could not be fetched or kept. The last known ones stay."""


class KeyringError(TraydError):
    """The system keyring cannot be read or written."""


class IntakeError(TraydError):
    """A file cannot be taken in."""


class DaemonError(TraydError):
    """The running daemon did not answer, or there is none where one is needed."""
