"""A budget of AWS for what a stack may cost in a month, with e-mails. It tells somebody and stops nothing.

It counts what carries the tag `Stack`, once that tag is activated for cost allocation, and all of the account's
Rekognition: its requests are about no resource, so no tag can tell whose they are, and they are most of the cost.
"""

from __future__ import annotations  # so that AWS's module for it is loaded only where a stack has it

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

NOTIFICATIONS: Final = (("ACTUAL", 80), ("FORECASTED", 100), ("ACTUAL", 100))
"""Kind of cost, and percent of the budget from which on AWS sends e-mails."""
REKOGNITION: Final = "Amazon Rekognition"
"""As Cost Explorer names the service."""


def monthly_budget(
    name: str, *, dollars: int, stack: str, addresses: Sequence[str], opts: pulumi.ResourceOptions
) -> aws.budgets.Budget:
    """Create the budget of a stack, given in USD; `addresses` get its e-mails, at most ten."""
    return aws.budgets.Budget(
        f"{name}-monthly",
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=str(dollars),
        limit_unit="USD",
        filter_expression=aws.budgets.BudgetFilterExpressionArgs(
            ors=[
                aws.budgets.BudgetFilterExpressionOrArgs(
                    tags=aws.budgets.BudgetFilterExpressionOrTagsArgs(key="Stack", values=[stack])
                ),
                aws.budgets.BudgetFilterExpressionOrArgs(
                    dimensions=aws.budgets.BudgetFilterExpressionOrDimensionsArgs(
                        key="SERVICE", values=[REKOGNITION]
                    )
                ),
            ]
        ),
        metrics="UnblendedCost",  # what the bill says; a filter expression needs it
        notifications=[
            aws.budgets.BudgetNotificationArgs(
                notification_type=kind,
                comparison_operator="GREATER_THAN",
                threshold=percent,
                threshold_type="PERCENTAGE",
                subscriber_email_addresses=list(addresses),
            )
            for kind, percent in NOTIFICATIONS
        ],
        opts=opts,
    )
