"""AWS's list prices, from `prices.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Self

FILE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Prices:
    """USD per unit, and how many units a month are free, as of `date` in `region`."""

    date: date
    region: str
    per_unit: Mapping[str, float]
    free: Mapping[str, int]

    @classmethod
    @cache
    def read(cls) -> Self:
        """Return the prices of the project's file."""
        return cls(**tomllib.loads(FILE.read_text(encoding="utf-8")))

    def cost(self, units: Mapping[str, float]) -> float:
        """Return the USD of so many units of each kind, without free ones. Raises KeyError for an unknown kind."""
        return sum(self.per_unit[kind] * count for kind, count in units.items())
