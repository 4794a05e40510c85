"""The running sums of one line: what was added comes back as it was, whatever its size and the order of changes."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from trayd.ledger.rollups import Amount, Series

#: Of currencies with large numbers the sums of a month can be beyond 64 bits.
NANOS = st.integers(-(2**63) + 1, 2**63 - 1)
CELLS = st.dictionaries(st.integers(0, 10**12), st.tuples(st.integers(1, 50), NANOS), max_size=12)
CHANGES = st.lists(st.tuples(st.integers(0, 10**12), st.integers(-3, 3), NANOS), max_size=6)


def _series(cells: dict[int, tuple[int, int]]) -> Series:
    times = sorted(cells)
    return Series.of(times, [cells[at][0] for at in times], [cells[at][1] for at in times])


@given(CELLS)
def test_what_it_is_made_of_comes_back(cells: dict[int, tuple[int, int]]) -> None:
    assert list(_series(cells).cells()) == [(at, *cells[at]) for at in sorted(cells)]


@given(CELLS, CHANGES, st.integers(0, 10**12))
def test_a_change_counts_for_it_and_for_what_it_is_a_part_of(
    cells: dict[int, tuple[int, int]], changes: list[tuple[int, int, int]], edge: int
) -> None:
    part, other = _series(cells), _series({7: (1, 5)})
    whole = Series.over([part, other])
    expected = defaultdict(lambda: (0, 0), cells)
    for at, count, nanos in changes:
        part.change(at, count, nanos)
        expected[at] = expected[at][0] + count, expected[at][1] + nanos
    before = [pair for at, pair in expected.items() if at < edge]
    summed = Amount(sum(count for count, _ in before), sum(nanos for _, nanos in before))
    assert part.between(None, edge) == summed
    also = Amount(1, 5) if edge > 7 else Amount(0, 0)
    assert whole.between(None, edge) == Amount(summed.count + also.count, summed.nanos + also.nanos)


def test_a_sum_that_is_followed_no_longer_stays_as_it_was() -> None:
    part = _series({1: (1, 10)})
    kept, left = Series.over([part]), Series.over([part])
    part.leaves({left})
    part.change(2, 1, 5)
    assert kept.between(None, None) == Amount(2, 15)
    assert left.between(None, None) == Amount(1, 10)
