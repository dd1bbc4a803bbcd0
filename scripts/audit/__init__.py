"""`make audit`: the stacks, policies, workflows and code held against tools that know common mistakes."""
