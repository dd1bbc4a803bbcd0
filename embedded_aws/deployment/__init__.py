"""From a Pulumi program to resources in the world: the program's run, the monitor that it registers with, destroy."""
