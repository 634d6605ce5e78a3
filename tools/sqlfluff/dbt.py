"""What dbt's own cross-database macros are to sqlfluff, which renders models without dbt."""

from __future__ import annotations

from collections.abc import Callable


def __getattr__(name: str) -> Callable[..., str]:
    return lambda *_, **__: name
