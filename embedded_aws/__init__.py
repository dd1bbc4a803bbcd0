"""The embedded AWS: deploys Pulumi programs into moto, and runs their functions. Knows AWS, and no project."""
