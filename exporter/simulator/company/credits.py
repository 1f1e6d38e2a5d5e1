"""Which models use the AI credits."""

from collections.abc import Mapping
from types import MappingProxyType

MODELS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "copilot_ai_credits": {
            "GPT-5": 0.31,
            "Claude Sonnet 4.5": 0.27,
            "Claude Opus 4.5": 0.16,
            "Gemini 2.5 Pro": 0.09,
            "GPT-5-Codex": 0.07,
            "GPT-5 mini": 0.05,
            "Grok Code Fast 1": 0.03,
            "Code Review model": 0.02,
        },
        "spark_ai_credits": {"Claude Sonnet 4.5": 1.0},
    }
)
"""Shares of the models by SKU."""
