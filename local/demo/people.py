"""What people do with the stack of the demo: one object is approved, one taken down with its copies, a policy tried.

The same code does it as for operators: `python -m operations review`, `takedown` and `what-if`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

import operations  # noqa: F401 - it puts the functions' code on the path
from local.demo.decisions import Approval, Change, Decisions, Plan, Removal, Trial
from local.demo.outcomes import PUBLISHED, REVIEW, Outcome
from local.demo.output import Output
from local.demo.progress import Reporter
from local.demo.report import after
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.record import Record
from media_pipeline.reviews.evidence import evidence_key
from operations.errors import OperationsError
from operations.policies import read_policy
from operations.reviews.desk import Desk
from operations.stack import StackOutputs
from operations.takedown import Takedown, Target
from operations.what_if import WhatIf

PROJECT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.1
REASON = "the person in the picture asked for it"
TRIED = ("moderation.block.Violence=70", "moderation.review.Smoking=40")


class People:
    """The people of one deployed stack, whose functions run; `sleep` waits so many seconds."""

    def __init__(self, stack: str, outputs: Mapping[str, Any], *, sleep: Callable[[float], None]) -> None:
        self._stack = stack
        self._outputs = StackOutputs.parse(outputs, "the demo's stack")
        self._sleep = sleep
        self._desk = Desk.open(stack, self._outputs)
        session = boto3.session.Session(region_name=self._outputs.region)
        self._s3 = session.client("s3")
        self._dynamodb = session.client("dynamodb")  # of its own: `WhatIf` changes how it reads answers

    def decide(
        self, plan: Plan | None, outcomes: Sequence[Outcome], output: Output, reporter: Reporter
    ) -> Decisions:
        """Do what is planned, where the stack's policy lets it come to that, then try a policy on all outcomes.

        Raises what boto3 raises.
        """
        reporter.phase("People decide", None)
        approval, removal, trial, no_trial = None, None, None, ""
        if plan is not None:
            keys = {outcome.upload.file: outcome.upload.key for outcome in outcomes}
            status = {outcome.upload.file: outcome.status for outcome in outcomes}
            if status.get(plan.approve) == REVIEW:
                approval = self._approve(plan.approve, keys, output)
            if approval is not None:
                reporter.show(f"approved  {approval.file}: {after(approval.seconds, 'published')}")
            if status.get(plan.take_down) == PUBLISHED:
                removal = self._take_down(plan.take_down, keys, output)
                what = f"{len(removal.files)} files, {removal.renditions} renditions"
                reporter.show(f"taken down  {plan.take_down}: {what} {after(removal.seconds, 'gone')}")
        try:
            trial = self._try(outcomes)
            reporter.show(
                f"what if  {' '.join(trial.settings)}: {sum(each.count for each in trial.changes)} of"
                f" {trial.outcomes} would change"
            )
        except OperationsError as error:  # such as a policy that exempts a label which a tried rule names
            no_trial = str(error)
        return Decisions(approval=approval, removal=removal, trial=trial, no_trial=no_trial)

    def _approve(self, file: str, keys: Mapping[str, str], output: Output) -> Approval | None:
        """Approve a file; return None where the stack wants more than the one person that the demo is."""
        record = self._desk.waiting.of_key(keys[file])
        if self._desk.decisions.approvals_needed(record) > 1:
            return None
        began = time.monotonic()
        asked = self._desk.decisions.ask(record, Action.APPROVE, self._desk.person, note="a film poster")
        carried_out = self._carried_out(record, asked.decision)
        return Approval(
            file=file,
            why=record.moderation.reason or "" if record.moderation else "",
            person=self._desk.person,
            seconds=time.monotonic() - began if carried_out else None,
            evidence=self._evidence(asked.decision, output),
        )

    def _carried_out(self, record: Record, decision: Decision) -> bool:
        """Wait until the functions carried a decision out and announced it; return False where they did not in time."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            now = self._desk.waiting.get(record.object_key, record.sequencer)
            if now.carried_out == decision.id and now.attributes.get("announced_at"):
                return True
            self._sleep(LOOK_SECONDS)
        return False

    def _take_down(self, file: str, keys: Mapping[str, str], output: Output) -> Removal:
        takedown = Takedown(
            dynamodb=self._dynamodb,
            s3=self._s3,
            table=self._outputs.records_table,
            renditions=self._outputs.renditions,
            decisions=self._desk.decisions,
            sleep=self._sleep,
        )
        began = time.monotonic()
        found = takedown.find(takedown.digests(Target(key=keys[file]))).to_withdraw
        asked = [
            (record, decision)
            for record in found
            if (decision := takedown.withdraw(record, person=self._desk.person, reason=REASON, case={}))
        ]
        done = takedown.wait(asked, seconds=WAIT_SECONDS)
        seconds = time.monotonic() - began
        is_whole = len(done) == len(found) and all(each.removed_at for each in done)
        for record, decision in asked:
            is_whole &= self._carried_out(record, decision)  # announced too
        files = {key: name for name, key in keys.items()}
        return Removal(
            files=tuple(sorted((files[each.object_key] for each in found), key=lambda name: name != file)),
            renditions=sum(len(each.rendition_keys) for each in found),
            seconds=seconds if is_whole else None,
            evidence=tuple(self._evidence(decision, output) for _, decision in asked),
        )

    def _evidence(self, decision: Decision, output: Output) -> str:
        """Copy the evidence of a decision out of the logs bucket; return its path relative to OUT."""
        bucket = self._outputs.named["logs_bucket"]
        path = output.place("evidence", f"{decision.id}.json")
        path.write_bytes(
            self._s3.get_object(Bucket=bucket, Key=evidence_key(decision.id, decision.at))["Body"].read()
        )
        return output.relative(path)

    def _try(self, outcomes: Sequence[Outcome]) -> Trial:
        policy = read_policy(PROJECT, self._stack, settings=TRIED)
        found = WhatIf(dynamodb=self._dynamodb, table=self._outputs.records_table, policy=policy).compare()
        files = {outcome.upload.key: outcome.upload.file for outcome in outcomes}
        return Trial(
            settings=TRIED,
            outcomes=found.outcomes,
            same=found.same.total(),
            changes=tuple(
                Change(
                    before=change.before.value,
                    after=change.after.value,
                    label=change.label,
                    count=changed.count,
                    files=tuple(files.get(key, key) for key in changed.examples),
                    decided=", ".join(f"{count} {action}" for action, count in changed.decided.items()),
                )
                for change, changed in sorted(found.changes.items(), key=lambda pair: -pair[1].count)
            ),
            unknown=tuple((unknown.value, count) for unknown, count in found.unknown.most_common()),
        )
