"""Creates the app and its server; two of them in one process share nothing."""

from wsgiref.types import WSGIApplication

from dash import Dash
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_compute, open_paths, open_store, open_trainer
from gradviz.compute.interface import Compute
from gradviz.compute.paths_jobs import PathsJobs
from gradviz.compute.trainer import Trainer
from gradviz.dashboard.access import Watch, tell_routes
from gradviz.dashboard.api import create_api
from gradviz.dashboard.assets import STANDALONE, BundledDash, assets_folder
from gradviz.dashboard.callback_requests import check_callbacks
from gradviz.dashboard.callbacks import choosing, opening, training
from gradviz.dashboard.discretion import Discretion
from gradviz.dashboard.door import Door
from gradviz.dashboard.headers import set_headers
from gradviz.dashboard.layout import PAGE, page
from gradviz.dashboard.metrics import Metrics, Now, serve_metrics
from gradviz.dashboard.password import ask_for_password
from gradviz.dashboard.prefix import Prefix
from gradviz.dashboard.query import MAX_BODY_BYTES
from gradviz.dashboard.readiness import checks, serve_readiness
from gradviz.dashboard.routes import Served
from gradviz.experiment.store import RunStore
from gradviz.hosts import ANY, AllowedHosts
from gradviz.settings import Settings, load_settings


def create_app(
    settings: Settings,
    compute: Compute,
    store: RunStore,
    trainer: Trainer,
    metrics: Metrics | None = None,
    paths: PathsJobs | None = None,
    *,
    key: str = "",
) -> Dash:
    """The dashboard over these objects; /metrics shows `metrics` if the settings say so.

    `key`: only who knows it is answered, below the path `/KEY/`, by whatever name and in whoever's frame.
    """
    metrics = metrics or Metrics()
    app = BundledDash(
        "gradviz",
        assets_folder=str(assets_folder()),
        assets_path_ignore=[STANDALONE],
        title="gradviz: gradient landscapes",
        update_title="",
        serve_locally=True,
        health_endpoint="healthz",
        enable_mcp=False,
        add_log_handler=False,
        index_string=PAGE,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    # A chunked body has no length to refuse; the extra byte reveals a body that was cut at the limit.
    app.server.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.server.wsgi_app = _surrounded(app.server.wsgi_app, settings, metrics, key)
    tell_routes(app.server)
    if settings.password.get_secret_value():
        ask_for_password(app.server, settings.password)
    serve_readiness(app.server, checks(store, compute))
    if settings.metrics:
        serve_metrics(app.server, metrics, Now(trainer, compute, store))
    app.layout = page()
    opening.register(app, compute)
    choosing.register(app)
    training.register(app)
    check_callbacks(app, Discretion.of(settings).told)
    served = Served(settings, compute, store, trainer, paths or open_paths(settings, store))
    app.server.register_blueprint(create_api(served))
    ancestors = None if key else settings.frame_ancestors
    set_headers(app, private=bool(settings.password.get_secret_value() or key), ancestors=ancestors)
    return app


def _surrounded(server: WSGIApplication, settings: Settings, metrics: Metrics, key: str) -> WSGIApplication:
    """Adds, from the inside out: checks of the request, its log and metrics, the path below which it stands, and the
    visitor's address by proxies."""
    allowed = AllowedHosts.of(settings.host, (ANY,) if key else settings.allowed_hosts)
    server = Watch(Door(server, allowed, is_framed=bool(key or settings.frame_ancestors)), metrics)
    if key or settings.prefix:
        server = Prefix(server, f"/{key}" if key else settings.prefix, insist=bool(key))
    if settings.proxies:
        server = ProxyFix(server, x_for=settings.proxies, x_proto=settings.proxies)
    return server


def create_server(settings: Settings | None = None) -> Flask:
    """The WSGI server of one process, from `GRADVIZ_*` settings; gunicorn's entry point."""
    settings = settings or load_settings()
    store = open_store(settings)
    metrics = Metrics()
    cache = FieldCache(settings.cache_dir, settings.cache_bytes, insist=False, on_lookup=metrics.count_lookup)
    compute = open_compute(settings, store, cache, on_load=metrics.set_load)
    trainer = open_trainer(settings)
    return create_app(settings, compute, store, trainer, metrics).server
