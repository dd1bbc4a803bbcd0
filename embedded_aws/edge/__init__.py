"""An edge location of CloudFront: what deployed distributions deliver, kept as their policies say."""
