"""Draws the icon: a tank of credits with a spark above, readable from 16 pixels on.

The tile is dark with a light rim, so it stands out from light and from dark panels. Each state has a shape of its
own, not only a colour: low carries a triangle, critical is a full tile with an exclamation mark, stale carries a
clock, offline is struck through. Everything is laid on whole pixels of the wanted size and drawn larger, then
scaled down, which keeps edges straight at 16 pixels and curves smooth at 256.
"""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageDraw

from trayd.tray.model import IconLook, IconState

#: The sizes that panels ask for; StatusNotifierItem hosts take the nearest.
SIZES = (16, 22, 24, 32, 48, 64)

#: How the application's own icon looks, in menus and on the desktop.
APP_LOOK = IconLook(level=0.58, state=IconState.OK)

Point = tuple[float, float]
Colour = tuple[int, int, int, int]

TILE: Colour = (23, 27, 41, 255)
RIM: Colour = (236, 240, 247, 255)
INK: Colour = (23, 27, 41, 255)
PAPER: Colour = (255, 255, 255, 255)
ALARM: Colour = (215, 38, 56, 255)
WARNING: Colour = (255, 200, 40, 255)
SPARK: Colour = (255, 244, 214, 255)

# Top and bottom colour of the liquid.
LIQUID: dict[IconState, tuple[Colour, Colour]] = {
    IconState.OK: ((74, 231, 196, 255), (13, 158, 150, 255)),
    IconState.LOW: ((255, 201, 61, 255), (232, 143, 12, 255)),
    IconState.CRITICAL: (ALARM, ALARM),
    IconState.STALE: ((150, 161, 180, 255), (112, 123, 143, 255)),
    IconState.OFFLINE: ((104, 114, 133, 255), (84, 93, 111, 255)),
}

# Below this a wave, a spark beside a level and the marks in the badges are only noise.
_DETAIL_FROM = 32
_LARGE = 128


@lru_cache(maxsize=64)
def draw(look: IconLook, size: int) -> Image.Image:
    """The icon as an RGBA picture of ``size`` × ``size`` pixels. The picture is shared: copy it before changing it."""
    return _Drawing(size).render(look)


@lru_cache(maxsize=32)
def argb(look: IconLook, size: int) -> bytes:
    """The icon's pixels as StatusNotifierItem wants them: ARGB, a byte each, in network byte order."""
    red, green, blue, alpha = draw(look, size).split()
    return Image.merge("RGBA", (alpha, red, green, blue)).tobytes()


class _Drawing:
    """One icon in the making. Lengths are in pixels of the wanted size until they are painted."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.zoom = 4 if size >= _LARGE else 8
        self.image = Image.new("RGBA", (size * self.zoom,) * 2)
        self.pen = ImageDraw.Draw(self.image)
        self.rim = max(1, round(size / (32 if size >= _LARGE else 24)))
        self.gap = max(1, round(size / 20))

    def render(self, look: IconLook) -> Image.Image:
        if look.state is IconState.CRITICAL:
            self._tile(ALARM)
            self._exclamation(self.size / 2, self.size * 0.19, self.size * 0.62, PAPER)
        else:
            self._tile(TILE)
            self._contents(look)
        if look.state is IconState.LOW:
            self._triangle_badge()
        elif look.state is IconState.STALE and look.level is not None:
            self._clock(self.size * 0.7, self.size * 0.3)
        elif look.state is IconState.STALE:
            self._clock(self.size * 0.5, self.size * 0.36)
        elif look.state is IconState.OFFLINE:
            self._strike()
        return self.image.resize((self.size, self.size), Image.Resampling.BOX)

    def _tile(self, colour: Colour) -> None:
        self._rounded(0, self.size * 0.25, RIM)
        self._rounded(self.rim, self.size * 0.25 - self.rim, colour)

    def _contents(self, look: IconLook) -> None:
        # The spark is the mark of the program; where a badge or a stroke lies over it, it would only blur them.
        bright = look.state is IconState.OK
        if look.level is None:
            if bright:
                self._spark(self.size / 2, self.size / 2, self.size * 0.34, SPARK)
            return
        inset = self.rim + self.gap
        inner = self.size - 2 * inset
        # A trace stays visible while there is any money, and a gap while it is not full.
        height = min(inner, max(1, round(inner * look.level))) if look.level > 0 else 0
        surface = self.size - inset - height
        if height:
            self._liquid(look.state, inset, surface)
        if bright:
            self._sparks(inset, surface - inset)

    def _sparks(self, inset: int, room: int) -> None:
        """The mark in the room above the liquid, or cut out of the liquid where that leaves no room."""
        size, radius = self.size, self.size * 0.145
        if room < size * 0.12:
            self._spark(size * 0.5, size * 0.5, size * 0.3, INK)
        elif size >= _DETAIL_FROM and room > radius * 1.6:
            middle = inset + max(radius, room * 0.47)
            self._spark(size * 0.62, middle, radius, SPARK)
            if size >= _LARGE:
                self._spark(size * 0.36, middle - radius * 0.45, radius * 0.42, SPARK)

    def _liquid(self, state: IconState, inset: int, surface: int) -> None:
        zoom, side = self.zoom, self.size * self.zoom
        mask = Image.new("L", (side, side))
        pen = ImageDraw.Draw(mask)
        edge = (inset * zoom, inset * zoom, side - inset * zoom - 1, side - inset * zoom - 1)
        pen.rounded_rectangle(edge, radius=max(zoom, (self.size * 0.25 - inset) * zoom), fill=255)
        wave = self.size / 40 if self.size >= _DETAIL_FROM and surface > inset else 0
        above = [(float(x), (surface + wave * math.sin(x / side * math.tau * 1.25 + 0.6)) * zoom) for x in range(side)]
        pen.polygon([(0, -zoom), *above, (side, -zoom)], fill=0)
        top, bottom = LIQUID[state]
        colours = Image.composite(
            Image.new("RGBA", (side, side), bottom),
            Image.new("RGBA", (side, side), top),
            Image.linear_gradient("L").resize((side, side)),
        )
        self.image.paste(colours, (0, 0), mask)

    def _triangle_badge(self) -> None:
        size = self.size
        edge = max(1.0, size / 16)
        left, top, right, bottom = size * 0.4, size * 0.42, size - edge, size - edge
        middle = (left + right) / 2
        outer = [(middle, top - edge * 1.6), (right + edge * 1.2, bottom + edge), (left - edge * 1.2, bottom + edge)]
        self._polygon(outer, INK)
        self._polygon([(middle, top), (right, bottom), (left, bottom)], WARNING)
        if size >= _DETAIL_FROM:
            self._exclamation(middle, top + size * 0.2, size * 0.3, INK)

    def _clock(self, centre: float, radius: float) -> None:
        edge = max(1.0, self.size / 16)
        radius -= edge * 0.5
        self._disc(centre, centre, radius + edge * 0.9, INK)
        self._disc(centre, centre, radius, PAPER)
        hand = max(1.0, self.size / 14)
        self._line([(centre, centre - radius * 0.66), (centre, centre), (centre + radius * 0.55, centre)], hand, INK)

    def _strike(self) -> None:
        size = self.size
        ends: list[Point] = [(size * 0.2, size * 0.8), (size * 0.8, size * 0.2)]
        self._line(ends, max(4.0, size * 0.27), INK)
        self._line(ends, max(2.0, size * 0.125), PAPER)

    def _exclamation(self, x: float, top: float, height: float, colour: Colour) -> None:
        width = max(2.0, height * 0.24) if self.size < _DETAIL_FROM else height * 0.24
        self._line([(x, top + width / 2), (x, top + height * 0.6)], width, colour)
        self._disc(x, top + height - width * 0.56, width * 0.56, colour)

    def _spark(self, x: float, y: float, radius: float, colour: Colour) -> None:
        waist = radius * 0.27
        points = []
        for step in range(8):
            length = radius if step % 2 == 0 else waist * math.sqrt(2)
            angle = step * math.pi / 4
            points.append((x + length * math.sin(angle), y - length * math.cos(angle)))
        self._polygon(points, colour)

    # Painting, enlarged

    def _rounded(self, inset: float, radius: float, colour: Colour) -> None:
        far = (self.size - inset) * self.zoom - 1
        near = inset * self.zoom
        self.pen.rounded_rectangle((near, near, far, far), radius=radius * self.zoom, fill=colour)

    def _polygon(self, points: list[Point], colour: Colour) -> None:
        self.pen.polygon([(x * self.zoom, y * self.zoom) for x, y in points], fill=colour)

    def _disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        zoom = self.zoom
        box = ((x - radius) * zoom, (y - radius) * zoom, (x + radius) * zoom, (y + radius) * zoom)
        self.pen.ellipse(box, fill=colour)

    def _line(self, points: list[Point], width: float, colour: Colour) -> None:
        zoom = self.zoom
        self.pen.line([(x * zoom, y * zoom) for x, y in points], fill=colour, width=round(width * zoom), joint="curve")
        for x, y in (points[0], points[-1]):
            self._disc(x, y, width / 2, colour)
