"""A poller, the real ledger and the stand-in of fal."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import trayd.fal.client as client_module
from tests.fal.conftest import QUICK, SECRET, http, raw_server, still_sandbox
from tests.fal.door import DirectDoor
from tests.fal.polls import MONTH, VEO, asked, billed_jobs, generations, jobs, known_jobs, now, polling
from trayd.errors import KeyMissingError, LedgerFullError
from trayd.facts import AccountFact, Added, Batch, Coverage, EventFact
from trayd.fal.keys import Key
from trayd.fal.outcome import BackfillSummary
from trayd.fal.poller import Poller
from trayd.fal.reconcile import SETTLED_AFTER
from trayd.fal.rounds import fal_time
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.server import Sandbox, running_sandbox
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.records import Counting, Status
from trayd.settings import Poll

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with still_sandbox(days=6, per_day=25) as running:
        yield running


async def test_the_first_poll_backfills_and_tells_once_what_it_found(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger) as poller:
        began = now()
        first = await poller.poll(began)
        second = await poller.poll(now())

    charged = billed_jobs(sandbox)
    assert (first.state, first.problem) == ("ok", "")
    assert first.account == sandbox.world.accounts[0].username
    assert first.backfill is not None
    assert first.backfill.generations == len(charged)
    assert first.backfill.cost == Money(sum(charged.values()))
    assert first.backfill.since == began - timedelta(days=30)
    assert second.backfill is None
    actuals = {name: record.actual for name, record in generations(ledger).items() if record.actual is not None}
    assert actuals == {name: Money(nanos) for name, nanos in charged.items()}
    coverage = ledger.coverage(first.account)
    assert coverage is not None
    assert (coverage.since, coverage.first_completed_at) == (began - timedelta(days=30), began)


async def test_records_get_name_operation_duration_status_unit_and_key(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger) as poller:
        await poller.poll(now())
    found = generations(ledger)
    for name in known_jobs(sandbox):
        job, record = jobs(sandbox)[name], found[name]
        assert record.display_name == job.endpoint.name
        assert record.duration_s == pytest.approx(job.queue_s + job.run_s, abs=0.001)
        assert record.status is (Status.COMPLETED if job.status_code < 400 else Status.FAILED)
        assert record.timestamp == job.sent_at
        if job.endpoint.name is not None:
            assert record.operation == job.endpoint.operation
        if job.charges and record.unit_price is not None:  # a job of just now is billed a little later
            assert record.key == job.caller.detail
            assert record.unit == job.endpoint.unit
        assert record.parameters == {}


async def test_inputs_are_kept_only_where_the_person_wants_them(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger, payloads=True) as poller:
        await poller.poll(now())
    assert all("prompt" in record.parameters for record in generations(ledger).values())


async def test_the_second_poll_is_small(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger) as poller:
        await poller.poll(now())
        sandbox.calls.clear()
        outcome = await poller.poll(now())
    assert asked(sandbox) == {
        "/account/billing": 1,
        "/models/billing-events": 1,
        "/models/requests/by-endpoint": -(
            -len({jobs(sandbox)[name].endpoint.id for name in known_jobs(sandbox)}) // 50
        ),
    }
    assert (outcome.created, outcome.changed) == ((), ())


async def test_polls_after_the_first_ask_from_before_their_watermark(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger, poll=Poll(overlap_hours=48)) as poller:
        await poller.poll(now())
        sandbox.calls.clear()
        await poller.poll(now())
    (call,) = (call for call in sandbox.calls if "billing-events" in call.path)
    start = datetime.fromisoformat(call.path.partition("start=")[2].partition("&")[0].replace("%3A", ":"))
    assert timedelta(hours=49) <= now() - start < timedelta(hours=49, minutes=1)


async def test_a_row_that_comes_late_is_merged_into_its_record(sandbox: Sandbox, ledger: Ledger) -> None:
    in_use = jobs(sandbox)[next(iter(billed_jobs(sandbox)))].endpoint
    late = sandbox.world.add_job(in_use.id, age_s=7200)
    sandbox.world.hide(late.request_id)
    async with polling(sandbox, ledger) as poller:
        await poller.poll(now())
        before = generations(ledger)[late.request_id]
        assert before.actual is None
        sandbox.world.hide(late.request_id, hidden=False)
        outcome = await poller.poll(now())
    after = generations(ledger)[late.request_id]
    assert outcome.changed == (late.request_id,)
    assert after.actual == Money(late.charges[0].total)
    assert after.counting is Counting.ACTUAL
    assert set(generations(ledger)) == known_jobs(sandbox)


async def test_what_is_not_priced_yet_is_unknown_until_it_is(sandbox: Sandbox, ledger: Ledger) -> None:
    sandbox.faults.inject(Fault("null_costs", "/models/billing-events", times=50))
    async with polling(sandbox, ledger) as poller:
        first = await poller.poll(now())
        assert first.backfill is not None
        assert first.backfill.cost == Money(0)
        assert first.backfill.unpriced == first.backfill.generations > 0
        told = {record.counting for record in generations(ledger).values()}
        assert told <= {Counting.UNKNOWN, Counting.FAILED, Counting.FREE}
        sandbox.faults.clear()
        # What is older than a poll looks back is found by the comparison of totals.
        await poller.poll(now(), thorough=True)
    total = sum(record.actual.nanos for record in generations(ledger).values() if record.actual)
    assert total == sum(billed_jobs(sandbox).values())


async def test_a_long_past_is_read_in_pieces_that_fal_answers(sandbox: Sandbox, ledger: Ledger) -> None:
    old = sandbox.world.add_job(VEO, units=Decimal(8), age_s=200 * 86_400)
    async with polling(sandbox, ledger, poll=Poll(backfill_days=365)) as poller:
        outcome = await poller.poll(now())
    assert outcome.problem == ""
    assert asked(sandbox)["/models/billing-events"] == 5
    assert generations(ledger)[old.request_id].actual == Money(old.charges[0].total)


async def test_many_pages_are_one_history(sandbox: Sandbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "EVENTS_PAGE", 7)
    async with polling(sandbox, ledger) as poller:
        outcome = await poller.poll(now())
        again = await poller.poll(now())
    charged = billed_jobs(sandbox)
    assert outcome.backfill is not None
    assert (outcome.backfill.generations, outcome.backfill.cost.nanos) == (len(charged), sum(charged.values()))
    assert (again.created, again.changed) == ((), ())


async def test_a_backfill_that_breaks_off_keeps_what_it_got_and_claims_nothing(
    sandbox: Sandbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "EVENTS_PAGE", 50)
    monkeypatch.setattr(client_module.FalClient, "_pages", _breaking_off(client_module.FalClient._pages, after=1))
    async with polling(sandbox, ledger) as poller:
        broken = await poller.poll(now())
        kept = sum(record.actual is not None for record in generations(ledger).values())
        monkeypatch.undo()
        whole = await poller.poll(now())
    assert broken.state == "offline"
    assert "what was billed could not be read" in broken.problem
    assert broken.backfill is None
    assert 0 < kept < len(billed_jobs(sandbox))
    assert whole.backfill is not None
    assert whole.backfill.generations == len(billed_jobs(sandbox))
    assert sum(record.actual is not None for record in generations(ledger).values()) == len(billed_jobs(sandbox))


FAULTS = {
    "401": Fault(status=401),
    "403": Fault(status=403, message="Access denied"),
    "locked": Fault(status=403, message="User is locked. Reason: Exhausted balance."),
    "404": Fault(status=404),
    "422": Fault(status=422),
    "429": Fault(status=429),
    "429 with Retry-After": Fault(status=429, retry_after="120"),
    "500": Fault(status=500),
    "503": Fault(status=503),
    "half a body": Fault("cut"),
    "wrong JSON": Fault("garbage"),
    "an HTML page": Fault("html", status=200),
    "a redirect": Fault("redirect"),
    "silence": Fault("slow", seconds=0.5),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_poll_that_fails_changes_no_data_and_says_why(name: str, sandbox: Sandbox, ledger: Ledger) -> None:
    fault = FAULTS[name]
    async with polling(sandbox, ledger) as poller:
        good = await poller.poll(now())
        before = (generations(ledger), list(ledger.balances()), ledger.coverage(good.account), ledger.models())
        (fact,) = ledger.accounts().values()
        for _ in range(100):
            sandbox.faults.inject(fault)
        bad = await poller.poll(now())
        (failed,) = ledger.accounts().values()
        assert (generations(ledger), list(ledger.balances()), ledger.coverage(good.account), ledger.models()) == before
        sandbox.faults.clear()

    assert bad.state == {"401": "bad_key", "403": "needs_admin", "locked": "locked"}.get(name, "offline")
    assert bad.problem == failed.problem != ""
    assert failed.as_of == fact.as_of
    assert failed.username == fact.username
    assert bad.retry_after == (pytest.approx(120, abs=2) if "Retry" in name else None)


@pytest.mark.parametrize(
    ("path", "state", "told", "kept"),
    [
        ("/account/billing", "offline", "the balance could not be read", "rows"),
        ("/models/billing-events", "offline", "what was billed could not be read", "balance"),
        ("/models/requests/by-endpoint", "ok", "how requests ran could not be read", "rows"),
        ("/models/pricing", "ok", "names and prices could not be read", "rows"),
        ("/models/usage", "ok", "fal's own totals could not be read", "rows"),
    ],
)
async def test_what_one_step_brings_is_kept_when_another_fails(
    sandbox: Sandbox, ledger: Ledger, path: str, state: str, told: str, kept: str
) -> None:
    sandbox.faults.inject(Fault(status=500, path=path, times=50))
    async with polling(sandbox, ledger) as poller:
        outcome = await poller.poll(now())
        assert outcome.state == state
        assert told in outcome.problem
        assert bool(ledger.latest_balances()) == (path != "/account/billing")
        actuals = [record for record in generations(ledger).values() if record.actual]
        assert len(actuals) == (len(billed_jobs(sandbox)) if kept == "rows" else 0)
        sandbox.faults.clear()
        healed = await poller.poll(now())
    assert (healed.state, healed.problem) == ("ok", "")
    assert len([record for record in generations(ledger).values() if record.display_name]) > 100


async def test_an_account_that_is_named_late_keeps_its_records(sandbox: Sandbox, ledger: Ledger) -> None:
    sandbox.faults.inject(Fault(status=500, path="/account/billing", times=3))
    async with polling(sandbox, ledger) as poller:
        unnamed = await poller.poll(now())
        named = await poller.poll(now())
    assert (unnamed.account, named.account) == ("default", sandbox.world.accounts[0].username)
    assert named.backfill is None
    assert {record.account for record in generations(ledger).values()} == {named.account}
    assert set(generations(ledger)) == known_jobs(sandbox)


async def test_with_an_api_key_prices_and_runs_work_and_the_rest_is_told(sandbox: Sandbox, ledger: Ledger) -> None:
    job = sandbox.world.add_job(VEO, units=Decimal(8), age_s=600)
    ledger.add(Batch(events=(EventFact(digest="d", request_id=job.request_id, endpoint_id=VEO, time=job.sent_at),)))
    async with polling(sandbox, ledger, key=sandbox.api_key) as poller:
        outcome = await poller.poll(now())
    assert outcome.state == "needs_admin"
    assert "Admin scope" in outcome.problem
    assert "trayd key set" in outcome.problem
    assert outcome.backfill is None
    assert ledger.latest_balances() == {}
    assert ledger.models()[VEO].unit_price is not None
    record = generations(ledger)[job.request_id]
    assert record.duration_s is not None
    assert record.actual is None
    assert asked(sandbox)["/account/billing"] == 1
    assert asked(sandbox)["/models/billing-events"] == asked(sandbox)["/models/usage"] == 0
    (fact,) = ledger.accounts().values()
    assert fact.as_of is not None


async def test_an_invoiced_account_has_no_balance_rather_than_zero(ledger: Ledger) -> None:
    async with raw_server(http(b'{"username":"agency"}')) as server, polling(server.url, ledger) as poller:
        await poller.poll(now())
    (fact,) = ledger.accounts().values()
    assert (fact.username, fact.has_credits) == ("agency", False)
    assert ledger.latest_balances() == {}


async def test_no_key_is_told_and_a_new_one_is_taken_at_the_next_poll(sandbox: Sandbox, ledger: Ledger) -> None:
    keys: list[Key] = []

    def find_key() -> Key:
        if not keys:
            raise KeyMissingError("there is no key for the account 'default'", "set it with `trayd key set`")
        return keys[-1]

    async with polling(sandbox, ledger, find_key=find_key) as poller:
        none = await poller.poll(now())
        keys.append(Key("mistyped"))
        wrong = await poller.poll(now())
        keys.append(Key(SECRET))
        right = await poller.poll(now())
    assert [outcome.state for outcome in (none, wrong, right)] == ["no_key", "bad_key", "ok"]
    assert "trayd key set" in none.problem


def test_a_keyring_that_waits_for_its_dialog_keeps_no_process_from_ending() -> None:
    program = (
        "import asyncio, threading; from trayd.fal.poller import Poller; from trayd.settings import Poll\n"
        "from datetime import UTC, datetime\n"
        "asked = threading.Event()\n"
        "def find_key(): asked.set(); threading.Event().wait()\n"
        "class Door:\n"
        "    async def read(self, look): return {}\n"
        "async def main():\n"
        "    poller = Poller('default', Door(), find_key, base_url='http://127.0.0.1:9/v1', poll=Poll())\n"
        "    poll = asyncio.create_task(poller.poll(datetime.now(UTC)))\n"
        "    while not asked.is_set(): await asyncio.sleep(0.01)\n"
        "    poll.cancel()\n"
        "    await asyncio.gather(poll, return_exceptions=True)\n"
        "    print('cancelled')\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=20, check=True)
    assert ended.stdout == b"cancelled\n"


async def test_a_ledger_that_refuses_is_told_and_the_next_poll_tries_again(sandbox: Sandbox, ledger: Ledger) -> None:
    class FullOnce(DirectDoor):
        full = True

        async def submit(self, batch: Batch) -> Added:
            if self.full and batch.billing:
                raise LedgerFullError("there is no room on /home", "make room")
            return await super().submit(batch)

    door = FullOnce(ledger)
    poller = Poller("default", door, lambda: Key(SECRET), base_url=sandbox.url, poll=MONTH, retry_policy=QUICK)
    full = await poller.poll(now())
    door.full = False
    roomy = await poller.poll(now())
    await poller.aclose()
    assert full.problem == "there is no room on /home; make room"
    assert ledger.coverage(full.account) is not None
    assert roomy.problem == ""
    assert roomy.backfill is not None


async def test_a_request_that_runs_is_pending_and_followed_to_its_end_and_its_bill(ledger: Ledger) -> None:
    # Slow enough for a job to be seen running, fast enough to be seen ending.
    with running_sandbox(SandboxOptions(days=0, per_day=2000, speed=60, admin_key=SECRET)) as sandbox:
        async with polling(sandbox, ledger) as poller, asyncio.timeout(20):
            pending: set[str] = set()
            ended: set[str] = set()
            while not ended:
                outcome = await poller.poll(now())
                assert outcome.problem == ""
                found = generations(ledger)
                pending |= {name for name, record in found.items() if record.counting is Counting.PENDING}
                ended = {name for name in pending if found[name].confirmed and found[name].duration_s is not None}
                await asyncio.sleep(0.05)
    assert {generations(ledger)[name].status for name in ended} <= {Status.COMPLETED, Status.FAILED}


async def test_a_hidden_row_is_a_difference_that_names_endpoint_and_amount_until_it_appears(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    hidden = sandbox.world.add_job(VEO, units=Decimal(8), age_s=4 * 86_400)
    amount = hidden.charges[0].total
    sandbox.world.hide(hidden.request_id)
    async with polling(sandbox, ledger) as poller:
        outcome = await poller.poll(now())
        (difference,) = outcome.differences
        assert difference.endpoint_id == VEO
        assert difference.fal.nanos - difference.ledger.nanos == amount
        assert ledger.differences() == outcome.differences
        still = await poller.poll(now())
        assert [each.endpoint_id for each in still.differences] == [VEO]

        # It comes after four days, later than a poll looks back: the comparison itself fetches it.
        sandbox.world.hide(hidden.request_id, hidden=False)
        mended = await poller.poll(now(), thorough=True)
    assert mended.differences == ()
    assert ledger.differences() == ()
    assert generations(ledger)[hidden.request_id].actual == Money(amount)


async def test_a_row_that_may_still_come_is_no_difference(sandbox: Sandbox, ledger: Ledger) -> None:
    recent = sandbox.world.add_job(VEO, units=Decimal(8), age_s=SETTLED_AFTER.total_seconds() - 600)
    sandbox.world.hide(recent.request_id)
    async with polling(sandbox, ledger) as poller:
        assert (await poller.poll(now())).differences == ()


async def test_two_accounts_are_polled_apart(ledger: Ledger) -> None:
    with still_sandbox(days=3, per_day=10, accounts=2) as sandbox:
        second = sandbox.world.accounts[1]
        async with (
            polling(sandbox, ledger, name="studio") as studio,
            polling(sandbox, ledger, name="agency", key=second.keys.admin_key) as agency,
            polling("http://127.0.0.1:9/v1", ledger, name="broken") as broken,
        ):
            outcomes = [await poller.poll(now()) for poller in (broken, studio, agency)]
        assert [outcome.state for outcome in outcomes] == ["offline", "ok", "ok"]
        for index, name in enumerate(("studio", "agency")):
            assert set(generations(ledger, name)) == known_jobs(sandbox, index)
        assert {reading.account for reading in ledger.balances()} == {
            account.username for account in sandbox.world.accounts
        }


async def test_a_second_key_of_one_account_doubles_nothing(sandbox: Sandbox, ledger: Ledger) -> None:
    spare = sandbox.world.accounts[0].keys.spare_admin_key
    async with polling(sandbox, ledger, name="a") as a, polling(sandbox, ledger, name="b", key=spare) as b:
        first, second = await a.poll(now()), await b.poll(now())
    assert first.account == second.account
    assert second.backfill is None
    assert set(generations(ledger)) == known_jobs(sandbox)


async def test_a_clock_that_is_ahead_loses_no_rows(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger) as poller:
        await poller.poll(now() + timedelta(days=10))
        coverage = ledger.coverage(sandbox.world.accounts[0].username)
        assert coverage is not None
        assert coverage.until <= now()
        later = sandbox.world.add_job(VEO, units=Decimal(8), age_s=1)
        await poller.poll(now() + timedelta(seconds=2))
    assert later.request_id in generations(ledger)


async def test_a_watermark_from_the_future_hides_nothing(sandbox: Sandbox, ledger: Ledger) -> None:
    username = sandbox.world.accounts[0].username
    ahead = now() + timedelta(days=20)
    ledger.add(
        Batch(
            accounts=(AccountFact(name="default", state="ok", username=username),),
            coverage=(
                Coverage(
                    account=username,
                    since=ahead - timedelta(days=30),
                    until=ahead,
                    fetched_at=ahead,
                    first_completed_at=ahead,
                ),
            ),
        )
    )
    recent = sandbox.world.add_job(VEO, units=Decimal(8), age_s=3600)
    async with polling(sandbox, ledger) as poller:
        await poller.poll(now())
    assert recent.request_id in generations(ledger)


def test_fals_clock_counts_where_the_two_differ() -> None:
    here = datetime(2026, 3, 3, 14, 30, 0, 500_000, tzinfo=UTC)
    assert fal_time(None, here) == here
    assert fal_time(here.replace(microsecond=0), here) == here
    assert fal_time(here - timedelta(hours=2), here) == here - timedelta(hours=2)


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        ((612, 48_200_000_000, 0), "612 billed generations, $48.20, since 22 Oct"),
        ((1, 40_000_000, 0), "1 billed generation, $0.04, since 22 Oct"),
        ((1612, 5_000_000, 3), "1,612 billed generations, $0.0050 (3 without a price yet), since 22 Oct"),
        ((0, 0, 0), "no billed generations since 22 Oct"),
    ],
)
def test_the_end_of_the_backfill_in_words(summary: tuple[int, int, int], text: str) -> None:
    generations_, nanos, unpriced = summary
    at = datetime(2026, 11, 21, 3, tzinfo=UTC)
    found = BackfillSummary(
        generations=generations_, cost=Money(nanos), unpriced=unpriced, since=at - timedelta(days=30), at=at
    )
    assert found.text(UTC) == text


async def test_the_key_is_nowhere_in_what_a_poll_leaves(sandbox: Sandbox, ledger: Ledger, tmp_path: Path) -> None:
    sandbox.faults.inject(Fault(status=500, message=f"no luck with {SECRET}", path="/models/usage", times=9))
    async with polling(sandbox, ledger) as poller:
        outcome = await poller.poll(now())
        assert "no luck with …" in outcome.problem
        assert SECRET not in repr((outcome, poller, poller.__dict__))
    ledger.checkpoint()
    assert not _files_with(SECRET.encode(), tmp_path)


def _files_with(needle: bytes, folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if needle in path.read_bytes()]


def _breaking_off(pages: Callable[..., AsyncIterator[object]], *, after: int) -> Callable[..., AsyncIterator[object]]:
    """The same pages of billing events, with the network lost after some."""

    async def broken(self: object, kind: type, path: str, query: object) -> AsyncIterator[object]:
        async with aclosing(pages(self, kind, path, query)) as whole:  # type: ignore[type-var]
            count = 0
            async for page in whole:
                if "billing-events" in path and count == after:
                    raise client_module.FalAnswerError("the line is cut", "wait")
                count += 1
                yield page

    return broken
