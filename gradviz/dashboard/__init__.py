"""What is seen: the dashboard and its API."""
