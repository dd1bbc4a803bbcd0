"""All mutations: importing a module of them registers its own."""

from tests.faults import (
    mutations_appeals,
    mutations_at_once,
    mutations_backfills,
    mutations_budget,
    mutations_cache,
    mutations_configuration,
    mutations_decisions,
    mutations_delivery,
    mutations_holds,
    mutations_images,
    mutations_judged,
    mutations_lists,
    mutations_operations,
    mutations_samples,
    mutations_versions,
    mutations_video,
    mutations_withdrawals,
)
from tests.faults.mutations import MUTATIONS

__all__ = [
    "MUTATIONS",
    "mutations_appeals",
    "mutations_at_once",
    "mutations_backfills",
    "mutations_budget",
    "mutations_cache",
    "mutations_configuration",
    "mutations_decisions",
    "mutations_delivery",
    "mutations_holds",
    "mutations_images",
    "mutations_judged",
    "mutations_lists",
    "mutations_operations",
    "mutations_samples",
    "mutations_versions",
    "mutations_video",
    "mutations_withdrawals",
]
