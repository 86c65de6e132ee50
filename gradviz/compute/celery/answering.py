"""Answers questions in a worker, if still wanted and of the same version of the code and the checkpoint."""

import logging
import threading
import time
from collections.abc import Sequence

import redis
from redis.exceptions import OutOfMemoryError

from gradviz.compute.cache import FieldCache
from gradviz.compute.celery.desk import FULL, MAX_STARTS, Attempt, Desk, Start
from gradviz.compute.celery.measured import Measured
from gradviz.compute.celery.messages import Work, code_version
from gradviz.compute.celery.reply import Kind, Reply
from gradviz.compute.interface import ComputationFailed
from gradviz.compute.memory import answered, prepared
from gradviz.compute.question import Question
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError

_log = logging.getLogger(__name__)
_AWAY_SECONDS = 20.0
_RETRY_SECONDS = 0.1

GAVE_UP = f"This computation crashed its worker {MAX_STARTS} times: request a smaller one."
"""The reply to a question that no worker survives."""


def answer(work: Work, start: Start, bench: Workbench, cache: FieldCache, desk: Desk, measured: Measured) -> None:
    """Leaves a reply to each question as soon as it is ready."""
    shared = len(work.questions) == 1
    for key, question in zip(work.keys, work.questions, strict=True):
        try:
            attempt = desk.begin(key, start)
        except OutOfMemoryError:
            desk.finish(key, Reply.saying(Kind.NOT_NOW, FULL))
            continue
        if attempt is Attempt.ONCE_TOO_OFTEN:
            desk.finish(key, Reply.saying(Kind.FAILURE, GAVE_UP))
        if attempt is not Attempt.GO:
            continue
        if not shared and cache.get(key) is None:
            shared = True
            _share(work.questions, bench)
        with measured.work(question.kind, key):
            reply = _reply(work.code, key, question, bench, cache)
        _tell(desk, key, reply)


def _reply(code: str, key: str, question: Question, bench: Workbench, cache: FieldCache) -> Reply:
    if code != code_version():
        message = f"The worker runs version {code_version()}, this server {code}: install the same version on both."
        return Reply.saying(Kind.FAILURE, message)
    try:
        if question.key(bench.store) != key:
            message = (
                "The worker and the server read different contents of this checkpoint: set GRADVIZ_RUNS of both to "
            )
            return Reply.saying(Kind.FAILURE, message + "the same runs.")
        content = cache.get(key)
        if content is None:
            content = answered(question, bench)
            cache.set(key, content)
        return Reply(Kind.ANSWER, content)
    except ComputationFailed as error:
        return Reply.saying(Kind.FAILURE, str(error))
    except UserError as error:
        return Reply.refusing(error)
    except redis.RedisError:
        raise
    except Exception as error:  # noqa: BLE001  (any error must reach the waiting callers; the log has the traceback)
        _log.exception("Cannot answer %s.", key)
        return Reply.saying(Kind.FAILURE, f"The computation failed ({type(error).__name__}); see the worker's log.")


def _tell(desk: Desk, key: str, reply: Reply) -> None:
    """Leaves the reply; waits for an absent broker, so that no caller has to wait for the message's redelivery."""
    ends = time.monotonic() + _AWAY_SECONDS
    while True:
        try:
            return desk.finish(key, reply)
        except (redis.ConnectionError, redis.TimeoutError):
            if time.monotonic() > ends:
                raise
            threading.Event().wait(_RETRY_SECONDS)  # a broker does not announce its return


def _share(questions: Sequence[Question], bench: Workbench) -> None:
    """Computes what the questions share; if that fails, each question computes it alone and reports its own error."""
    try:
        prepared(questions, bench)
    except UserError:
        return
    except Exception:  # noqa: BLE001  (each question then meets it alone, or succeeds)
        _log.exception("%d questions could not share their work.", len(questions))
