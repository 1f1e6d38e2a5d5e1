"""Runner groups: which there are, for whom, and what their runners are like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LINUX = "linux"
WINDOWS = "windows"
MACOS = "macos"

NAMED_ORGANIZATIONS = 5
"""Further organizations of a large enterprise have a group each, without a runner."""
LINUX_LARGE = "linux-large"
"""The group whose runners the fault `runners-offline` takes away."""


@dataclass(frozen=True, slots=True)
class RunnerGroup:
    """A runner group and the habits of its runners.

    Attributes:
        id: Number of the group.
        name: Name of the group.
        visibility: `all`, `selected` or, in organizations, `private`.
        systems: Operating systems, each with its weight.
        share: Share of all runners that belong to the group.
        demand: How much the daily load is multiplied to give the share of busy runners.
        saturated: Whether every runner is always busy.
        ephemeral: Whether runners are registered for one job only.
        scaled_to_zero: Whether there are runners in working hours alone; some dead registrations stay.
        selected: Names of the organizations or repositories of a selected group.
        inherited: Whether an organization has the group from its enterprise.
        public: Whether public repositories may use it.
        workflows: The workflows it is restricted to, if it is.
    """

    id: int
    name: str
    visibility: str = "all"
    systems: Mapping[str, int] = field(default_factory=lambda: {LINUX: 1})
    share: float = 0.0
    demand: float = 1.0
    saturated: bool = False
    ephemeral: bool = False
    scaled_to_zero: bool = False
    selected: Sequence[str] = ()
    inherited: bool = False
    public: bool = False
    workflows: Sequence[str] = ()

    @property
    def default(self) -> bool:
        """Whether new runners land here."""
        return self.id == 1


def enterprise_groups(organizations: Sequence[str], *, large: bool = False) -> tuple[RunnerGroup, ...]:
    """Return the groups of an enterprise with *organizations*.

    A *large* one has a group that is always saturated, and a fleet that is scaled to zero at night.
    """
    burst = (RunnerGroup(8, "linux-burst", share=0.08, ephemeral=True, scaled_to_zero=True),) if large else ()
    half = organizations[: (len(organizations) + 1) // 2]
    return (
        RunnerGroup(1, "Default", systems={LINUX: 6, WINDOWS: 3, MACOS: 1}, share=0.22),
        RunnerGroup(2, LINUX_LARGE, "selected", share=0.30, demand=1.1, selected=half),
        RunnerGroup(3, "windows", systems={WINDOWS: 1}, share=0.14, demand=0.9),
        RunnerGroup(4, "macos", systems={MACOS: 1}, share=0.10, demand=0.8),
        RunnerGroup(5, "gpu", "selected", share=0.06, demand=0.6, selected=organizations[:1]),
        RunnerGroup(
            6,
            "deploy",
            share=0.08,
            saturated=large,
            workflows=[f"{half[0]}/deploy/.github/workflows/deploy.yml@main"],
        ),
        RunnerGroup(7, "linux-ephemeral", share=0.10, ephemeral=True, public=True),
        *burst,
        *(
            RunnerGroup(100 + number, f"{name}-group", "selected", selected=(name,))
            for number, name in enumerate(organizations[NAMED_ORGANIZATIONS:] if large else ())
        ),
    )


def organization_groups(organization: str) -> tuple[RunnerGroup, ...]:
    """Return the groups an *organization* has of its own."""
    return (
        RunnerGroup(1, "Default", systems={LINUX: 3, WINDOWS: 1}, share=0.6),
        RunnerGroup(
            2,
            f"{organization}-web",
            "selected",
            share=0.4,
            selected=(f"{organization}/repo-1", f"{organization}/repo-2"),
        ),
    )
