"""CloudWatch's metrics and alarms: what publishes, what is kept, what rings."""
