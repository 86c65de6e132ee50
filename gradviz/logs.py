"""Log lines for operators, as text or one JSON object per line, each with the request that it belongs to."""

import logging
import sys
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

from gradviz.settings import Settings

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s%(facts)s"
_about: ContextVar[dict[str, object] | None] = ContextVar("about", default=None)


def set_up_logging(settings: Settings) -> None:
    """Sends this process's log to stderr, as the settings say; for entry points, once per process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings.log_format))
    handler.addFilter(_add_facts)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)


def begin_request(**facts: object) -> None:
    """Adds `facts`, such as the id of the request, to each line of this thread until the next call."""
    _about.set(dict(facts))


def tell_log(**facts: object) -> None:
    """Adds facts to the lines of the current request, such as the key of its computation."""
    about = _about.get()
    if about is not None:
        about.update(facts)


def request_facts() -> dict[str, object]:
    """The facts of this thread's lines, to hand on to workers of this request elsewhere."""
    return dict(_about.get() or {})


def _add_facts(record: logging.LogRecord) -> bool:
    facts = {**request_facts(), **getattr(record, "facts", {})}
    record.__dict__.update({name: value for name, value in facts.items() if name not in record.__dict__})
    record.facts = "".join(f" {name}={value}" for name, value in facts.items())
    return True


def _formatter(form: str) -> logging.Formatter:
    if form == "text":
        return logging.Formatter(_TEXT)
    return JsonFormatter(
        ["levelname", "name", "process", "message"],
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "traceback"},
        reserved_attrs=[*logging.makeLogRecord({}).__dict__, "asctime", "facts", "taskName"],
        timestamp="time",
    )
