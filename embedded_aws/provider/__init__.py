"""The embedded AWS's second front: an `aws` provider that the real Pulumi engine attaches to, over gRPC.

It shares the handlers of `embedded_aws/resources` with the in-process deployer, so that both make the same world.
"""
