"""Reads the settings again while the daemon runs, as SIGHUP asks for, and takes over what can change."""

import logging
from collections.abc import Callable

from pipeline.settings import Settings, SettingsError, reloaded

logger = logging.getLogger(__name__)


class Reloading:
    """Holds the settings that are in force.

    Parameters
    ----------
    settings
        Those of the start.
    read
        Reads them again, from where they came; raises SettingsError.
    apply
        Puts new ones in force.
    """

    def __init__(self, settings: Settings, read: Callable[[], Settings], apply: Callable[[Settings], None]) -> None:
        self._settings, self._read, self._apply = settings, read, apply

    def again(self) -> None:
        """Read them again. What is wrong keeps the old ones; either is told in a line."""
        try:
            new = self._read()
        except SettingsError as error:
            logger.error("SIGHUP: the settings stay as they are: %s", error)
            return
        self._settings, taken, left = reloaded(self._settings, new)
        if taken:
            self._apply(self._settings)
        told = [f"{', '.join(taken)} taken over"] if taken else []
        told += [f"{', '.join(left)} would need a restart and stay as they were"] if left else []
        logger.warning("SIGHUP: settings read again; %s", "; ".join(told) or "nothing has changed")
