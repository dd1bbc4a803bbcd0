"""Where the embedded AWS takes over from moto: judging requests, running functions, delivering messages.

Unlike `moto_patches`, these are not defects of moto. Each module is found by `embedded_aws.moto_setup`, and applied by
its `apply()`.
"""
