"""API Gateway's data plane: the deployed REST APIs, served over HTTP on loopback as AWS serves them."""
