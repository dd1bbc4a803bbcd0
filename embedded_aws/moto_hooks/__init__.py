"""Where the embedded AWS takes a part over from moto: who judges requests, who runs functions, who gets messages.

Unlike `moto_patches`, these are no defects of moto. Each module is found by `embedded_aws.moto_setup`, and applied by
its `apply()`.
"""
