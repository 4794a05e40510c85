"""The official FOCUS validator, run for real on a file; its exit code says nothing, its words are read."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ENVIRONMENT = Path(__file__).parents[2] / ".venv-focus"

#: All that fal has of what rules are bound to; what else there is (regions, commitments, resources) it has not.
CRITERIA = (
    "ACCOUNT_NAMING_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
)


@dataclass(frozen=True)
class Verdict:
    """What became of each rule, by its id."""

    passed: frozenset[str]
    failed: frozenset[str]
    skipped: frozenset[str]


@cache
def _packages() -> Path:
    """The folder that holds the validator's package; without one the test is left out, or fails where it must run."""
    found = next(iter(ENVIRONMENT.glob("lib/python3.*/site-packages/focus_validator")), None)
    if found is not None and (ENVIRONMENT / "installed").exists():
        return found.parent
    why = f"there is no FOCUS validator in {ENVIRONMENT.name}: `make {ENVIRONMENT.name}/installed` with a Python 3.12"
    if os.environ.get("TRAYD_REQUIRE_FOCUS") == "1":
        pytest.fail(f"{why}, and TRAYD_REQUIRE_FOCUS=1 demands it")
    pytest.skip(why)


def bundled_rules() -> Path:
    """The rules that come with the validator."""
    return _packages() / "focus_validator" / "rules" / "model-1.2.0.1.json"


def validated(file: Path, *criteria: str) -> Verdict:
    """Has a file looked at by the rules that come with the validator.

    Args:
        file: as CSV.
        criteria: rules that are bound to these count as well.
    """
    command = [
        str(ENVIRONMENT / "bin" / "focus-validator"),
        *("--data-file", str(file.absolute())),
        *("--validate-version", "1.2.0.1", "--block-download", "--focus-dataset", "CostAndUsage"),
        *(("--applicability-criteria", ",".join(criteria)) if criteria else ()),
    ]
    done = subprocess.run(
        command,
        cwd=_packages(),
        env={"HOME": str(file.parent), "PATH": os.defpath, "LANG": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    totals = re.search(r"^Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)$", done.stdout, re.MULTILINE)
    assert totals, done.stdout
    told = dict(re.findall(r"^\S+ ([A-Za-z]+-[A-Z]-\d{3}-[MCO]): (PASS|FAIL|SKIPPED)\b", done.stdout, re.MULTILINE))
    verdict = Verdict(*(frozenset(rule for rule in told if told[rule] == word) for word in ("PASS", "FAIL", "SKIPPED")))
    counted = (len(told), len(verdict.passed), len(verdict.failed), len(verdict.skipped))
    assert tuple(map(int, totals.groups())) == counted, done.stdout
    return verdict
