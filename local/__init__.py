"""The embedded AWS: deploys the Pulumi program into moto, and runs its functions. Knows AWS, not the pipeline."""
