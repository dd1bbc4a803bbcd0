"""Reviews on an operator's machine: the ask side of `media_pipeline.reviews` under the operator's own AWS login."""
