"""Callers, signatures, permissions: whether a request is allowed, as IAM evaluates it."""
