"""IAM as AWS enforces it: which actions a request needs, and whether policies allow them."""
