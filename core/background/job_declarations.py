"""The jobs that plugins declare, checked while the app is built."""

import re
from datetime import timedelta
from typing import Any

from core.base.errors import PluginError
from core.host.contract import Plugin
from core.host.host import PluginHost
from core.records.fields import Job

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def declared_jobs(host: PluginHost) -> dict[str, tuple[Plugin, Job]]:
    """The jobs of all plugins by name.

    Raises:
        PluginError: a declaration clashes or is not possible; the message names the plugin and the remedy.
    """
    found: dict[str, tuple[Plugin, Job]] = {}
    for plugin, jobs in host.register("register_jobs"):
        for job in jobs:
            _check(plugin, job)
            if job.name in found:
                rival = found[job.name][0].name
                problem = f"{rival} has a job of that name already; choose another name"
                raise PluginError(plugin.name, f"job {job.name}", problem)
            found[job.name] = plugin, job
    return found


def _check(plugin: Plugin, job: Any) -> None:
    if not isinstance(job, Job):
        raise PluginError(plugin.name, "register_jobs", f"{job!r} is not a guanxi.Job")
    problem = None
    if not _NAME.fullmatch(job.name):
        problem = "must be named in snake case, as in expire_points"
    elif not isinstance(job.every, timedelta) or job.every < timedelta(seconds=1):
        problem = f"every {job.every!r} is not possible; give a timedelta of a second or more"
    elif not callable(job.run):
        problem = f"run {job.run!r} is not a function; name one that takes the context"
    elif not job.description:
        problem = "has no description; say in one sentence what it does"
    if problem:
        raise PluginError(plugin.name, f"job {job.name}", problem)
