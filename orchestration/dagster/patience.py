"""What a run that nobody watches does where a person at a terminal would be told: it waits, or tries again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dagster import AssetExecutionContext, OpExecutionContext, RetryRequested

from orchestration.errors import CchcError

# As long as the largest night measured takes several times over; three tries outlast a share that is started anew.
_WAITS_SECONDS = 6 * 60 * 60
_TRIES, _BETWEEN_SECONDS = 3, 10 * 60


@dataclass(frozen=True)
class Patience:
    """For how many seconds another run's end is waited for, and whether what passes by itself is tried again."""

    seconds: float
    tries_again: bool


@contextmanager
def tried_again(context: OpExecutionContext | AssetExecutionContext, is_watched: bool = False) -> Iterator[Patience]:
    """What passes by itself is tried again later, what does not is raised as it is; where somebody watches, so is
    everything, at once."""
    patience = Patience(0 if is_watched else _WAITS_SECONDS, not is_watched and context.retry_number < _TRIES)
    try:
        yield patience
    except CchcError as error:
        if not (error.passes and patience.tries_again):
            raise
        context.log.warning(f"{error}; tried again in {_BETWEEN_SECONDS // 60} minutes")
        raise RetryRequested(max_retries=_TRIES, seconds_to_wait=_BETWEEN_SECONDS) from None
