"""How the tests share two processors, and what hypothesis may judge: each runs one file after the other."""

import gc
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.fixtures.scratch import keep_scratch_files_in_memory
from tests.fixtures.service_models import share_service_models

HERE = Path(__file__).parent
# What takes long begins first; the many quick files then fill up whichever worker has nothing else left.
LONG_FIRST = ("faults", "api_end_to_end", "video", "local", "embedded_aws", "engine", "components", "unit")
# What `make test-fast` leaves out of tests/unit and tests/components, beside tests that are marked `slow` themselves:
# folders, files and the beginnings of tests' names in which pictures and videos are encoded, packages built, processes
# started, or the whole program runs several times.
SLOW = (
    "components/test_alerting.py::test_taking_one_address_away",
    "components/test_config.py::test_the_environment_is_never_larger",
    "components/test_preflight.py",
    "components/test_program.py::test_a_threshold_changes",
    "components/test_program.py::test_aws_settings_of_the_stack",
    "components/test_program.py::test_packages_for_this_machine",
    "components/test_reference.py",
    "components/test_upload_api.py::test_a_changed_document",
    "components/test_upload_api.py::test_access_logs",
    "components/test_video.py::test_its_disk_holds",
    "components/test_video.py::test_taking_videos_away",
    "unit/benchmarks",
    "unit/images",
    "unit/operations",
    "unit/packaging",
    "unit/processing/test_answer_cache.py",
    "unit/processing/test_decisions.py",
    "unit/processing/test_interruptions.py",
    "unit/processing/test_known_content.py",
    "unit/processing/test_reworking.py",
    "unit/processing/test_scheduled_reconcile.py",
    "unit/processing/test_takedowns.py",
    "unit/processing/test_withdrawals.py",
    "unit/reviews/test_co",
    "unit/reviews/test_escalating.py",
    "unit/reviews/test_forget.py",
    "unit/reviews/test_h",
    "unit/reviews/test_people.py",
    "unit/reviews/test_second_looks.py",
    "unit/reviews/test_takedown",
    "unit/reviews/test_waiting.py",
    "unit/test_import_contracts.py",
    "unit/test_module_sizes.py",
    "unit/videos",
)
PART = re.compile(r"\[(part \d+):")
TOGETHER = frozenset({"api_end_to_end"})  # these share one deployed stack

# By default hypothesis fails an example that takes longer than 200 ms of wall time. On a busy machine the scheduler
# alone takes that long, so the verdict would depend on who else is working, and not on the code.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


# Deployments and simulations make millions of objects and few cycles: looking for those after every 700 new ones takes
# a tenth of the time of all tests.
gc.set_threshold(50_000, 10, 10)
share_service_models()
keep_scratch_files_in_memory()


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Keeps each file's tests in one worker, since they share worlds and deployments.

    But for tests whose parameters begin with "part N:": each part has a worker, and a world, of its own.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if (part_of_file := PART.search(nodeid)) is not None:
            return f"{file} {part_of_file[1]}"
        part = Path(file).parts[1]  # below `tests`
        return part if part in TOGETHER else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Part of pytest-xdist. Its own groups, `--dist loadgroup`, are none with pytest 9.2."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the long tests to the front, and mark what is slow."""
    items.sort(key=_rank)
    for item in items:
        if f"{item.path.relative_to(HERE).as_posix()}::{item.name}".startswith(SLOW):
            item.add_marker(pytest.mark.slow)


def _rank(item: pytest.Item) -> int:
    part, *_ = item.path.relative_to(HERE).parts
    return LONG_FIRST.index(part) if part in LONG_FIRST else len(LONG_FIRST)
