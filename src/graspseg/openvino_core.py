"""The one OpenVINO core of a process."""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino

_core: openvino.Core | None = None
_making = threading.Lock()


def shared_core() -> openvino.Core:
    """The core that compiles every model of this process; made by the first call, from whichever thread, never freed.

    With its first model a core gives the calling thread an alternate signal stack, and its destructor gives back the
    one found then. Of two cores that die in the order they were made, the second gives back the freed stack of the
    first, and the next signal kills the process: Python handles every signal on that stack. Compiled models are freed
    on their own.
    """
    global _core
    with _making:
        if _core is None:
            import openvino

            _core = openvino.Core()
            # Exit must not free it either: somebody else may have set or found a signal stack since.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(_core))
        return _core
