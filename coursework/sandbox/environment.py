"""Which environment variables do the sandbox and the trusted process have?"""

import sys
from pathlib import Path

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ONE_CORE = {**THREADS, "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
AT_LEAST = "0.05"  # seconds that compiling takes, for a program to be kept
NEVER = "1000000000"


def inside(cache: Path | None, writable: bool) -> dict[str, str]:
    """All that a sandbox has; `cache` and `writable` as for :class:`~coursework.sandbox.sandbox.Sandbox`."""
    variables = {
        "PATH": f"{Path(sys.prefix).resolve()}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/home/student",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": "/course/library:/course/grader",
        "IPYTHONDIR": "/tmp/ipython",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "JAX_PLATFORMS": "cpu",
        "PIP_RETRIES": "0",  # cells that install something are to fail at once
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **ONE_CORE,
    }
    if cache is not None:
        variables.update(caches(Path("/cache"), writable))
        if writable:
            variables["MPLCONFIGDIR"] = "/cache/matplotlib"
    return variables


def caches(folder: Path, writable: bool) -> dict[str, str]:
    """The environment variables with which Python and JAX read what was compiled before, and perhaps add to it."""
    return {
        "PYTHONPYCACHEPREFIX": str(folder / "python"),
        **({} if writable else {"PYTHONDONTWRITEBYTECODE": "1"}),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": AT_LEAST if writable else NEVER,
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }
