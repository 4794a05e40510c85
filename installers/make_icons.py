"""Writes the application's icons to ``assets/icons``: ``python installers/make_icons.py``.

The pictures are the tray icon's own drawing. The scalable one is the same shapes as SVG, for launchers that want one.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image

from trayd.tray.icon import APP_LOOK, LIQUID, RIM, SPARK, TILE, Colour, draw

SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICONS = Path(__file__).parents[1] / "assets" / "icons"

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">
  <title>trayd</title>
  <defs>
    <linearGradient id="liquid" x1="0" y1="0" x2="0" y2="256" gradientUnits="userSpaceOnUse">
      <stop stop-color="{top}"/>
      <stop offset="1" stop-color="{bottom}"/>
    </linearGradient>
    <clipPath id="tank"><rect x="21" y="21" width="214" height="214" rx="43"/></clipPath>
  </defs>
  <rect width="256" height="256" rx="64" fill="{rim}"/>
  <rect x="8" y="8" width="240" height="240" rx="56" fill="{tile}"/>
  <path clip-path="url(#tank)" fill="url(#liquid)" d="M0 256 {wave} L256 256 Z"/>
  <path fill="{spark}" d="{large}"/>
  <path fill="{spark}" d="{small}"/>
</svg>
"""


def hex_of(colour: Colour) -> str:
    """The colour as SVG writes it."""
    return "#" + "".join(f"{part:02x}" for part in colour[:3])


def star(x: float, y: float, radius: float) -> str:
    """The spark as a path."""
    points = []
    for step in range(8):
        length = radius if step % 2 == 0 else radius * 0.27 * math.sqrt(2)
        angle = step * math.pi / 4
        points.append(f"{x + length * math.sin(angle):.1f} {y - length * math.cos(angle):.1f}")
    return "M" + " L".join(points) + " Z"


def svg() -> str:
    """The scalable icon; its numbers are those of the drawing at 256 pixels."""
    level = APP_LOOK.level or 0.0
    inset, inner = 21, 214
    surface = 256 - inset - round(inner * level)
    radius = 256 * 0.145
    middle = inset + (surface - inset) * 0.47
    top, bottom = LIQUID[APP_LOOK.state]
    wave = " ".join(
        f"L{x} {surface + 256 / 40 * math.sin(x / 256 * math.tau * 1.25 + 0.6):.1f}" for x in range(0, 257, 8)
    )
    return SVG.format(
        top=hex_of(top),
        bottom=hex_of(bottom),
        rim=hex_of(RIM),
        tile=hex_of(TILE),
        spark=hex_of(SPARK),
        wave=wave,
        large=star(256 * 0.62, middle, radius),
        small=star(256 * 0.36, middle - radius * 0.45, radius * 0.42),
    )


def main() -> None:
    """Write them all."""
    theme = ICONS / "hicolor"
    for size in SIZES:
        folder = theme / f"{size}x{size}" / "apps"
        folder.mkdir(parents=True, exist_ok=True)
        draw(APP_LOOK, size).save(folder / "trayd.png", optimize=True)
    folder = theme / "scalable" / "apps"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trayd.svg").write_text(svg(), encoding="utf-8")
    pictures: list[Image.Image] = [draw(APP_LOOK, size) for size in ICO_SIZES]
    pictures[-1].save(ICONS / "trayd.ico", sizes=[(size, size) for size in ICO_SIZES], append_images=pictures[:-1])


if __name__ == "__main__":
    main()
