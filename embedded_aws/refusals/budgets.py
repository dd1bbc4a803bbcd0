"""AWS Budgets. (API reference: CreateBudget.)"""

from embedded_aws.refusals.base import Parameters, refusal, refuse

_MOST_NOTIFICATIONS, _MOST_ADDRESSES, _MOST_TOPICS = 5, 10, 1


@refusal("a budget's filter expression needs a metric, and excludes cost filters", "budgets", "CreateBudget")
def _filter(parameters: Parameters) -> None:
    budget = parameters["Budget"]
    has_both = "FilterExpression" in budget and "CostFilters" in budget
    if has_both or ("FilterExpression" in budget) != ("Metrics" in budget):
        raise refuse(
            "InvalidParameterException", "FilterExpression goes with Metrics, and not with CostFilters"
        )


@refusal(
    "a budget has up to five notifications, each to up to ten addresses and a topic",
    "budgets",
    "CreateBudget",
)
def _subscribers(parameters: Parameters) -> None:
    notifications = parameters.get("NotificationsWithSubscribers", ())
    if len(notifications) > _MOST_NOTIFICATIONS:
        raise refuse(
            "CreationLimitExceededException", f"a budget has at most {_MOST_NOTIFICATIONS} notifications"
        )
    for each in notifications:
        kinds = [subscriber["SubscriptionType"] for subscriber in each["Subscribers"]]
        if not kinds:
            raise refuse("InvalidParameterException", "a notification has at least one subscriber")
        if kinds.count("EMAIL") > _MOST_ADDRESSES or kinds.count("SNS") > _MOST_TOPICS:
            raise refuse(
                "CreationLimitExceededException",
                f"a notification has at most {_MOST_ADDRESSES} e-mail addresses and {_MOST_TOPICS} topic",
            )
