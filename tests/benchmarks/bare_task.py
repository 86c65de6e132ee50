"""A bare Celery task that does nothing, with Celery's own defaults and Redis for results: the yardstick."""

import os

from celery import Celery

app = Celery("bare", broker=os.environ["BARE_BROKER"], backend=os.environ["BARE_BROKER"])


@app.task
def nothing() -> int:
    return 1
