"""What every run is given: where its home lies. How far its threads and memory go, the environment says."""

from dagster import ConfigurableResource

from orchestration.night.holding import require_landing
from orchestration.settings import Settings


class Installation(ConfigurableResource):
    """The landing folder and the home of a run; without either, what the environment or `.env` says."""

    landing: str | None = None
    home: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Installation":
        return cls(landing=_text(settings.landing), home=_text(settings.home))

    def settings(self) -> Settings:
        """Raises UsageError when a setting cannot be read."""
        return Settings.load(self.landing, self.home)

    def landed(self, tries_again: bool) -> Settings:
        """The same for a run that reads landing. Raises UsageError also when that cannot be read."""
        settings = self.settings()
        require_landing(settings, tries_again)
        return settings


def _text(path: object) -> str | None:
    return None if path is None else str(path)
