"""What is on paper: the words of each page of a PDF, and where they are."""

from __future__ import annotations

import re
import subprocess
from html import unescape
from pathlib import Path
from typing import NamedTuple


class Word(NamedTuple):
    """A word of a printed page, with where it is in points."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


def words(pdf: Path) -> list[list[Word]]:
    """The words of each page, line by line: browsers write them in the order in which they paint."""
    told = subprocess.run(["pdftotext", "-bbox", pdf, "-"], capture_output=True, text=True, check=True).stdout
    word = re.compile(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>')
    pages = [
        [Word(*map(float, found[:4]), unescape(found[4])) for found in word.findall(page)]
        for page in told.split("<page")[1:]
    ]
    return [sorted(page, key=lambda word: (round(word.bottom), word.left)) for page in pages]


def size(pdf: Path) -> tuple[int, int, int]:
    """How many pages there are, and how wide and high in points."""
    told = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    [pages] = re.findall(r"Pages: +(\d+)", told)
    [(width, height)] = re.findall(r"Page size: +([\d.]+) x ([\d.]+) pts", told)
    return int(pages), round(float(width)), round(float(height))
