"""What a run that nobody watches does where a person at a terminal would be told: it waits, or tries again."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import AssetExecutionContext, OpExecutionContext, RetryRequested

from orchestration.errors import CchcError

# As long as the largest night measured takes several times over; three tries outlast a share that is started anew.
_WAITS_SECONDS = 6 * 60 * 60
_TRIES, _BETWEEN_SECONDS = 3, 10 * 60


@contextmanager
def tried_again(context: OpExecutionContext | AssetExecutionContext, is_watched: bool = False) -> Iterator[float]:
    """Gives the seconds for which another run's end is waited for. What passes by itself is tried again later, what
    does not is raised as it is; where somebody watches, so is everything, at once."""
    try:
        yield 0 if is_watched else _WAITS_SECONDS
    except CchcError as error:
        if is_watched or not error.passes or context.retry_number >= _TRIES:
            raise
        context.log.warning(f"{error}; tried again in {_BETWEEN_SECONDS // 60} minutes")
        raise RetryRequested(max_retries=_TRIES, seconds_to_wait=_BETWEEN_SECONDS) from None
