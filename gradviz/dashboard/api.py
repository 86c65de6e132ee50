"""The HTTP API under /api/v1, for the page and anyone else.

Errors are {"error": one sentence}, with a fitting status. Every answer has an ETag; clients may keep a landscape
requested by its key for ever.
"""

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import MethodNotAllowed, NotFound

from gradviz.compute.interface import ComputationFailed, Unavailable
from gradviz.compute.memory import OutOfMemory
from gradviz.compute.paths_jobs import AnotherJob
from gradviz.dashboard.door import TOO_LARGE
from gradviz.dashboard.openapi import OPERATIONS
from gradviz.dashboard.routes import PREFIX, Served, add
from gradviz.dashboard.sending import allowed_methods, mistake, not_now, tell_mistakes
from gradviz.errors import UserError


def create_api(served: Served) -> Blueprint:
    """The blueprint of all operations."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    catch_all = f"{api.name}.nothing"
    for operation in OPERATIONS:
        add(api, served, operation)

    @api.record_once
    def mistakes(state: BlueprintSetupState) -> None:
        tell_mistakes(state.app, PREFIX, TOO_LARGE, catch_all)

    @api.errorhandler(UserError)
    def user_error(error: UserError) -> Response:
        return mistake(served.told(str(error)), 422)

    @api.errorhandler(OutOfMemory)
    def out_of_memory(error: OutOfMemory) -> Response:
        return not_now(served.told(str(error)))

    @api.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        return not_now(served.told(str(error)), error.seconds)

    @api.errorhandler(AnotherJob)
    def another_job(error: AnotherJob) -> Response:
        answer = mistake(served.told(str(error)), 429)
        answer.headers["Retry-After"] = str(error.seconds)
        return answer

    @api.errorhandler(ComputationFailed)
    def failed(error: ComputationFailed) -> Response:
        return mistake(served.told(str(error)), 500)

    @api.get("/", defaults={"unknown": ""}, strict_slashes=False)
    @api.get("/<path:unknown>")
    def nothing(unknown: str) -> Response:
        # Otherwise Dash answers any address with the page.
        raise MethodNotAllowed if allowed_methods(catch_all) else NotFound

    @api.after_request
    def tell_methods(answer: Response) -> Response:
        if request.method == "OPTIONS":  # Flask counts the address above, which takes GET for any
            answer.headers["Allow"] = ", ".join(allowed_methods(catch_all))
        return answer

    return api
