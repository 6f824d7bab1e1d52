"""How many cases each fuzz test gets: a share of FUZZ_CASES, which is small in ``make test`` and large in ``make fuzz``."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

CASES = int(os.environ.get("FUZZ_CASES", "300"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))


def budget(share):
    """Settings for a test that gets ``share`` of the cases. No deadline: the machine may be busy, and GDAL opens its drivers in the first case."""
    phases = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
    return settings(max_examples=max(1, round(share * CASES)), deadline=None, phases=phases, suppress_health_check=list(HealthCheck))
