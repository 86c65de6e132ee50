"""Settings: secrets are seen by nobody who does not ask for them, and come from files as well."""

from pathlib import Path

import pytest

from gradviz import settings
from gradviz.errors import UserError
from gradviz.settings import Settings, as_environment, load_settings

PASSWORD = "correct horse battery"


def test_password_is_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADVIZ_PASSWORD", PASSWORD)
    chosen = load_settings()
    assert chosen.password.get_secret_value() == PASSWORD
    assert PASSWORD not in f"{chosen} {chosen!r} {chosen.model_dump()} {chosen.model_dump_json()}"
    assert PASSWORD not in str(as_environment(chosen))


def test_refused_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADVIZ_PASSWORD", "horse")
    with pytest.raises(UserError, match=r"GRADVIZ_PASSWORD: a password needs at least 8 characters\.") as refusal:
        load_settings()
    assert "horse" not in str(refusal.value)


def test_settings_come_from_a_directory_of_secrets_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "GRADVIZ_PASSWORD").write_text(PASSWORD + "\n")
    (tmp_path / "GRADVIZ_PORT").write_text("8060")
    (tmp_path / "of_another_program").write_text("nothing to us")
    monkeypatch.setattr(settings, "SECRETS", tmp_path)
    monkeypatch.setenv("GRADVIZ_PORT", "8070")
    chosen = load_settings()
    assert (chosen.password.get_secret_value(), chosen.port) == (PASSWORD, 8070)


def test_environment_gives_another_process_the_same_settings(monkeypatch: pytest.MonkeyPatch):
    chosen = Settings(workers=3, read_only=True, variants=("none", "dropout"), runs=Path("mine"))
    for name, value in as_environment(chosen).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == chosen
