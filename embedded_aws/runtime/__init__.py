"""Runs the deployed functions as Lambda does, and feeds them from their queues as the event source mapping says."""
