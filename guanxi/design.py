"""The CRM made of settings and plugins, before there is a database."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from core.background.job_declarations import declared_jobs
from core.base.settings import Settings
from core.host.contract import Plugin
from core.host.host import PluginHost, PluginSource
from core.records.fields import Job
from schema.catalog.access import AccessControl
from schema.catalog.catalog import Catalog
from schema.catalog.derivation import build_catalog
from schema.catalog.permissions import access_control
from schema.plan.expression_checks import check_expressions
from schema.serve.assembly import Assembled, assemble


class Design:
    """The CRM made of settings and plugins, before there is a database; apps of several databases may share it.

    Attributes:
        host: the plugins.
        catalog: the records and fields.
        jobs: the plugins' periodic work.
        control: who may see and do what.
    """

    def __init__(
        self, host: PluginHost, catalog: Catalog, jobs: Mapping[str, tuple[Plugin, Job]], control: AccessControl
    ) -> None:
        self.host = host
        self.catalog = catalog
        self.jobs = jobs
        self.control = control
        self._assembled: Assembled | None = None
        self._assembling = Lock()

    def assemble(self) -> Assembled:
        """The GraphQL schema, made when it is first asked for, because much is done without it.

        Raises:
            PluginError: an operation of a plugin does not fit.
        """
        with self._assembling:
            if self._assembled is None:
                with _collecting_nothing():
                    self._assembled = assemble(self.catalog, self.host)
            return self._assembled


def design(settings: Settings, plugins: Iterable[PluginSource]) -> Design:
    """Loads the plugins and makes the catalog.

    Raises:
        PluginError: a plugin does not fit.
    """
    with _collecting_nothing():
        host = PluginHost(plugins, settings)
        catalog = build_catalog(host, settings)
        check_expressions(catalog, {plugin.name: plugin for plugin in host.plugins})
        return Design(host, catalog, declared_jobs(host), access_control(host, catalog))


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Suspends garbage collection, which takes a quarter of the time of making a schema and finds nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
