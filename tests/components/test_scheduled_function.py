"""The daily reconcile: its timer may invoke it and nothing else, and it changes no record."""

from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate, trusts_service
from tests.components.queries import ROLE_POLICY, arn
from tests.components.recording import ACCOUNT, Recording

SCHEDULE = "aws:scheduler/schedule:Schedule"
ROLE = "aws:iam/role:Role"


def test_the_first_invocation_waits_until_the_timer_may_invoke(recorded: Recording) -> None:
    schedule = recorded.one(SCHEDULE, "-reconcile-schedule")
    assert recorded.one(ROLE_POLICY, "-reconcile-timer-policy").urn in schedule.depends_on


def test_only_schedules_of_this_account_take_the_timers_role(recorded: Recording) -> None:
    trust = recorded.one(ROLE, "-reconcile-timer-role").json("assumeRolePolicy")
    scheduler = "scheduler.amazonaws.com"
    assert trusts_service(trust, scheduler, {"aws:SourceAccount": ACCOUNT})
    assert not trusts_service(trust, scheduler, {"aws:SourceAccount": "210987654321"}), (
        "else a stranger's schedule could invoke it by this role"
    )


def test_the_timer_may_invoke_its_function_and_nothing_else(recorded: Recording) -> None:
    (statement,) = recorded.one(ROLE_POLICY, "-reconcile-timer-policy").json("policy")["Statement"]
    function = arn("lambda", recorded, "reconcile")
    assert (statement["Action"], statement["Resource"]) == (["lambda:InvokeFunction"], [function])
    target = recorded.one(SCHEDULE, "-reconcile-schedule").inputs["target"]
    assert target["arn"] == function


def test_a_reconcile_writes_its_own_note_and_no_record(recorded: Recording) -> None:
    policy = recorded.one(ROLE_POLICY, "reconcile-policy").json("policy")
    records = arn("dynamodb", recorded, "records")
    it = Principal(kind="AWS", value=f"arn:aws:iam::{ACCOUNT}:role/reconcile", account=ACCOUNT)

    def may(action: str, *partitions: str) -> bool:
        context: dict[str, str | tuple[str, ...]] = {"dynamodb:LeadingKeys": partitions}
        request = AccessRequest(action=action, resource=records, principal=it, context=context)
        return evaluate([policy], request) is Verdict.ALLOW

    for action in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        assert may(action, "reconcile")
        assert not may(action, "api/abc"), "its repairs are messages: only workers change a record"
        assert not may(action, "reconcile", "api/abc")
    assert not may("dynamodb:UpdateItem", "api/abc")
