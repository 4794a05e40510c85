"""The digest: one notice of all that came up while none could be shown: what lasts, what happened, what is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from trayd.alerts.notice import Notice, and_more, notice_of, summary
from trayd.alerts.words.writing import TITLE, written_time
from trayd.episodes import Episode, Urgency
from trayd.texts import units_of

_QUIET = "While it was quiet: "
_CROWDED = "Meanwhile: "
_LISTED = 6


def digest(episodes: Sequence[Episode], now: datetime, zone: tzinfo, *, quiet: bool = True) -> Notice:
    """The notice of all that was held back.

    What lasts comes first, the gravest of it in full; what has ended meanwhile is named as over.

    Args:
        episodes: in the order in which they came up.
        now: the time at which this is told (UTC).
        zone: of the clock that times are told by.
        quiet: it was quiet hours or a pause that held them back, not only the limit of notices an hour.
    """
    lasting = [episode for episode in episodes if not episode.over]
    over = [episode for episode in episodes if episode.over]
    notice = _of_lasting(lasting) if lasting else None
    ordered = [*_by_gravity(lasting, notice), *over]
    if len(episodes) == 1:
        (only,) = episodes
        body = f"From {_times(only, now, zone)}; it is over by now." if only.over else only.text
        title = only.title
        titles: tuple[str, ...] = ()
    else:
        lines = [_line(episode, now, zone, in_full=not index) for index, episode in enumerate(ordered[:_LISTED])]
        if len(ordered) > _LISTED:
            lines.append(and_more(len(ordered) - _LISTED))
        body = "\n".join(lines)
        title = f"{len(episodes)} warnings" + _how_many_over(len(over), len(episodes))
        titles = tuple(f"Over: {episode.title}" if episode.over else episode.title for episode in ordered)
    when = f"{_QUIET if quiet else _CROWDED}{title}"
    return Notice(
        episodes=tuple(episode.id for episode in ordered),
        # What it says matters more than when it came up.
        title=when if units_of(when) <= TITLE else title,
        body=body,
        over=tuple(dict.fromkeys(each.id for each in over if each.id not in {one.id for one in lasting})),
        titles=titles,
        urgency=notice.urgency if notice else Urgency.LOW,
        actions=notice.actions if notice else (),
    )


def _of_lasting(lasting: Sequence[Episode]) -> Notice:
    return notice_of(lasting[0]) if len(lasting) == 1 else summary(lasting)


def _by_gravity(lasting: Sequence[Episode], notice: Notice | None) -> list[Episode]:
    """Those of the notice's urgency first; both halves in the order in which they came up."""
    first = [episode for episode in lasting if notice and episode.urgency == notice.urgency]
    return [*first, *(episode for episode in lasting if episode not in first)]


def _line(episode: Episode, now: datetime, zone: tzinfo, *, in_full: bool) -> str:
    told = f"{episode.title} ({_times(episode, now, zone)})"
    if episode.over:
        return f"Over: {told}"
    return f"{told}: {episode.text}" if in_full else told


def _times(episode: Episode, now: datetime, zone: tzinfo) -> str:
    # Beside the words of its level.
    since = (episode.reached or episode.since).astimezone(zone)
    today = now.astimezone(zone)
    if episode.resolved is None:
        return f"since {written_time(since, today)}"
    until = episode.resolved.astimezone(zone)
    if not episode.over:
        return f"at {written_time(since, today)}"
    # The day is said once.
    return f"{written_time(since, today)} to {written_time(until, since if until.date() == since.date() else today)}"


def _how_many_over(over: int, of: int) -> str:
    if not over:
        return ""
    return ", all over by now" if over == of else f", {over} of them over by now"
