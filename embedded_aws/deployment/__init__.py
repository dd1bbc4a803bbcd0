"""Deploy a Pulumi program: run it, carry out what it registers, destroy it."""
