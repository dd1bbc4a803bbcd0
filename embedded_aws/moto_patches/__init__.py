"""Defects of moto: one module for each, with AWS's behaviour, its source, and what moto does instead.

Each is found by `embedded_aws.moto_setup` and applied by its `apply()`. A test of the module's name holds that AWS's
behaviour is there with the patch and is not there in plain moto, so that a patch can be offered upstream, and deleted
once its test says so.
"""
