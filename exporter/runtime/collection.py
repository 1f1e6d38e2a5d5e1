"""One collector of one enterprise: its levels, each of which is read for itself."""

from collections.abc import Mapping
from dataclasses import replace

from exporter.github.client import Client
from exporter.runtime.assignment import Assignment
from exporter.runtime.level import Level, RunContext
from exporter.runtime.schedule import Lane, Task
from exporter.runtime.status import LevelKey

ENTERPRISE_FIRST_SECONDS = (0.0, 1.5)
ORGANIZATIONS_FIRST_SECONDS = (1.5, 3.0)
"""First readings are spread over this time, so that a start does not look like an attack."""
SECONDS_PER_FOUND = 1.0
"""Organizations that are found come by hundreds; their first readings take as long as that many of these."""


class Collection:
    """The levels of one assignment, and their tasks."""

    def __init__(self, assignment: Assignment, context: RunContext) -> None:
        self.assignment = assignment
        self.levels = {name: Level(assignment, name, context) for name in assignment.levels}
        self.tasks: dict[LevelKey, Task] = {}
        self._context = context

    def plan(self, delays: Mapping[LevelKey, float], lanes: Mapping[Client, Lane]) -> None:
        """Make a task of each level that has none; *delays* has the seconds to those first readings that are not due.

        Of those that are, the enterprise comes first: a slow organization must not hold it up.
        """
        tasks = {}
        new = [level for level in self.levels.values() if level.key not in self.tasks and level.key not in delays]
        begin, end = ORGANIZATIONS_FIRST_SECONDS
        end = max(end, begin + SECONDS_PER_FOUND * sum(level.is_found for level in new))
        for organization, level in self.levels.items():
            delay = delays.get(level.key)
            if delay is None:
                delay = self._context.randomness.uniform(*((begin, end) if organization else ENTERPRISE_FIRST_SECONDS))
            task = self.tasks.get(level.key)
            tasks[level.key] = task or Task(level.run, delay, lanes.get(level.client), level.fail)
        self.tasks = tasks

    def set_organizations(self, organizations: tuple[str, ...]) -> None:
        """Have levels for these *organizations*; those there are stay as they are."""
        self.assignment = replace(self.assignment, organizations=organizations)
        self.levels = {
            name: self.levels.get(name) or Level(self.assignment, name, self._context)
            for name in self.assignment.levels
        }

    def remember_successes(self) -> None:
        """Note which levels worked before, by former settings: there one refusal is no verdict."""
        for organization, status in self._context.statuses.levels(self.assignment.key).items():
            if status.succeeded_at is not None:
                self.levels[organization].remember_success()

    def continue_counting(self, former: "Collection") -> None:
        """Count on from *former*, if it read the same by former settings."""
        if former.assignment.fingerprint == self.assignment.fingerprint:
            for name in self.levels.keys() & former.levels.keys():
                self.levels[name].continue_counting(former.levels[name])

    def expire(self) -> None:
        """Drop results that are too old to be shown."""
        now = self._context.clock.monotonic()
        before = {organization: now - level.max_age for organization, level in list(self.levels.items())}
        self._context.snapshots.expire(self.assignment.key, before)
