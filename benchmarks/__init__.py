"""Measurements; run them to repeat the numbers of docs/maintainer/performance.md."""
