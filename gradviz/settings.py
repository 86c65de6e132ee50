"""Settings of the program, from `GRADVIZ_*` environment variables; a command-line option overrides its variable."""

import errno
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gradviz.addresses import checked_ancestor, checked_prefix
from gradviz.errors import UserError
from gradviz.experiment.regularizers import DEFAULT_NAMES, regularizer_of
from gradviz.hosts import checked_entry

PREFIX = "GRADVIZ_"
SECRETS = Path("/run/secrets")
"""Where Docker and similar put secrets; a file here named like a setting sets it too."""

_SHORTEST_PASSWORD = 8


class Settings(BaseSettings):
    """One frozen value for each process. docs/settings.md documents every field under its `GRADVIZ_*` name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    runs: Path = Field(default=Path("checkpoints"), description="directory of the runs to train and show")
    study: str = Field(
        default="",
        description="study to show and train: digits, addition, or FILE.py:NAME, whose code is run; empty: deliveries",
    )
    lessons: Path | None = Field(default=None, description="folder of more lessons, Markdown files")
    cache_dir: Path = Field(default=Path(".cache/gradviz"), description="directory of the cache of landscapes")
    cache_bytes: int = Field(default=2 * 1024**3, ge=1024**2, description="size limit of the cache in bytes")
    memory_bytes: int = Field(
        default=512 * 1024**2,
        ge=1024**2,
        description="bytes of models and forward passes kept in the memory of each process; vectors of directions take "
        "up to half as much more",
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="address of the dashboard")
    port: int = Field(default=8050, ge=1, le=65535, description="port of the dashboard")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where to train and compute landscapes")
    threads: int = Field(
        default=0, ge=0, le=1024, description="CPU threads of each process; 0 leaves the choice to torch"
    )
    workers: int = Field(default=1, ge=1, le=64, description="server processes")
    read_only: bool = Field(default=False, description="only show runs: refuse to train, stop and delete")
    preset: Literal["quick", "source"] = Field(
        default="quick", description="preset of the background training of deliveries"
    )
    variants: Annotated[tuple[str, ...], NoDecode] = Field(
        default=DEFAULT_NAMES,
        min_length=1,
        description="variants of the background training of deliveries",
    )
    password: SecretStr = Field(default=SecretStr(""), description="password of the whole page, unless empty")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="more names that the dashboard answers to, separated by commas"
    )
    prefix: str = Field(default="", description="path below which the dashboard stands, such as /tools/gradviz/")
    frame_ancestors: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="origins whose pages may show the dashboard in a frame, separated by commas"
    )
    proxies: int = Field(default=0, ge=0, le=8, description="number of trusted reverse proxies")
    metrics: bool = Field(default=False, description="figures for Prometheus at /metrics")
    worker_port: int = Field(
        default=0, ge=0, le=65535, description="port of a worker's figures for Prometheus; 0: none"
    )
    log_level: Literal["warning", "info"] = Field(default="warning", description="info adds a line for each request")
    log_format: Literal["text", "json"] = Field(default="text", description="form of the log lines")
    compute: Literal["local", "celery"] = Field(
        default="local", description="where to compute: in this process, or in workers through a broker"
    )
    broker: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="address of the broker, with user and password"
    )
    task_seconds: int = Field(default=120, ge=1, le=86400, description="time limit of one computation")
    visibility_seconds: int = Field(
        default=180,
        ge=2,
        le=2 * 86400,
        description="after this time the broker gives a lost worker's task to another",
    )
    queue_limit: int = Field(default=256, ge=1, le=100_000, description="computations that may wait")

    @field_validator("password")
    @classmethod
    def cannot_be_guessed_quickly(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < _SHORTEST_PASSWORD:
            raise ValueError(f"a password needs at least {_SHORTEST_PASSWORD} characters")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_entry(entry) for entry in value if entry)

    @field_validator("prefix")
    @classmethod
    def is_a_path(cls, value: str) -> str:
        return checked_prefix(value)

    @field_validator("frame_ancestors")
    @classmethod
    def are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_ancestor(entry) for entry in value if entry)

    @field_validator("allowed_hosts", "frame_ancestors", mode="before")
    @classmethod
    def split_hosts(cls, value: object) -> object:
        return tuple(re.split(r"[,\s]+", value.strip())) if isinstance(value, str) else value

    @field_validator("runs", "cache_dir", "lessons")
    @classmethod
    def can_be_a_path(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        try:
            os.lstat(value)
        except ValueError:
            raise ValueError("a directory's name must be UTF-8 without NUL characters") from None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise ValueError("its name is too long") from None
        return value

    @field_validator("variants", mode="before")
    @classmethod
    def split_names(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value

    @field_validator("variants")
    @classmethod
    def are_regularizers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            regularizer_of(name)
        return value


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment and those `overrides` that are not None; UserError names the variable or option."""
    chosen = {name: value for name, value in overrides.items() if value is not None}
    try:
        secrets = {"_secrets_dir": SECRETS} if SECRETS.is_dir() else {}
        return Settings(**chosen, **secrets)  # pyright: ignore[reportArgumentType]  (pydantic checks the values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        name = variable_name(field) if field not in chosen else f"--{field.replace('_', '-')}"
        message = first["msg"].removeprefix("Value error, ")
        if _is_secret(field):  # never show the value, neither here nor in a traceback
            raise UserError(f"{name}: {message}.") from None
        raise UserError(f"{name}: {message}, got {first['input']!r}.") from error


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process these settings, without secrets, which it finds as this one did."""
    values = settings.model_dump(mode="json", exclude={name for name in Settings.model_fields if _is_secret(name)})
    return {
        variable_name(field): ",".join(value) if isinstance(value, list) else str(value)
        for field, value in values.items()
        if value is not None
    }


def _is_secret(field: str) -> bool:
    return field in Settings.model_fields and Settings.model_fields[field].annotation is SecretStr


def variable_name(field: str) -> str:
    return f"{PREFIX}{field.upper()}"
