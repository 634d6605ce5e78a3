"""The night that a run is about: opened once per run, under the home's lock."""

from collections.abc import Callable, Iterator

from dagster import InitResourceContext, resource

from orchestration.nightly import Night


def night_resource(open_night: Callable[[], Night]):
    """A resource that holds the home from the first step of a run to its last."""

    @resource
    def night(_: InitResourceContext) -> Iterator[Night]:
        tonight = open_night()
        with tonight.held():
            yield tonight

    return night
