"""Cognito's sign-in pages and OAuth 2.0 endpoints: a stand-in on loopback, since moto has the API only."""
