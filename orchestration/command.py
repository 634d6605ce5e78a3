"""Where the installed command begins: signals are heeded before anything that takes time is imported."""

from orchestration import interrupts


def main() -> None:
    """Entry point of `cchc`."""
    interrupts.heed()
    from orchestration import cli

    cli.main()
