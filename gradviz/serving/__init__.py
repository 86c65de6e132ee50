"""How requests reach the application: connections that cost no thread, and threads that are shared fairly."""
