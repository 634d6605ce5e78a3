"""What a command can end with. The exit codes are the published interface's."""


class CchcError(Exception):
    """An error that a person can act on: one clear line, exit code 1."""

    exit_code = 1


class UsageError(CchcError):
    """Wrong usage or settings: nothing was touched."""

    exit_code = 2


class PublicationBlocked(CchcError):
    """Built, but a blocking check failed; the last release stands."""

    exit_code = 3


class HomeBusy(CchcError):
    """Another run holds the home."""

    exit_code = 4
