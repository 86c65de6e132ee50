"""The server for gunicorn: `gunicorn --worker-class gradviz.serving.worker.FrontWorker app:server`."""

import os

from gradviz.threads import wait_asleep

wait_asleep(os.environ)

from gradviz.dashboard.factory import create_server  # noqa: E402  (it imports torch, which reads the environment)

server = create_server()
