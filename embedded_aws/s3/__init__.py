"""What S3 does for browsers and for whoever holds no keys: presigned links, forms, CORS. moto checks none of it."""
