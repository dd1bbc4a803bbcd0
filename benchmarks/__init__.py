"""Measurements that stand in the repository: run them, do not believe them."""
