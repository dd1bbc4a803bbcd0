"""`operations review report`: what people's decisions say about the policy."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.records.record import iso_time
from media_pipeline.reviews.routes import Request, ReviewApi
from operations.__main__ import main
from operations.deciding_again import RELEASE_REASON
from operations.review_report import NO_LABEL, Report, wilson
from tests.unit.reviews.conftest import ANNA, NOW, SHA256, Stack

DAY = 86_400


def moderation(label: str, confidence: float, verdict: str = "review") -> dict[str, Any]:
    return {
        "verdict": verdict,
        "mode": "enforce",
        "reason": f"{label} {confidence:.1f} reached the {verdict} threshold of 50"
        if label
        else "many scenes",
        "labels": [
            {"name": label or "Violence", "parent": "", "confidence": confidence},
            {"name": "Alcohol", "parent": "", "confidence": 99.5},
        ],
        "policy_version": "0123456789ab",
    }


def decision(action: str, at: float = NOW, number: int = 0) -> dict[str, Any]:
    return {
        "id": f"01{number:024d}",
        "action": action,
        "person": ANNA,
        "at": iso_time(at),
        "sha256": SHA256,
        "policy_version": "0123456789ab",
    }


class Decided(list[dict[str, Any]]):
    """Records that were decided about, as the scan of the table returns them."""

    def put(self, label: str, confidence: float, action: str, count: int = 1, **changed: Any) -> None:
        """Add as many records with this decision."""
        record = {"moderation": moderation(label, confidence), "decision": decision(action), **changed}
        self.extend([record] * count)

    def report(self, days: int = 30, precision: float = 0.9) -> dict[str, Any]:
        """Return the report about the days before NOW and one more."""
        report = Report(precision=precision)
        for record in self:
            report.add(record, iso_time(NOW + DAY - days * DAY))
        return report.document()


@pytest.fixture
def decided() -> Decided:
    return Decided()


def store(stack: Stack, records: Decided) -> None:
    for record in records:
        stack.put(f"{next(stack.numbers)}.jpg", "BLOCKED", **record)


@pytest.mark.parametrize(
    ("hits", "of", "interval"),
    # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_intervals_are_those_of_the_literature(hits: int, of: int, interval: tuple[float, float]) -> None:
    assert wilson(hits, of) == pytest.approx(interval, abs=0.00006)


def test_precision_is_by_the_label_that_struck_and_by_its_confidence(decided: Decided) -> None:
    decided.put("Violence", 95.0, "reject", 20)
    decided.put("Violence", 55.0, "reject", 5)
    decided.put("Violence", 59.9, "approve", 15)
    decided.put("Alcohol", 99.5, "approve", 3)
    found = decided.report()
    assert (found["decisions"], found["approved"], found["rejected"]) == (43, 18, 25)
    violence, alcohol = found["labels"]
    assert violence["label"] == "Violence"
    assert (violence["decisions"], violence["rejected"], violence["precision"]) == (40, 25, 0.625)
    assert [(each["from"], each["to"], each["precision"]) for each in violence["bands"]] == [
        (50, 60, 0.25),
        (90, 100, 1.0),
    ]
    assert violence["bands"][1]["interval"] == [pytest.approx(0.8389, abs=1e-4), 1.0]
    assert violence["suggested"]["threshold"] == 95
    assert violence["suggested"]["decisions"] == 20
    # Three decisions say nothing about a share.
    assert (alcohol["decisions"], alcohol["precision"], alcohol["interval"]) == (3, None, None)
    assert alcohol["suggested"] is None


def test_threshold_is_the_lowest_that_reaches_the_wanted_precision(decided: Decided) -> None:
    decided.put("Violence", 95.0, "reject", 18)
    decided.put("Violence", 90.0, "approve", 2)
    decided.put("Violence", 61.5, "approve", 10)
    assert decided.report()["labels"][0]["suggested"]["threshold"] == 90
    assert decided.report(precision=0.6)["labels"][0]["suggested"]["threshold"] == 61
    # 18 decisions from 95 on are too few to suggest it.
    assert decided.report(precision=0.95)["labels"][0]["suggested"] is None


def test_only_last_decisions_of_the_days_about_reviews_count(decided: Decided) -> None:
    decided.put("Violence", 80.0, "reject", 20)
    decided.put("Violence", 80.0, "reject", 7, moderation=moderation("Violence", 80.0, "block"))
    decided.put("Violence", 80.0, "reject", 5, decision=decision("reject", NOW - 40 * DAY))
    decided.put("Violence", 80.0, "withdraw", 3)
    # Rejected at first, then approved; approved, then taken down for another reason.
    decided.put("Violence", 80.0, "approve", decisions=[decision("reject")])
    decided.put("Violence", 80.0, "withdraw", decisions=[decision("approve")])
    decided.put("", 80.0, "approve", 2)
    found = decided.report()
    assert (found["decisions"], found["approved"]) == (24, 4)
    assert [(each["label"], each["decisions"]) for each in found["labels"]] == [
        ("Violence", 22),
        (NO_LABEL, 2),
    ]
    assert found["labels"][1]["bands"] == []


def test_what_a_backfill_released_is_nobodys_judgement(decided: Decided) -> None:
    released = {**decision("approve"), "reason": RELEASE_REASON}
    decided.put("Violence", 80.0, "reject", 20)
    decided.put("Violence", 80.0, "approve", 20, decision=released)
    # Rejected by a person before, and by one who gave the reason of a release.
    decided.put("Violence", 80.0, "approve", decision=released, decisions=[decision("reject")])
    decided.put("Violence", 80.0, "reject", decision={**decision("reject"), "reason": RELEASE_REASON})
    found = decided.report()
    assert (found["rejected"], found["approved"]) == (22, 0)
    assert found["labels"][0]["suggested"]["threshold"] == 80


def test_nineteen_decisions_are_no_report(
    stack: Stack, decided: Decided, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decided.put("Violence", 80.0, "reject", 19)
    store(stack, decided)
    arguments = ["review", "report", "--stack", "test", "--outputs", str(outputs), "--days", "9999"]
    assert main(arguments) == 1
    assert "19 decisions are too few" in capsys.readouterr().err
    look = {"id": "x", "person": ANNA, "action": "approve", "at": iso_time(NOW)}
    allowed = {"moderation": {**moderation("", 60.0, "allow"), "reason": None}, "checked": look}
    store(stack, Decided([decided[0], allowed]))
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "Checks of what the policy allowed: 0 of 1 rejected (too few for a share)." in said
    assert "Violence: 20 of 20 rejected, 100% (95 % interval: 84% to 100%)" in said
    assert "moderation.block.Violence=80" in said
    assert main([*arguments, "--json", "--precision", "99"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"][0]["suggested"]["threshold"] == 80


def test_console_has_the_report_where_all_records_may_be_read(stack: Stack, decided: Decided) -> None:
    def ask(days: str, *, local: bool = True) -> tuple[HTTPStatus, dict[str, Any]]:
        api = ReviewApi(
            stack="test",
            waiting=stack.waiting,
            pictures=stack.pictures,
            decisions=stack.decisions(),
            report=(lambda days: decided.report(days)) if local else None,
        )
        query = {"days": days}
        reply = api.answer(Request(method="GET", path="/v1/reviews/report", person=ANNA, query=query))
        return reply.status, json.loads(reply.body)

    status, problem = ask("30")
    assert (status, "too few" in problem["detail"]) == (HTTPStatus.CONFLICT, True)
    decided.put("Violence", 80.0, "reject", 20)
    assert ask("30")[1]["rejected"] == 20
    assert ask("x")[0] == HTTPStatus.BAD_REQUEST
    assert ask("30", local=False)[0] == HTTPStatus.NOT_FOUND


def look(action: str) -> dict[str, Any]:
    return {"second": [{"id": "x", "person": "bert", "action": action, "at": iso_time(NOW)}]}


def test_agreement_of_two_persons_is_cohens_kappa_by_label(decided: Decided) -> None:
    # Cohen (1960): 20 and 15 agree, 5 and 10 do not: kappa 0.4.
    decided.put("Violence", 80.0, "reject", 20, **look("reject"))
    decided.put("Violence", 80.0, "reject", 5, **look("approve"))
    decided.put("Violence", 80.0, "approve", 10, **look("reject"))
    decided.put("Violence", 80.0, "approve", 15, **look("approve"))
    decided.put("Alcohol", 99.5, "approve", 20, **look("approve"))
    decided.put("Weapons", 80.0, "approve", 1, **look("approve"))
    decided.put("Weapons", 80.0, "approve", 1)
    found = decided.report()
    assert [each["second_looks"] for each in found["labels"]] == [
        {"count": 50, "agreed": 35, "kappa": 0.4},
        {"count": 20, "agreed": 20, "kappa": None},  # both only ever approved: chance does that as well
        {"count": 1, "agreed": 1, "kappa": None},
    ]
    assert found["second_looks"]["count"] == 71


def test_checks_count_what_the_policy_missed(decided: Decided) -> None:
    allowed: dict[str, Any] = {
        "status": "PUBLISHED",
        "moderation": {**moderation("", 60.0, "allow"), "reason": None},
    }

    def checked(action: str, count: int, at: float = NOW) -> None:
        for _ in range(count):
            look = {"id": "x", "person": ANNA, "action": action, "at": iso_time(at)}
            taken_down: dict[str, Any] = {"decision": decision("withdraw")} if action == "withdraw" else {}
            decided.append({**allowed, "check": True, "checked": look, **taken_down})

    checked("approve", 38)
    checked("withdraw", 2)
    checked("withdraw", 5, NOW - 40 * DAY)
    found = decided.report()
    assert (found["decisions"], found["labels"]) == (0, [])
    assert (found["checks"]["rejected"], found["checks"]["decisions"]) == (2, 40)
    assert found["checks"]["precision"] == 0.05
    assert found["checks"]["interval"] == [pytest.approx(0.0138, abs=1e-4), pytest.approx(0.165, abs=1e-3)]
