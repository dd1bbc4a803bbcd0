"""Of a recorded verdict and a later one the more severe counts, with all that says why."""

from media_pipeline.moderation.hash_list import Entry, Kind, Match, blocked, reviewed
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.moderation.verdicts import Mode, Verdict

ENTRY = Entry(
    id="01" + "0" * 24,
    kind=Kind.SHA256,
    value="ab" * 32,
    action=Verdict.BLOCK,
    reason="notice 7",
    person="ada",
    at="2026-11-28T00:00:00.000Z",
)


def judged(verdict: Verdict = Verdict.ALLOW) -> ModerationResult:
    reason = None if verdict is Verdict.ALLOW else f"the policy says {verdict}"
    return ModerationResult(
        verdict=verdict,
        mode=Mode.ENFORCE,
        reason=reason,
        labels=(),
        model_version="7.0",
        policy_version="now",
        judged=1,
    )


def test_what_an_entry_blocked_stays_its_block_beside_a_milder_verdict() -> None:
    listed = blocked(Match(ENTRY, Verdict.BLOCK), policy_version="then", to_judge=1)
    for milder in (judged(), judged(Verdict.REVIEW)):
        both = listed.worse(milder)
        assert (both.verdict, both.reason) == (Verdict.BLOCK, listed.reason)
        assert both.known == listed.known, (
            "else the policy seems to have blocked it, and may release it later"
        )
        assert both.policy_version == "now", "the pictures were judged by today's"


def test_what_the_policy_blocks_later_is_no_decision_of_an_entry() -> None:
    listed = reviewed(Match(ENTRY, Verdict.REVIEW), judged())
    later = judged(Verdict.BLOCK)
    assert listed.worse(later) == later
