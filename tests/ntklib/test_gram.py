"""The matrix in blocks is the matrix: on one device and on several, in memory and in a file, at once and resumed."""

import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from ntklib import _memory
from ntklib._blocks import blocks_of
from ntklib.gram import gram
from ntklib.kernels import RBF
from ntklib.mlp import MLP

ROOT = Path(__file__).parents[2]
NTK = MLP(depth=2, b_std=0.1).ntk
X = np.random.default_rng(0).standard_normal((53, 5))
Y = np.random.default_rng(1).standard_normal((21, 5))
X[40] = X[3]
SMALL = 8000  # bytes: blocks of a few points


@pytest.fixture(scope="module", autouse=True)
def in_64_bits():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(("shape", "size"), [((10, 10), 3), ((10, 10), 10), ((7, 7), 4), ((1, 1), 8)])
def test_blocks_cover_the_matrix_and_those_of_the_diagonal_come_last(shape, size, symmetric):
    last = np.full(shape, -1)
    for number, block in enumerate(blocks_of(shape, size, symmetric=symmetric)):
        rows, columns = slice(block.row, block.row + size), slice(block.column, block.column + size)
        last[rows, columns] = number
        if block.mirrored:
            last[columns, rows] = number
    assert (last >= 0).all()
    if symmetric:
        on = [n for n, block in enumerate(blocks_of(shape, size, symmetric=True)) if block.row == block.column]
        assert set(np.diag(last)) <= set(on)


def test_the_matrix_of_one_set_is_symmetric_with_an_exact_diagonal():
    seen = []
    got = gram(NTK, X, max_bytes=SMALL, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_allclose(got, NTK(X), rtol=1e-13)
    np.testing.assert_array_equal(got, got.T)
    assert seen[-1][0] == seen[-1][1] == len(seen) > 10
    assert isinstance(got, np.ndarray)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_matrix_between_two_sets(dtype):
    x, y = X.astype(dtype), Y.astype(dtype)
    got = gram(RBF(2.0), x, y, max_bytes=3000)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, RBF(2.0)(x, y), rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_no_points_make_an_empty_matrix():
    assert gram(RBF(), X[:0], Y).shape == (0, 21)


def test_memory_that_fits_no_block_is_an_error():
    with pytest.raises(ValueError, match=r"smallest blocks are of 8 points, which take .* max_bytes=10$"):
        gram(RBF(), X, max_bytes=10)


def test_a_result_that_does_not_fit_is_an_error_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda: 53 * 53 * 8 - 1)
    with pytest.raises(MemoryError, match=r"53 × 53 needs about 22\.5 kB, and 22\.5 kB are available; give a path"):
        gram(NTK, X)


class Interruption(Exception):
    pass


def interrupted(after):
    def progress(done, total):
        if done >= after:
            raise Interruption

    return progress


def test_an_interrupted_matrix_is_resumed_and_finished_blocks_are_not_computed_again(tmp_path):
    path = tmp_path / "gram.npy"
    with pytest.raises(Interruption):
        gram(NTK, X, max_bytes=SMALL, path=path, progress=interrupted(5))
    with (tmp_path / "gram.npy.blocks").open("a", encoding="utf-8") as file:
        file.write("7")  # cut off: no line, and block 7 was not finished
    begun = np.load(path)
    assert 0 < np.count_nonzero(begun) < begun.size
    # what is there is kept: a mark in a finished block survives, one in a block that was not finished does not
    array = np.lib.format.open_memmap(path, "r+")
    block = json.loads((tmp_path / "gram.npy.blocks").read_text(encoding="utf-8").split("\n")[0])["size"]
    array[0, block + 1] = -1.0
    array[-1, -1] = -2.0
    array.flush()
    seen = []
    got = gram(NTK, X, max_bytes=SMALL, path=path, progress=lambda done, total: seen.append(done))
    assert seen[0] == 6
    assert got[0, block + 1] == -1
    want = np.array(NTK(X))
    want[0, block + 1] = -1
    np.testing.assert_allclose(got, want, rtol=1e-13)
    assert not got.flags.writeable
    again = gram(NTK, X, path=path, progress=lambda done, total: pytest.fail("computed again"))
    np.testing.assert_array_equal(again, got)


def test_other_points_or_another_kernel_at_the_same_path_are_an_error(tmp_path):
    path = tmp_path / "gram.npy"
    gram(RBF(2.0), X, path=path)
    moved = X.copy()
    moved[17, 3] += 1e-9
    for kernel, x1, x2 in ((RBF(2.0), moved, None), (RBF(2.0001), X, None), (RBF(2.0), X, Y), (RBF(2.0), X, X)):
        with pytest.raises(ValueError, match="other points or of another kernel"):
            gram(kernel, x1, x2, path=path)
    gram(RBF(2.0), X, path=path)
    (tmp_path / "gram.npy.blocks").unlink()
    with pytest.raises(ValueError, match="was not begun by gram"):
        gram(RBF(2.0), X, path=path)


def test_a_file_that_was_removed_is_made_anew(tmp_path):
    path = tmp_path / "gram.npy"
    want = np.array(gram(RBF(), X, path=path))
    path.unlink()
    np.testing.assert_array_equal(gram(RBF(), X, path=path), want)


def test_a_file_begun_in_larger_blocks_than_are_allowed_is_an_error(tmp_path):
    with pytest.raises(Interruption):
        gram(RBF(), X, max_bytes=20000, path=tmp_path / "gram.npy", progress=interrupted(1))
    with pytest.raises(ValueError, match=r"begun with blocks of .* allow as much"):
        gram(RBF(), X, max_bytes=1000, path=tmp_path / "gram.npy")


SCRIPT = """
import sys, jax, numpy as np
{setup}
jax.config.update("jax_enable_x64", True)
from ntklib.gram import gram
from ntklib.mlp import MLP
rng = np.random.default_rng(0)
x, y = rng.standard_normal((53, 5)), rng.standard_normal((21, 5))
ntk = MLP(depth=2, b_std=0.1).ntk
"""


def run(code, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment,
    )


def finished(process):
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    return out


def test_several_devices_give_the_matrix_of_one():
    code = (
        SCRIPT.format(setup='jax.config.update("jax_num_cpu_devices", 8)')
        + """
assert len(jax.devices()) == 8
for count in (1, 2, 4, 8):
    seen = []
    chosen = jax.devices()[:count]
    got = gram(ntk, x, max_bytes=8000 * count, devices=chosen, progress=lambda *numbers: seen.append(numbers))
    np.testing.assert_allclose(got, ntk(x), rtol=1e-13)
    rounds, (done, total) = len(seen), seen[-1]
    assert done == total and total / count <= rounds < total / count + 2, (count, seen)
np.testing.assert_allclose(gram(ntk, x, y, max_bytes=80000), ntk(x, y), rtol=1e-13)
"""
    )
    finished(run(code))


def test_two_processes_share_the_blocks_and_both_have_the_matrix(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    setup = f'jax.distributed.initialize("127.0.0.1:{port}", num_processes=2, process_id=int(sys.argv[1]))'
    code = (
        SCRIPT.format(setup=setup)
        + f"""
assert jax.process_count() == 2 and len(jax.devices()) == 2
seen = []
got = gram(ntk, x, max_bytes=8000, progress=lambda *numbers: seen.append(numbers))
assert len(seen) <= seen[-1][1] / 2 + 2, seen
kept = gram(ntk, x, max_bytes=8000, path={str(tmp_path / "gram.npy")!r})
np.testing.assert_array_equal(got, kept)
if jax.process_index() == 0:
    np.save({str(tmp_path / "got.npy")!r}, got)
"""
    )
    processes = [run(code, number) for number in range(2)]
    try:
        for process in processes:
            finished(process)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    np.testing.assert_allclose(np.load(tmp_path / "got.npy"), NTK(np.random.default_rng(0).standard_normal((53, 5))))


def test_a_function_that_changes_is_compiled_again_and_a_kernel_that_cannot_is_not(monkeypatch):
    scale = 1.0

    def changing(a, b=None):
        return scale * RBF(1.0)(a, b)

    before = gram(changing, X, max_bytes=SMALL)
    scale = 2.0
    assert np.array_equal(gram(changing, X, max_bytes=SMALL), 2 * before)
    gram(NTK, X, max_bytes=SMALL)
    compiled = []
    monkeypatch.setattr(jax, "shard_map", lambda *_, **__: compiled.append(1))
    assert np.array_equal(gram(NTK, X, max_bytes=SMALL), gram(MLP(depth=2, b_std=0.1).ntk, X, max_bytes=SMALL))
    assert not compiled
    with pytest.raises(TypeError):  # another kernel does compile
        gram(MLP(depth=2, b_std=0.2).ntk, X, max_bytes=SMALL)


@pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux hands out")
def test_what_a_block_works_with_is_not_fetched_anew_for_each_block():
    x = np.random.default_rng(0).standard_normal((3000, 784))
    fetched = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        nbytes = gram(NTK, x).nbytes
        fetched.append((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize())
    assert min(fetched) < 2 * nbytes  # with blocks of a thousand points three times as much


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (lambda a, b=None: a[:, 0], r"kernel must return shape \(\d+, \d+\) .*, got \(\d+,\)"),
        (lambda a, b=None: a[:, :1], r"kernel must return shape \(\d+, \d+\) .*, got \(\d+, 1\)"),
        (lambda a, b=None: 1j * a @ (a if b is None else b).T, "kernel must return real values, got complex"),
    ],
)
def test_a_kernel_of_another_shape_or_of_complex_numbers_is_refused(kernel, message, tmp_path):
    for arguments in ({}, {"path": tmp_path / "gram.npy"}):
        for second in (None, X[:5]):
            with pytest.raises(ValueError, match=message):
                gram(kernel, X, second, **arguments)


def test_points_of_two_dtypes_are_computed_in_the_one_with_more_bits():
    got = gram(RBF(), X.astype(np.float32), X[:3].astype(np.float16))
    assert got.dtype == np.float32
    want = RBF()(X.astype(np.float32), X[:3].astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_no_memory_and_no_device_are_refused():
    with pytest.raises(ValueError, match="max_bytes must be an integer of at least 1, got -5"):
        gram(RBF(), X, max_bytes=-5)
    with pytest.raises(ValueError, match="devices must hold at least one device, got none"):
        gram(RBF(), X, devices=[])
