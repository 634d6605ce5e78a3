"""Settings: flags win over the environment, the environment over `.env`; what cannot be read is said."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import fields
from pathlib import Path

import pytest

from orchestration.errors import HomeBusy, UsageError
from orchestration.home import Home
from orchestration.settings import PROJECT_DIR, Bounds, Settings, today


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_flags_win_over_the_environment_and_that_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CCHC_HOME=from-dotenv\nCCHC_LANDING=from-dotenv\nCCHC_KEEP_RELEASES=3\n")
    settings = Settings.load(landing="from-flag", env={"CCHC_LANDING": "from-env", "CCHC_KEEP_RELEASES": "4"})
    assert settings.landing == tmp_path / "from-flag"
    assert settings.home == tmp_path / "from-dotenv"
    assert settings.keep_releases == 4


def test_without_anything() -> None:
    settings = Settings.load(env={})
    assert (settings.landing, settings.home, settings.pseudonym_key, settings.keep_releases) == (None, None, None, 30)


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
@pytest.mark.parametrize("name", ["CCHC_KEEP_RELEASES", "CCHC_THREADS"])
def test_numbers_are_whole_and_positive(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        Settings.load(env={name: value})


def test_today_is_vietnams() -> None:
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", today().isoformat())


def test_env_example_lists_every_setting() -> None:
    read = set(re.findall(r"CCHC_[A-Z_]+", (PROJECT_DIR / "orchestration" / "settings.py").read_text("utf-8")))
    read = read - {"CCHC_FILE_"} | {f"CCHC_FILE_{bound.name.upper()}" for bound in fields(Bounds)}
    listed = set(re.findall(r"CCHC_[A-Z_]+", (PROJECT_DIR / ".env.example").read_text("utf-8")))
    assert read <= listed


# --- the home


def test_a_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings.load(home=tmp_path / "home", env={})
    home = Home.for_writing(settings)
    key = home.pseudonym_key(settings, lake_is_empty=True)
    assert len(key) == 64 and home.pseudonym_key(settings, lake_is_empty=False) == key
    assert stat.S_IMODE(home.key_file.stat().st_mode) == 0o600


LONG, OTHER = "a key of more than 32 characters, yes", "another key of more than 32 characters"


def test_given_keys(tmp_path: Path) -> None:
    for name, text in {"key": f" {LONG} \n", "empty": "\n", "short": "k" * 31}.items():
        (tmp_path / name).write_text(text)

    def key(**env: str) -> bytes:
        return home.pseudonym_key(Settings.load(env=env), lake_is_empty=True)

    home = Home.for_writing(Settings.load(home=tmp_path / "home", env={}))
    assert key(CCHC_PSEUDONYM_KEY=LONG) == LONG.encode() == key(CCHC_PSEUDONYM_KEY_FILE=str(tmp_path / "key"))
    for name in ("empty", "none", "short"):
        with pytest.raises(UsageError, match=name):
            key(CCHC_PSEUDONYM_KEY_FILE=str(tmp_path / name))
    with pytest.raises(UsageError, match="32 or more"):
        key(CCHC_PSEUDONYM_KEY="1")
    assert not home.key_file.exists()


def test_a_lake_knows_its_key(tmp_path: Path) -> None:
    """Once the lake holds a file, a missing or another key is refused; before that, any will do."""

    def key(text: str, *, lake_is_empty: bool) -> bytes:
        settings = Settings.load(home=tmp_path / "home", env={"CCHC_PSEUDONYM_KEY": text})
        return Home.for_writing(settings).pseudonym_key(settings, lake_is_empty=lake_is_empty)

    key(OTHER, lake_is_empty=True)
    key(LONG, lake_is_empty=True)
    assert key(LONG, lake_is_empty=False) == LONG.encode()
    with pytest.raises(UsageError, match="not the one"):
        key(OTHER, lake_is_empty=False)
    with pytest.raises(UsageError, match="is missing"):
        key("", lake_is_empty=False)
    assert not (tmp_path / "home" / "pseudonym.key").exists()


def test_a_home_is_closed_to_the_world(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "releases").mkdir(mode=0o755)
    (home / "home.json").write_text('{"cchc_home_format": 1}')
    Home.for_writing(Settings.load(home=home, env={}))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [home, *home.iterdir()] if p.is_dir()}
    assert modes == {"home": 0o750, "releases": 0o750, "lake": 0o700, "dagster": 0o700, "work": 0o700}


def test_a_home_is_held_by_one(tmp_path: Path) -> None:
    home = Home.for_writing(Settings.load(home=tmp_path / "home", env={}))
    with home.lock(), pytest.raises(HomeBusy), Home(home.root).lock():
        pass
    with home.lock():
        pass


@pytest.mark.parametrize(
    "marker", ["", "[]", "{}", '{"cchc_home_format": 3}', '{"cchc_home_format": 0}', '{"cchc_home_format": "1"}']
)
def test_a_home_of_another_format_is_refused(marker: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "home.json").write_text(marker)
    for opened in (Home.for_reading, Home.for_writing):
        with pytest.raises(UsageError, match="home"):
            opened(Settings.load(home=tmp_path / "home", env={}))
    assert os.listdir(tmp_path / "home") == ["home.json"]
