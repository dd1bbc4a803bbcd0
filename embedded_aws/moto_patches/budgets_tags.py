"""A budget keeps the tags that it is created with.

AWS: CreateBudget takes `ResourceTags`, and ListTagsForResource shows them. (AWS Cost Management API Reference.)
moto: drops the tags, and has no ListTagsForResource of budgets.
"""

import json
from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep tags with the budget."""
    from moto.budgets.responses import BudgetsResponse

    def create_budget(self: Any) -> str:
        answer: str = create(self)
        name = self._get_param("Budget")["BudgetName"]
        made = self.backend.budgets[self._get_param("AccountId")][name]
        made.resource_tags = self._get_param("ResourceTags", [])
        return answer

    def list_tags_for_resource(self: Any) -> str:
        _, _, _, _, account, resource = self._get_param("ResourceARN").split(":", 5)
        name = resource.removeprefix("budget/")
        self.backend.describe_budget(account, name)  # answers NotFoundException
        return json.dumps({"ResourceTags": self.backend.budgets[account][name].resource_tags})

    create = replace(BudgetsResponse, "create_budget", create_budget)
    BudgetsResponse.list_tags_for_resource = list_tags_for_resource  # type: ignore[attr-defined]
