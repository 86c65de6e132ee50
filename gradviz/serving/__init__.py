"""The HTTP server: connections that cost no thread, and threads shared fairly between clients."""
