"""The embedded AWS as a process of its own, which outlives the commands that work against it."""
