"""What a sandbox can be told at its start."""

from __future__ import annotations

from decimal import Decimal

import msgspec

# All requests are held in memory, about a kilobyte each.
_MOST_JOBS = 1_000_000
_FASTEST = 10_000_000


class ScriptedJob(msgspec.Struct, frozen=True):
    """A job of the first account that arrives at a set time, whatever the simulation brings besides.

    Attributes:
        after_s: real seconds after the sandbox's start; less than zero is before it, and billed by then.
        endpoint_id: an endpoint of the catalogue that has a price.
        units: the quantity that is billed.
        billed_after_s: real seconds from its end to its bill; None: as soon as any other's.
    """

    after_s: float
    endpoint_id: str
    units: Decimal
    billed_after_s: float | None = None


class SandboxOptions(msgspec.Struct, frozen=True):
    """The settings of one sandbox.

    The past is a function of the seed and the civil date (UTC), the present one of the seed, the speed and the
    clock's time, so two sandboxes with the same options tell the same story wherever their times overlap.

    Attributes:
        port: the port on 127.0.0.1; 0 takes a free one.
        days: how many days of history there are before today.
        per_day: requests of each account on an average day.
        seed: the same seed gives the same data.
        speed: after the start, jobs arrive this many times faster, evenly around the clock; queueing, running, billing
            delays and top-ups shrink by the same factor. Time stamps stay those of the real clock, and a
            job's ``duration`` stays what the model would really take.
        faults: answer some calls with throttling, server errors and broken bodies.
        accounts: how many accounts there are, each with its own user name and keys.
        balance: the first account's credits at the start, in dollars.
        top_up: what is added when credits run low, in dollars; 0 never adds any.
        admin_key: the first account's Admin key; a random one when empty.
        api_key: the first account's API key; a random one when empty.
        script: jobs that arrive at set times.
    """

    port: int = 0
    days: int = 30
    per_day: int = 40
    seed: int = 1
    speed: float = 1.0
    faults: bool = False
    accounts: int = 1
    balance: Decimal = Decimal("31.40")
    top_up: Decimal = Decimal(100)
    admin_key: str = ""
    api_key: str = ""
    script: tuple[ScriptedJob, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (("days", 0), ("per_day", 0), ("accounts", 1), ("port", 0), ("balance", 0), ("top_up", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it cannot be less than {least}")
        if not 0 < self.speed < _FASTEST:
            raise ValueError(f"speed is {self.speed}; it must be more than 0 and less than {_FASTEST}")
        if self.days * self.per_day * self.accounts > _MOST_JOBS:
            raise ValueError(
                f"days × per_day × accounts is {self.days * self.per_day * self.accounts}; "
                f"the sandbox holds at most {_MOST_JOBS} past requests"
            )
