"""scikit-learn: our estimators in searches, our kernels in others."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ntklib.estimators import NTK, KernelClassifier, SklearnKernel
from ntklib.kernels import RBF
from ntklib.mlp import MLP

x, y = load_iris(return_X_y=True, as_frame=True)

# an estimator of ours in a pipeline, searched; n_jobs=2 takes two processes
pipeline = make_pipeline(StandardScaler(), KernelClassifier(NTK()))
pipeline.set_output(transform="pandas")
grid = {
    "kernelclassifier__kernel__depth": [1, 2],
    "kernelclassifier__ridge": [0.1, 1.0],
}
search = GridSearchCV(pipeline, grid).fit(x, y)
# calibrated by the outputs at points that were left out
probabilities = search.predict_proba(x)

# examples of different weight
weights = np.where(y == 2, 5.0, 1.0)
weighted = KernelClassifier(NTK()).fit(x, y, sample_weight=weights)

# a kernel of ours in a support vector machine
scores = cross_val_score(
    make_pipeline(StandardScaler(), SVC(kernel=NTK(depth=2))), x, y
)

# and in a Gaussian process, which tunes its numbers: the length of the
# petals of 50 flowers from their sepals
kernel = SklearnKernel(
    MLP(depth=2, b_std=0.3).nngp + 1.0 * RBF(1.0)
) + WhiteKernel(0.1)
process = GaussianProcessRegressor(kernel, normalize_y=True).fit(
    x.iloc[::3, :2], x.iloc[::3, 2]
)
