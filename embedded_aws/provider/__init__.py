"""An `aws` provider over gRPC, to which the real Pulumi engine attaches.

It shares the handlers of `embedded_aws/resources` with the in-process deployer, so that both make the same world.
"""
