"""Is my network a kernel machine? The measures, and what the diagnosis says of networks of which it is known."""

import xml.etree.ElementTree

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from ntklib import _sketched_kernel
from ntklib._linear_model import Model, largest, least_step
from ntklib._sketched_kernel import jackknife
from ntklib.dynamics import gradient_descent
from ntklib.laziness import alignment, laziness
from ntklib.mlp import MLP


def matrices(n=7, k=2, seed=0):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((n, 5))
    return factor @ factor.T + 3.0, rng.standard_normal((n, k))


@pytest.mark.parametrize("k", [1, 3])
def test_alignment_is_the_correlation_of_what_pairs_of_points_have_in_common(x64, k):
    kernel, y = matrices(k=k)
    n = len(kernel)

    def double_centred(m):  # by its definition over pairs, without matrices
        return [[m[i][j] - sum(m[i]) / n - sum(row[j] for row in m) / n + sum(map(sum, m)) / n**2
                 for j in range(n)] for i in range(n)]  # fmt: skip

    labels = [[sum(y[i, o] * y[j, o] for o in range(k)) for j in range(n)] for i in range(n)]
    a, b = (np.ravel(double_centred(m)) for m in (kernel.tolist(), labels))
    np.testing.assert_allclose(float(alignment(kernel, y)), np.corrcoef(a, b)[0, 1], rtol=1e-12)
    if k == 1:
        assert float(alignment(kernel, y[:, 0])) == float(alignment(kernel, y))


def test_alignment_sees_neither_scales_nor_constants(x64):
    kernel, y = matrices()
    wanted = float(alignment(kernel, y))
    for changed in (alignment(1e-200 * kernel, y), alignment(kernel + 50.0, 1e150 * (y + 7.0))):
        np.testing.assert_allclose(float(changed), wanted, rtol=1e-10)
    np.testing.assert_allclose(float(jax.jit(alignment)(kernel, y)), wanted, rtol=1e-12)
    assert float(alignment(y @ y.T + 2.0, y)) == pytest.approx(1.0)
    beside = np.linalg.svd(np.column_stack([np.ones(7), y]))[0][:, -1:]  # knows nothing of the labels
    assert abs(float(alignment(beside @ beside.T, y))) < 1e-12


def test_alignment_refuses_what_is_constant(dtype):
    kernel, y = (jnp.asarray(m, dtype) for m in matrices())
    with pytest.raises(ValueError, match="y must not be constant"):
        alignment(kernel, jnp.full(7, 0.1, dtype))
    with pytest.raises(ValueError, match="kernel must not be constant"):
        alignment(jnp.full((7, 7), 0.1, dtype), y)
    with pytest.raises(ValueError, match=r"y must have shape \(7,\) or \(7, k\)"):
        alignment(kernel, y[:6])


# the diagnosis


def parity(n, bits, together, seed=0, tested=100):
    """Points of a cube, without repetition, and the product of some of their bits as the target."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(2**bits, n + tested, replace=False)
    points = ((codes[:, None] >> np.arange(bits)) & 1) * 2.0 - 1
    x = np.column_stack([points, np.ones(len(points))]).astype(np.float32)
    y = np.prod(points[:, :together], 1, keepdims=True).astype(np.float32)
    return x[:n], y[:n], x[n:]


def trained(mlp, width, alpha, rate, steps, data, seed=1):
    """A network with what it learns multiplied by a scale: its apply, its parameters before and after training."""
    x, y, _ = data
    start = mlp.init(jax.random.key(seed), x.shape[1], width)

    def apply(params, x):
        return alpha * (mlp.apply(params, x) - mlp.apply(start, x))

    run = gradient_descent(apply, start, x, y, learning_rate=rate / alpha**2, steps=steps)
    assert run.loss[-1] < 0.01 * run.loss[0], "a network that has learned nothing is lazy for no reason of interest"
    return apply, start, run.params


MEAN_FIELD, NTK = MLP(1, "relu", parameterization="mean_field"), MLP(1, "erf")
# network, width, scale, rate; what the report must say of it
FIVE = {
    "wide, at the NTK scale": (NTK, 1024, 4.0, 1.0, "lazy"),
    "64 units, scaled up": (NTK, 64, 256.0, 1.0, "lazy"),
    "at the mean-field scale, scaled up": (MEAN_FIELD, 128, 16.0, 64.0, "in between"),
    "at the mean-field scale": (MEAN_FIELD, 128, 1.0, 64.0, "rich"),
    "at the mean-field scale, scaled down": (MEAN_FIELD, 128, 0.25, 64.0, "rich"),
}


@pytest.fixture(scope="module")
def five():
    data = parity(60, 12, 2)
    reports = {}
    for name, (mlp, width, alpha, rate, _) in FIVE.items():
        apply, start, end = trained(mlp, width, alpha, rate, 800, data)
        reports[name] = laziness(apply, start, end, *data)
    return reports


@pytest.mark.parametrize("name", FIVE)
def test_the_diagnosis_says_of_five_networks_what_they_are(five, name):
    report, wanted = five[name], FIVE[name][-1]
    assert report.regime == wanted, str(report)
    assert report.verdict.lower().startswith(wanted)
    others = {"lazy", "in between", "rich"} - {wanted}
    assert not any(report.verdict.lower().startswith(other) for other in others)
    low, high = {"lazy": (0, 1 / 3), "in between": (1 / 3, 2 / 3), "rich": (2 / 3, 1)}[wanted]
    assert low <= report.position <= high
    # by each measure alone the opposite verdict is rejected too
    if wanted == "lazy":
        assert max(report.positions.values()) < 2 / 3
        assert report.kernel_change < 0.1 < min(five[n].kernel_change for n in FIVE if FIVE[n][-1] == "rich")
        assert abs(report.alignment_after / report.alignment_before - 1) < 0.05
        assert report.regression_gap_before < 0.05  # which a fit to a twentieth would not show
    if wanted == "rich":
        assert min(report.positions.values()) > 1 / 3
        assert report.linearization_gap > 0.5
        assert report.alignment_after > 1.3 * report.alignment_before
    assert len(report.positions) == 3
    for name in report.positions:
        assert getattr(report.lazy, name) < getattr(report.rich, name)
    assert report.lazy.linearization_gap < 0.05
    assert report.rich.kernel_change > 1
    assert report.verdict.count("%") == 9  # each of three numbers beside those of both references


def test_a_network_is_judged_by_what_it_has_done_and_not_by_what_it_could_do():
    data = parity(60, 12, 2)
    mlp, width, alpha, rate, _ = FIVE["at the mean-field scale, scaled down"]
    apply, start, end = trained(mlp, width, alpha, rate, 800, data)
    assert laziness(apply, start, end, *data).regime == "rich"
    few = gradient_descent(
        apply, start, *data[:2], learning_rate=1.0, steps=3
    ).params  # hardly moved: it is still linear
    assert laziness(apply, start, few, *data).regime == "lazy"


def test_measures_are_those_of_explicit_jacobians():
    x, y, x_test = (jnp.asarray(part) for part in parity(20, 8, 2, tested=6))
    y = jnp.concatenate([y, -y + x[:, :1]], 1)
    mlp = MLP(2, "tanh", b_std=0.3, out_dim=2)
    with jax.enable_x64(True):
        x, y, x_test = (jnp.asarray(np.asarray(part, float)) for part in (x, y, x_test))
        start = mlp.init(jax.random.key(0), 9, 40)
        apply = lambda p, x: mlp.apply(p, x) / 8  # noqa: E731
        end = gradient_descent(apply, start, x, y, learning_rate=30.0, steps=100).params
        report = laziness(apply, start, end, x, y, x_test)
        jacobian = lambda p, x: np.concatenate(  # noqa: E731
            [leaf.reshape(2 * len(x), -1) for leaf in jax.tree.leaves(jax.jacrev(apply)(p, x))], 1
        )
        both = [jacobian(p, x) for p in (start, end)]
        kernels = [np.einsum("iop,jop->ij", *[j.reshape(20, 2, -1)] * 2) / 2 for j in both]
        moved = np.concatenate([np.ravel(b - a) for a, b in zip(*map(jax.tree.leaves, (start, end)), strict=True)])
        rows = jnp.concatenate([x, x_test])
        change = np.ravel(apply(end, rows) - apply(start, rows))
        gap = np.linalg.norm(change - jacobian(start, rows) @ moved) / np.linalg.norm(change)
        norm = np.linalg.norm
        np.testing.assert_allclose(report.kernel_change, norm(kernels[1] - kernels[0]) / norm(kernels[0]), rtol=1e-8)
        np.testing.assert_allclose(report.linearization_gap, gap, rtol=1e-8)
        for found, kernel in zip((report.rank_before, report.rank_after), kernels, strict=True):
            values = np.linalg.eigvalsh(kernel)
            np.testing.assert_allclose(found, values.sum() ** 2 / (values**2).sum(), rtol=1e-8)
        np.testing.assert_allclose(report.alignment_after, float(alignment(kernels[1], y)), rtol=1e-8)
        np.testing.assert_allclose(
            report.parameter_motion["1"],
            norm(np.concatenate([np.ravel(b - a) for a, b in zip(start[1], end[1], strict=True)]))
            / norm(np.concatenate([np.ravel(a) for a in start[1]])),
            rtol=1e-10,
        )
        assert float(report.parameter_motion) == pytest.approx(norm(moved) / norm(np.concatenate(
            [np.ravel(a) for a in jax.tree.leaves(start)])))  # fmt: skip
        learned, test = change[:40], change[40:]
        exact = []
        for j, at in zip(both, (start, end), strict=True):
            direct = jacobian(at, x_test) @ np.linalg.lstsq(j, learned, rcond=1e-12)[0]
            exact.append(norm(direct - test) / norm(test))
        found = report.regression_gap_before, report.regression_gap_after
        assert exact[0] > exact[1] + 0.2
        np.testing.assert_allclose(found, exact, atol=0.05)  # fitted to a fiftieth, where the exact one fits exactly


def classifier(width=50, n=24):
    """A network of six outputs, as of another library, and data."""
    x = np.random.default_rng(0).standard_normal((n, 5)).astype(np.float32)
    y = np.eye(6, dtype=np.float32)[np.arange(n) % 6]
    rng = np.random.default_rng(1)
    start = {
        name: jnp.asarray(rng.standard_normal(shape), jnp.float32) / shape[0] ** 0.5
        for name, shape in {"hidden": (5, width), "out": (width, 6)}.items()
    }
    apply = lambda p, x: jnp.tanh(x @ p["hidden"]) @ p["out"]  # noqa: E731
    end = gradient_descent(apply, start, x, y, learning_rate=0.3 * 50 / width, steps=100).params
    return apply, start, end, x, y


def test_a_sketch_of_the_outputs_is_off_by_what_it_says():
    exact = laziness(*classifier(), probes=6)
    assert exact.probes is None
    assert set(exact.errors.values()) == {0.0}
    off = []
    for seed in range(6):
        sketch = laziness(*classifier(), probes=4, seed=seed)
        assert sketch.probes == 4
        assert sketch.errors["kernel_change"] > 0
        off.append((sketch.kernel_change - exact.kernel_change) / sketch.errors["kernel_change"])
        assert sketch.linearization_gap == pytest.approx(exact.linearization_gap), "which is not sketched"
        assert "±" in str(sketch)
    assert max(map(abs, off)) > 1e-3, "it was not sketched"
    assert np.sqrt(np.mean(np.square(off))) < 3, off


def test_the_error_of_a_sum_is_that_of_a_mean(x64):
    sketches = np.random.default_rng(0).standard_normal((5, 3, 3))
    value, error = jackknife(lambda kernel: float(kernel.sum()), sketches)
    sums = sketches.sum((1, 2))
    np.testing.assert_allclose([value, error], [sums.mean(), sums.std(ddof=1) / 5**0.5], rtol=1e-12)


def test_in_batches_derivatives_are_those_of_all_examples(x64):
    apply, start, _, x, _ = classifier(n=101)
    x, start = jnp.asarray(x, float), jax.tree.map(lambda leaf: jnp.asarray(leaf, float), start)
    model = Model(apply, start, x, 2**16)
    assert 1 < model.batch < 101
    assert 101 % model.batch, "the last batch reaches back"
    flat, unravel = jax.flatten_util.ravel_pytree(start)
    whole = lambda flat: apply(unravel(flat), x)  # noqa: E731
    u, v = (np.random.default_rng(1).standard_normal(shape) for shape in ((101, 6), flat.shape))
    outputs, back = jax.vjp(whole, flat)
    np.testing.assert_allclose(model.outputs(flat), outputs, rtol=1e-12)
    np.testing.assert_allclose(model.push(flat, jnp.asarray(v)), jax.jvp(whole, (flat,), (v,))[1], rtol=1e-9)
    found = model.pull(flat, jnp.asarray(u), of_outputs=0.5)
    np.testing.assert_allclose(found[0], outputs, rtol=1e-12)
    np.testing.assert_allclose(found[1], back(0.5 * outputs + u)[0], rtol=1e-9, atol=1e-12)
    near = model.around(flat)  # keeps nothing: in so little memory it does not fit
    assert (model.kept, near.parts) == (0, [])
    np.testing.assert_allclose(near.pull(jnp.asarray(u)), back(u)[0], rtol=1e-9, atol=1e-12)
    for few in (2, 70):  # fewer than a batch, and more
        other = model.at(x[-few:])
        assert other.batch == min(model.batch, few)
        np.testing.assert_allclose(other.outputs(flat), outputs[-few:], rtol=1e-12)
        np.testing.assert_allclose(other.push(flat, jnp.asarray(v)), model.push(flat, jnp.asarray(v))[-few:], rtol=1e-9)
    assert (model.n, len(model.outputs(flat))) == (101, 101)


def test_what_is_kept_of_a_place_changes_no_derivative_and_is_counted(x64, monkeypatch):
    monkeypatch.setattr("ntklib._linear_model._QUICK", 2**14)
    apply, start, _, x, _ = classifier(n=101)
    x, start = jnp.asarray(x, float), jax.tree.map(lambda leaf: jnp.asarray(leaf, float), start)
    model = Model(apply, start, x, 2**24)
    assert 1 < model.batch < 101
    assert 101 % model.batch, "the last batch reaches back"
    rng = np.random.default_rng(2)
    for flat in (model.flat, model.flat + 0.1 * jnp.asarray(rng.standard_normal(model.flat.shape))):
        near = model.around(flat)
        assert model.kept == sum(leaf.nbytes for leaf in jax.tree.leaves(near.parts)) > 0
        u, v = (jnp.asarray(rng.standard_normal(shape)) for shape in ((101, 6), flat.shape))
        np.testing.assert_allclose(near.push(v), model.push(flat, v), rtol=1e-9)
        np.testing.assert_allclose(near.pull(u), model.pull(flat, u)[1], rtol=1e-9, atol=1e-12)
    assert Model(apply, start, x, model.bytes + model.kept - 1).kept == 0, "it would not fit"


def test_two_batches_at_once_have_the_digits_of_one_after_the_other(x64, monkeypatch):
    monkeypatch.setattr("ntklib._linear_model._QUICK", 2**14)
    monkeypatch.setattr("ntklib._sketched_kernel._LARGE", 0)
    apply, start, _, x, _ = classifier(n=101)
    x, start = jnp.asarray(x, float), jax.tree.map(lambda leaf: jnp.asarray(leaf, float), start)
    rng = np.random.default_rng(2)
    found, probes = [], np.eye(6)[:2]
    u, v = (jnp.asarray(rng.standard_normal(shape)) for shape in ((101, 6), Model(apply, start, x, 2**24).flat.shape))
    for cores in (1, 2):
        monkeypatch.setattr("ntklib._threads.os.cpu_count", lambda cores=cores: cores)
        model = Model(apply, start, x, 2**24)
        assert (model.workers, len(model.starts) % 2) == (cores, 0), "in pairs, on whichever machine"
        near, kernels = model.around(model.flat), _sketched_kernel.of(apply, model, probes, 2**24)
        assert near.parts
        found.append([*model.pull(model.flat, u), near.push(v), near.pull(u), kernels(model.flat, lambda share: None)])
        assert {str(each.dtype) for each in found[-1]} == {"float64"}, "a thread has the digits of the one that asks"
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
    jacobian = np.asarray(jax.jacrev(lambda flat: apply(model.unravel(flat), x))(model.flat))[:, :2]
    np.testing.assert_allclose(found[1][-1], np.einsum("isp,jsp->sij", jacobian, jacobian), rtol=1e-10, atol=1e-12)
    assert Model(apply, start, x, 2 * model.bytes + model.kept - 1).workers == 1, "two would not fit"


def test_the_least_step_is_that_of_least_squares_by_whichever_kernel_it_is_preconditioned(x64):
    apply, start, _, x, _ = classifier(width=200, n=8)
    x, start = jnp.asarray(x, float), jax.tree.map(lambda leaf: jnp.asarray(leaf, float), start)
    model = Model(apply, start, x, 2**30)
    jacobian = np.asarray(jax.jacrev(lambda flat: apply(model.unravel(flat), x))(model.flat)).reshape(48, -1)
    change = np.random.default_rng(2).standard_normal((8, 6))
    wanted = np.linalg.lstsq(jacobian, change.ravel())[0]
    rows = jacobian.reshape(8, 6, -1)
    taken = []
    for kernel in (np.einsum("iop,jop->ij", rows, rows) / 6, np.eye(8)):
        shares: list[float] = []
        found = least_step(
            model, model.flat, jnp.asarray(change), kernel, tol=1e-9, iterations=500, report=shares.append
        )
        np.testing.assert_allclose(found.step, wanted, atol=1e-6 * np.abs(wanted).max())
        np.testing.assert_allclose(found.fitted, change, atol=1e-6)
        taken.append(len(shares))
    assert taken[0] < 0.75 * taken[1], taken  # the kernel of its outputs is worth its while
    top = np.linalg.norm(jacobian, 2) ** 2
    assert 0.9 * top < largest(model, model.flat, jnp.asarray(change), 8) < (1 + 1e-9) * top


def test_coefficients_of_a_fit_nearby_are_begun_with_and_those_of_another_are_not(x64):
    apply, start, _, x, _ = classifier(width=200, n=8)
    x, start = jnp.asarray(x, float), jax.tree.map(lambda leaf: jnp.asarray(leaf, float), start)
    model = Model(apply, start, x, 2**30)
    change = jnp.asarray(np.random.default_rng(2).standard_normal((8, 6)))
    moved = model.flat + 1e-3 * jnp.asarray(np.random.default_rng(3).standard_normal(model.flat.shape))

    def fit(at, guess=None):
        shares: list[float] = []
        found = least_step(model, at, change, np.eye(8), tol=1e-6, iterations=500, report=shares.append, guess=guess)
        np.testing.assert_allclose(model.pull(at, found.dual)[1], found.step, rtol=1e-6, atol=1e-9)
        return found, len(shares)

    first, _ = fit(model.flat)
    wanted, alone = fit(moved)
    assert fit(model.flat, first.dual)[1] <= 2  # it fits as it is, and is made better
    for guess, fewer in ((first.dual, True), (5 * first.dual, False)):
        found, taken = fit(moved, guess)
        np.testing.assert_allclose(found.step, wanted.step, atol=1e-4 * float(jnp.abs(wanted.step).max()))
        assert (taken < 0.8 * alone) == fewer, (taken, alone)
        assert fewer or taken == alone


def test_batches_and_blocks_change_nothing_but_the_memory():
    whole, small = (laziness(*classifier(n=151), max_bytes=size) for size in (2**30, 2**16))
    assert whole.batch == 151
    assert small.batch <= 76  # the last batch reaches back
    assert small.bytes <= 2**16 < whole.bytes
    for name in ("kernel_change", "linearization_gap", "alignment_after", "rank_after"):
        assert getattr(small, name) == pytest.approx(getattr(whole, name), rel=2e-3), name
    wide = classifier(width=5000)
    with pytest.raises(ValueError, match="max_bytes must allow the gradient of one example"):
        laziness(*wide, max_bytes=2**16)


def test_a_linear_model_has_no_rich_reference():
    x, y, x_test = parity(20, 8, 1)
    mlp = MLP(depth=0)
    start = mlp.init(jax.random.key(0), 9, 1)
    end = gradient_descent(mlp.apply, start, x, y, learning_rate=0.5, steps=20).params
    report = laziness(mlp.apply, start, end, x, y, x_test)
    assert (report.regime, report.rich, report.position) == ("lazy", None, 0.0)
    assert report.kernel_change < 1e-6
    assert "linear in its parameters" in report.verdict
    assert "none" in report._repr_html_()


def test_progress_is_told_and_a_page_is_shown():
    told = []
    report = laziness(*classifier(), progress=lambda stage, share: told.append((stage, share)))
    assert len({stage for stage, _ in told}) >= 5
    assert all(0 <= share <= 1 for _, share in told)
    assert report.regression_gap_before is None
    assert set(report.positions) <= {"kernel_change", "linearization_gap"}
    page = report._repr_html_()
    assert "needs x_test" in page
    for piece in (report.verdict.replace("'", "&#x27;"), "<svg", "made lazy", "made rich", "motion of hidden", "±"):
        assert piece in page
    assert page.count("<tr>") == 1 + 8 + 3
    assert xml.etree.ElementTree.fromstring(page).tag == "div"
    with pytest.raises(AttributeError, match="a report has no 'kernel'"):
        _ = report.kernel


def test_what_cannot_be_diagnosed_is_refused():
    apply, start, end, x, y = classifier()
    for changed, message in (
        ({"after": start}, "after must differ from before in the outputs"),
        ({"after": start | {"out": start["out"][:, :5]}}, "after must be a tree like before"),
        ({"y": np.ones((24, 6), np.float32)}, "y must not be constant"),
        ({"x_test": x[:, :4]}, "x_test must have shape"),
        ({"probes": 1}, "probes must be an integer of at least 2"),
        ({"x": x[:1], "y": y[:1]}, "x must hold at least 2 examples"),
        ({"apply": lambda p, x: apply(p, x - x.mean(0))}, "apply must give each row from its own input alone"),
    ):
        given = {"apply": apply, "before": start, "after": end, "x": x, "y": y} | changed
        with pytest.raises(ValueError, match=message):
            laziness(**given)
