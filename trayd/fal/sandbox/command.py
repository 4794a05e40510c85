"""``trayd sandbox``."""

from __future__ import annotations

import click


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--days", type=click.IntRange(0, 3650), default=30, show_default=True, help="Days of history.")
@click.option(
    "--per-day", type=click.IntRange(0, 100_000), default=40, show_default=True, help="Requests on an average day."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same data.")
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many times faster jobs arrive, run and are billed from now on.",
)
@click.option("--faults", is_flag=True, help="Throttle, fail and break some answers.")
@click.option(
    "--accounts", type=click.IntRange(1, 50), default=1, show_default=True, help="Accounts, each with its own keys."
)
def sandbox_command(
    *, port: int, days: int, per_day: int, seed: int, speed: float, faults: bool, accounts: int
) -> None:
    """Serve a stand-in of fal's Platform API, and of the exchange rates, on this machine.

    Prints one line of JSON with its URL and its keys when it is ready, and serves until it is interrupted.
    """
    from trayd.fal.sandbox.options import SandboxOptions
    from trayd.fal.sandbox.server import serve

    try:
        options = SandboxOptions(
            port=port, days=days, per_day=per_day, seed=seed, speed=speed, faults=faults, accounts=accounts
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    serve(options)
