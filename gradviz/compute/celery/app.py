"""The Celery app: how messages travel, when they are redelivered, and what a worker may read."""

from celery import Celery
from kombu.entity import Exchange, Queue

from gradviz.compute.celery.broker import Broker
from gradviz.compute.celery.names import INTERACTIVE, PREFIX, QUEUES
from gradviz.compute.celery.workers import taken_by
from gradviz.settings import Settings

_LOADER = "gradviz.compute.celery.tasks:TaskLoader"
_CONSUMER = "gradviz.compute.celery.consumer:PatientConsumer"
_TRANSPORT = "gradviz.compute.celery.transport:Transport"


def create_app(settings: Settings, broker: Broker, worker: str = "") -> Celery:
    """A separate app, registered nowhere; its workers find their tasks through the loader.

    `worker`: the name of the worker that uses it.
    """
    taken, since = taken_by(worker)
    app = Celery("gradviz", loader=_LOADER, set_as_current=False, backend="disabled://")
    app.conf.update(
        broker_url=broker.url,
        broker_transport=_TRANSPORT,
        broker_use_ssl=broker.celery_tls(),
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a refused command ends the connection, not the worker
        broker_transport_options={
            "global_keyprefix": PREFIX,
            "unacked_key": taken,
            "unacked_index_key": since,
            "unacked_mutex_key": f"{since}:mutex",
            "visibility_timeout": settings.visibility_seconds,
            # By default Celery looks for lost messages every hundred seconds.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 2,
            "socket_timeout": 10,
        },
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        task_default_queue=INTERACTIVE,
        task_create_missing_queues=False,
        task_publish_retry=False,  # the caller gets the error, and retries
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_retry_on_worker_lost=True,
        task_time_limit=settings.task_seconds,
        worker_consumer=_CONSUMER,
        worker_prefetch_multiplier=1,
        worker_pool_start_method="spawn",  # a forked torch hangs
        worker_proc_alive_timeout=300,  # a slow machine may take long to import torch
        worker_lost_wait=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app
