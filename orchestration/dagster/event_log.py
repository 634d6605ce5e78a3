"""Dagster's event log in SQLite, written through one connection a file that is kept open."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from dagster import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, StaticPool, create_engine, event


class NightEventLog(SqliteEventLogStorage):
    """A night tells of some hundreds of assets and checks; Dagster's own class opens, syncs and closes both files
    for each of them, which took a small night longer than its models.

    The files are Dagster's, and any process may read them with its own class.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None):
        self._open: dict[str, Connection] = {}
        self._one_at_a_time = threading.RLock()
        # Where Dagster itself would have them; a path in dagster.yaml would not move with the home.
        super().__init__(str(Path(os.environ["DAGSTER_HOME"]) / "history" / "runs"), inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "NightEventLog":
        return cls(inst_data)

    def run_connection(self, run_id: str | None = None) -> Any:
        assert run_id is not None
        return self._kept_open(run_id)

    def index_connection(self) -> Any:
        return self._kept_open(INDEX_SHARD_NAME)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Those that are planned when a run begins, some hundreds, in one transaction a file."""
        with self._kept_open(events[0].run_id), self._kept_open(INDEX_SHARD_NAME):
            super().store_event_batch(events)

    def dispose(self) -> None:
        with self._one_at_a_time:
            for connection in self._open.values():
                connection.close()
                connection.engine.dispose()
            self._open.clear()
        super().dispose()

    def delete_events(self, run_id: str) -> None:
        """Dagster's own leaves the file of the run, as large as it was."""
        super().delete_events(run_id)
        with self._one_at_a_time:
            if connection := self._open.pop(run_id, None):
                connection.close()
                connection.engine.dispose()
        shard = Path(self.path_for_shard(run_id))
        for path in (shard, *shard.parent.glob(f"{shard.name}-*")):
            path.unlink(missing_ok=True)

    @contextmanager
    def _kept_open(self, shard: str) -> Iterator[Connection]:
        with self._one_at_a_time:
            if shard not in self._open:
                with super().run_connection(shard):
                    pass  # makes the file's tables
                self._open[shard] = _connect(self.conn_string_for_shard(shard))
            connection = self._open[shard]
            with nullcontext() if connection.in_transaction() else connection.begin():
                yield connection


def _connect(address: str) -> Connection:
    engine = create_engine(address, poolclass=StaticPool, connect_args={"timeout": 60, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        # The files are in WAL mode: a power cut may cost the last events of a run, and nothing else.
        connection.execute("pragma synchronous = normal")

    return engine.connect()
