"""One run of the scheduled reconcile: as far as its time goes, from where the run before ended."""

from collections.abc import Callable, Mapping
from typing import Any

from media_pipeline.invocation import Invocation, LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.processing.lost_decisions import LostDecisions
from media_pipeline.reconciliation import Reconcile
from media_pipeline.records.expiring import ExpiringReviews
from media_pipeline.records.resumption import Resumption


class ScheduledReconcile:
    """The handler of the function that EventBridge Scheduler invokes; its event says nothing.

    A run that fails or is killed begins at the same position again: a repair can be repeated. `start` makes a new
    Reconcile, which remembers records for one run only. `expiring` is None where quarantine keeps everything.
    """

    def __init__(
        self,
        *,
        start: Callable[[], Reconcile],
        resumption: Resumption,
        lost_decisions: LostDecisions,
        expiring: ExpiringReviews | None = None,
        observability: Observability,
        client_timeout: float,
    ) -> None:
        self._start = start
        self._resumption = resumption
        self._lost_decisions = lost_decisions
        self._expiring = expiring
        self._observability = observability
        self._client_timeout = client_timeout

    def __call__(self, _: object, context: LambdaContext) -> Mapping[str, Any]:
        """Reconcile; return `{"repaired": number, "finished": whether everything was looked at}`."""
        invocation = Invocation.of(context, client_timeout=self._client_timeout)
        with self._observability.invocation(context):
            run, repaired = self._start(), self._send_lost_decisions(invocation)
            for finding in run.find(after=self._resumption.load(), may_continue=lambda: invocation.has_time):
                run.repair(finding)
                repaired += 1
                self._observability.repaired(
                    finding.difference, subject=finding.subject, version=finding.version
                )
            self._resumption.save(run.position)
            finished = run.position is None
            self._observability.reconciled(repaired, finished=finished)
            if self._expiring is not None and (expiring := self._expiring.count()):
                self._observability.reviews_expiring(expiring)
        return {"repaired": repaired, "finished": finished}

    def _send_lost_decisions(self, invocation: Invocation) -> int:
        """Send what people decided and no worker began; return how many. First, since the rest may take days."""
        sent = 0
        for record in self._lost_decisions.send(lambda: invocation.has_time):
            sent += 1
            self._observability.repaired(
                "decision-not-begun", subject=record.object_key, version=record.version
            )
        return sent
