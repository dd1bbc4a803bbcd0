"""From a request to its answer, in the order in which API Gateway looks at it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from embedded_aws.api_gateway import gateway_errors
from embedded_aws.api_gateway.authorizers import claims_of
from embedded_aws.api_gateway.definition import Match
from embedded_aws.api_gateway.gateway_errors import FaultError
from embedded_aws.api_gateway.limits import Quota, Throttle
from embedded_aws.api_gateway.messages import Answer, Request
from embedded_aws.api_gateway.proxy import Caller, Place, answer_of, event_of
from embedded_aws.api_gateway.stages import Key, Stage, Stages
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.runtime.invocation import Invocation
from embedded_aws.runtime.topics import may_invoke

_log = logging.getLogger(__name__)
BODY_BYTES = 10_485_760  # API Gateway's limit of a payload
# Until a worker is free. On AWS one would be at once, so this does not count as time of the function.
_QUEUE_SECONDS = 120.0
Invoke = Callable[[str, Any], Invocation]


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A request that may go on to its function, once its body is there."""

    request: Request
    stage: Stage
    match: Match
    caller: Caller


class Gateway:
    """Serves the deployed stages of a region. `concurrency` invocations run at once, all others wait.

    `seconds` turns AWS's seconds into local ones, `local` AWS's addresses in a stage's variables into local ones.
    """

    def __init__(
        self,
        region: str,
        invoke: Invoke,
        *,
        concurrency: int,
        seconds: Callable[[float], float] = float,
        local: Callable[[str], str] = str,
        on_answer: Callable[[Stage, int, float], None] = lambda stage, status, seconds: None,  # noqa: ARG005
    ) -> None:
        """`on_answer` gets every answer's stage and status, and the seconds that it took."""
        self._region = region
        self._invoke = invoke
        self._seconds = seconds
        self._local = local
        self._on_answer = on_answer
        self._stages = Stages(ACCOUNT_ID, region)
        self._throttle = Throttle()
        self._quota = Quota()
        self._workers = ThreadPoolExecutor(concurrency, thread_name_prefix="api")

    def admit(self, request: Request, length: int | None) -> Admitted | Answer:
        """Judge the head of a request: route, key, limits, announced `length` of the body (None: not known)."""
        stage = self._stages.find(request.stage)
        if stage is None:
            return gateway_errors.answer(gateway_errors.NO_SUCH_STAGE, request, None)
        try:
            return self._admitted(request, stage, length)
        except FaultError as error:
            return self._counted(
                gateway_errors.answer(error.fault, request, stage.definition), request, stage
            )

    def too_large(self, admitted: Admitted) -> Answer:
        """Return the answer to a body that turns out larger than API Gateway takes."""
        request, stage = admitted.request, admitted.stage
        return self._counted(
            gateway_errors.answer(gateway_errors.TOO_LARGE, request, stage.definition), request, stage
        )

    def carry_out(self, admitted: Admitted, body: bytes) -> Answer:
        """Invoke the function, and turn its answer into the response."""
        request, definition = admitted.request, admitted.stage.definition
        try:
            answer = answer_of(self._payload(admitted, body), request, definition)
        except FaultError as error:
            answer = gateway_errors.answer(error.fault, request, definition)
        return self._counted(answer, request, admitted.stage)

    def close(self) -> None:
        """Begin nothing more. What runs ends with the functions."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _counted(self, answer: Answer, request: Request, stage: Stage) -> Answer:
        self._on_answer(stage, answer.status, max(time.time() - request.received, 0.0))
        return answer

    def _admitted(self, request: Request, stage: Stage, length: int | None) -> Admitted:
        match = stage.definition.match(request.method, request.resource_path)
        if match is None:
            raise FaultError(gateway_errors.MISSING_TOKEN)
        caller = self._identify(request, stage, match)
        if length is not None and length > BODY_BYTES:
            raise FaultError(gateway_errors.TOO_LARGE)
        return Admitted(request=request, stage=stage, match=match, caller=caller)

    def _payload(self, admitted: Admitted, body: bytes) -> Any:
        request, stage, match = admitted.request, admitted.stage, admitted.match
        variables = {name: self._local(value) for name, value in stage.variables.items()}
        place = Place(api_id=stage.api_id, variables=variables)
        event = event_of(request, match, stage.definition, place, admitted.caller, body)
        source = f"arn:aws:execute-api:{self._region}:{ACCOUNT_ID}:{stage.api_id}/{stage.name}"
        source += f"/{request.method}{match.method.resource}"
        if not may_invoke("apigateway.amazonaws.com", match.method.function_arn, source):
            _log.warning("%s may not invoke %s", source, match.method.function_arn)
            raise FaultError(gateway_errors.NOT_CONFIGURED)
        return self._run(match, event)

    def _identify(self, request: Request, stage: Stage, match: Match) -> Caller:
        """Return the caller by token and API key, after counting the request against its limits. Raises FaultError."""
        claims = None
        if match.method.pools:
            claims = claims_of(request.header("Authorization"), match.method.pools)
            if claims is None:
                raise FaultError(gateway_errors.UNAUTHORIZED)
        key = None
        if match.method.key_required:
            value = request.header("x-api-key")
            key = self._stages.key(stage, value) if value else None
            if key is None:
                raise FaultError(gateway_errors.INVALID_KEY)
        limits = stage.throttling(match.method.resource, request.method)
        place = (stage.api_id, stage.name, match.method.resource, request.method)
        if limits is not None and not self._throttle.admits(place, *limits):
            raise FaultError(gateway_errors.THROTTLED)
        if key is None:
            return Caller(claims=claims)
        self._spend(key)
        return Caller(key_id=key.id, key=key.value, claims=claims)

    def _spend(self, key: Key) -> None:
        who = (key.plan_id, key.id)
        if key.throttle and not self._throttle.admits(
            who, float(key.throttle["rateLimit"]), int(key.throttle["burstLimit"])
        ):
            raise FaultError(gateway_errors.THROTTLED)
        if key.quota and not self._quota.admits(who, int(key.quota["limit"]), key.quota["period"]):
            raise FaultError(gateway_errors.QUOTA_EXCEEDED)

    def _run(self, match: Match, event: Any) -> Any:
        name = match.method.function_arn.rpartition(":function:")[2]
        begun = threading.Event()

        def invoke() -> Invocation:
            begun.set()
            return self._invoke(name, event)

        try:
            future = self._workers.submit(invoke)
            future.add_done_callback(lambda _: begun.set())  # also where it was cancelled
            if not begun.wait(_QUEUE_SECONDS):
                future.cancel()
                raise FaultError(gateway_errors.TIMED_OUT)
            invocation = future.result(self._seconds(match.method.timeout))
        except TimeoutError as error:
            raise FaultError(gateway_errors.TIMED_OUT) from error  # the function runs on, as on AWS
        except (CancelledError, RuntimeError) as error:  # closing, or no such function
            _log.info("%s cannot be invoked: %s", name, error)
            raise FaultError(gateway_errors.NOT_REACHED) from error
        if invocation.error is not None:
            raise FaultError(gateway_errors.MALFORMED)
        return invocation.payload
