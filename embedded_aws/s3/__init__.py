"""CORS, forms and events of S3, which moto lacks or does otherwise."""
