"""A simulated GitHub: a real HTTP server with believable companies, for demonstrations and tests."""

from exporter.simulator.faults.kinds import KINDS
from exporter.simulator.server import Simulator

__all__ = ["KINDS", "Simulator"]
