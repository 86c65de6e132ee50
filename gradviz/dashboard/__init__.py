"""The dashboard and its HTTP API."""
