"""The command line: runs one command, and says one clear line for each error.

It imports heavy modules only once it knows the command, so that `--help` is fast.
"""

import argparse
import importlib
import io
import keyword
import os
import signal
import sys
from collections.abc import Sequence

from gradviz.parser import Mistake, parser

MISTAKE = 2
_INTERRUPTED = 128 + signal.SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, 2 for a user's mistake (one line on stderr), 130 for Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # do not fail on a terminal with another encoding
    try:
        for argument in sys.argv[1:] if argv is None else argv:
            _check_text(argument)
        return _run(parser().parse_args(argv))
    except Mistake as mistake:
        return _refuse(str(mistake))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left; flushing the buffer at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _run(options: argparse.Namespace) -> int:
    from gradviz.errors import UserError

    try:
        name = f"{options.command}_" if keyword.iskeyword(options.command) else options.command
        command = importlib.import_module(f"gradviz.commands.{name}")
        return command.run(options)
    except UserError as error:
        return _refuse(str(error))


def _check_text(argument: str) -> None:
    """Refuses bytes that are not UTF-8, which Python hides in surrogates: neither JSON nor a page can hold them."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        raise Mistake(f"{argument!r} is not UTF-8: rename the file, or type it in UTF-8.") from None
    if "\0" in argument:
        raise Mistake(f"{argument!r} has a NUL character: remove it.")


def _refuse(message: str) -> int:
    from gradviz.errors import as_line

    line = as_line(" ".join(message.split()))
    print(f"gradviz: error: {line}", file=sys.stderr, flush=True)
    return MISTAKE
