"""How do programs that run side by side share the processor? Each does its linear algebra in one thread.

Two programs with two threads each on two cores wait for each other, and waiting, the threads keep the cores busy: two
chapters then take three times as long as with one thread each. JAX's own threads do not.
"""

ONE_EACH = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
