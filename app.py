"""The server for gunicorn: `gunicorn app:server`."""

from gradviz.dashboard.factory import create_server

server = create_server()
