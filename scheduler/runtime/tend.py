"""Tend: each site carries on with what was ordered and could not be done at once."""

import asyncio
from collections.abc import Mapping, Sequence

from adapters.base import Adapter, AdapterError
from scheduler.domain.names import ClusterName
from scheduler.runtime.logs import Logger

log = Logger("tidegate.tend")


async def tend(adapters: Sequence[Adapter], deadline_s: float) -> Mapping[ClusterName, str]:
    """Side by side, each within the deadline. The sites that failed, with why; raises nothing."""
    answers = await asyncio.gather(*(_site(adapter, deadline_s) for adapter in adapters))
    return {adapter.cluster: why for adapter, why in zip(adapters, answers, strict=True) if why}


async def _site(adapter: Adapter, deadline_s: float) -> str:
    try:
        async with asyncio.timeout(deadline_s):
            await adapter.tend()
    except TimeoutError:
        why = f"no answer within {deadline_s:g} s"
    except AdapterError as error:
        why = f"{error.outcome}: {error}"
    except Exception as error:  # noqa: BLE001 - the fan-out: one site's bug must not stop the rest
        why = f"{type(error).__name__}: {error}"
    else:
        return ""
    log.warning("tend.failed", cluster=adapter.cluster, why=why)
    return why
